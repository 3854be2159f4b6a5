"""Call-IDs as people type them: the first few characters will do.

Only random Call-IDs may be shortened, such as this API makes. A number that some phone counts up
is never taken for the beginning of another one.
"""

import re
from collections.abc import AsyncIterator, Mapping

from call_api_client.client import Client, Refused
from call_api_client.listing import call_list

NOT_SUPPORTED = -32030

SHORT = re.compile(r"[0-9a-f-]{4,31}")
RANDOM = re.compile(r"[0-9a-f-]{32,36}")


ENOUGH = 8
"""How much of a random Call-ID a person is told to type."""


class AmbiguousCallId(Exception):
    """More than one call has a Call-ID that starts so."""

    def __init__(self, typed: str, callids: list[str]) -> None:
        self.callids = callids
        super().__init__(f"{typed} is the beginning of {len(callids)} Call-IDs: type more of it")


def shortened(callid: str) -> str:
    """Return the beginning of a random Call-ID, and any other one whole."""
    return callid[:ENOUGH] if RANDOM.fullmatch(callid) else callid


async def whole(client: Client, typed: str) -> str:
    """Return the Call-ID that was meant: ``typed`` itself, or the only one that starts with it.

    Raises:
        AmbiguousCallId: Several start with it.
        ConnectionLost, BadReply, NoAnswer, Refused: As in `Client.ask`.
    """
    if not SHORT.fullmatch(typed):
        return typed
    found = []
    try:
        async for call in every_call(client):
            callid = str(call.get("callid"))
            if callid == typed:
                return typed
            if callid.startswith(typed) and RANDOM.fullmatch(callid):
                found.append(callid)
    except Refused as exc:
        if exc.failure.code != NOT_SUPPORTED:
            raise
    if len(found) > 1:
        raise AmbiguousCallId(typed, found)
    return found[0] if found else typed


def every_call(client: Client) -> AsyncIterator[Mapping[str, object]]:
    """Yield every call, as CallList tells it, oldest first.

    Raises:
        ConnectionLost, BadReply, NoAnswer, Refused: As in `Client.ask`.
    """
    return call_list(client.ask)
