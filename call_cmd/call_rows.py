"""A call as a row of a table."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from call_cmd.table import ago

if TYPE_CHECKING:
    from call_api_client.terminal import Span
    from call_cmd.names import PhoneBook

HEADER = ("CALLID", "STATE", "CALLER", "CALLEE", "AGE", "HELD")
STYLES = {"answered": "green", "ringing": "yellow", "created": "yellow"}


def row(call: Mapping[str, object], book: "PhoneBook", now: datetime) -> "list[Span]":
    """Return the cells of a call, one for each of `HEADER`.

    Args:
        call: As CallList tells it.
        now: With a time zone.
    """
    state, held = str(call.get("state")), call.get("held")
    return [
        (str(call.get("callid")), "bold"),
        (state, STYLES.get(state, "")),
        (book.name(str(call.get("caller"))), ""),
        (book.name(str(call.get("callee"))), ""),
        (ago(call.get("started"), now), ""),
        (" ".join(map(str, held)) if isinstance(held, list) else "", ""),
    ]
