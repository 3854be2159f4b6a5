"""Who did what: one JSON object for each request, each client and each refusal. No I/O."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypedDict, Unpack

import msgspec
from msgspec import Raw, Struct

from call_api.access.meters import Bucket
from call_api.errors import CallApiError
from call_api.model import CmdId

MAX_PARAMS = 4096
"""Bytes of parameters that are written down; of longer ones only their length is."""

REFUSALS_AT_ONCE, REFUSALS_PER_SECOND = 100, 10
"""Refused handshakes that are written down. Of the others the next one tells how many they were."""

_TO_AT: Final = re.compile(rb'(?:[^@"\\]+|\\.)+@?')  # in a JSON text, within one string
_PASSWORD: Final = re.compile(rb"(sips?:[^:]*:).*@", re.IGNORECASE)


class Deed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the audit log.

    Attributes:
        time: When it was over, UTC.
        token: Whose; empty: no token was needed, or none was good.
        peer: Address and port; of a refused client the address.
        did: The method, or ``connect``, ``refuse`` and ``leave`` of a client.
        cmd_id: Of a command.
        params: As they were understood; without the passwords in URIs.
        params_bytes: Their length, when they are too long to be written down.
        outcome: ``ok``, ``retry`` (it runs or ran already), or the name of an error.
        problem: The error in words.
        seconds: How long it took; of a client how long it stayed.
        skipped: Refused clients before this one that were too many to be written down.
    """

    time: datetime
    token: str
    peer: str
    did: str
    outcome: str
    cmd_id: CmdId | None = None
    params: Raw | None = None
    params_bytes: int = 0
    problem: str = ""
    seconds: float = 0.0
    skipped: int = 0


class Told(TypedDict, total=False):
    """What may be said of a deed, besides who did what to what.

    Attributes:
        began: On the clock of the audit log; missing: it took no time.
        outcome: What went wrong, or a word.
    """

    cmd_id: CmdId
    began: float
    outcome: CallApiError | str


class Audit:
    """Words what is to be written down.

    Args:
        write: Takes one line with its end. Must not wait and not raise.
        clock: Returns seconds, monotonic.
    """

    def __init__(self, write: Callable[[bytes], None], clock: Callable[[], float]) -> None:
        self._write = write
        self.clock = clock
        self._refusals = Bucket(REFUSALS_AT_ONCE, REFUSALS_PER_SECOND, clock())
        self._skipped = 0

    def tell(
        self,
        who: tuple[str, str],
        did: str,
        params: object = None,
        **more: Unpack[Told],
    ) -> None:
        """Write down what somebody did.

        Args:
            who: The token's name and the peer.
            params: Anything that JSON can say, or its text.
        """
        outcome, began = more.get("outcome", "ok"), more.get("began")
        error = outcome if isinstance(outcome, CallApiError) else None
        text = b"" if params is None else _text_of(params)
        fits = 0 < len(text) <= MAX_PARAMS
        token, peer = who
        self._say(
            Deed(
                time=datetime.now(UTC),
                token=token,
                peer=peer,
                did=did,
                cmd_id=more.get("cmd_id"),
                params=Raw(_TO_AT.sub(_masked, text)) if fits else None,
                params_bytes=0 if fits else len(text),
                outcome=type(error).__name__ if error else str(outcome),
                problem=_printable(error) if error else "",
                seconds=0.0 if began is None else round(self.clock() - began, 6),
            )
        )

    def refuse(self, address: str, why: CallApiError) -> None:
        """Write down that a client was not let in, unless these are too many."""
        if self._refusals.take(self.clock()):
            self._skipped += 1
            return
        skipped, self._skipped = self._skipped, 0
        self._say(
            Deed(
                time=datetime.now(UTC),
                token="",
                peer=address,
                did="refuse",
                outcome=type(why).__name__,
                problem=_printable(why),
                skipped=skipped,
            )
        )

    def _say(self, deed: Deed) -> None:
        self._write(_encode(deed) + b"\n")


def _text_of(params: object) -> bytes:
    """Return parameters as JSON; nothing if JSON cannot say them."""
    if isinstance(params, bytes):
        return params
    try:
        return _encode(params)
    except (ValueError, RecursionError):
        return b""


def _masked(found: re.Match[bytes]) -> bytes:
    """Return what leads to an @ without the password of a URI."""
    text = found[0]
    return _PASSWORD.sub(rb"\1***@", text) if text.endswith(b"@") else text


def _printable(error: CallApiError) -> str:
    """Return what an error says, and why: a phone's words in it may be no Unicode."""
    why = [str(error.data[key]) for key in ("param", "problem") if error.data.get(key)]
    return ": ".join([str(error), *why]).encode("utf-8", "backslashreplace").decode()


_encode: Final = msgspec.json.Encoder().encode
