"""A command's event as v1 or v2 says it.

An event is kept in one canonical JSON text, and made into a notification of either dialect by
cutting and joining bytes, because that happens once for every listener:

    {"event":NAME,"data":DATA}                    an event; no ``data`` if it has none
    {"event":NAME,"data":DATA,"legs":[...]}       the hold (or its end) of the last leg
    {"event":"Error","data":TEXT,"error":ERROR}   the failure of a command
"""

from functools import cache
from typing import Final, Protocol

import msgspec
from msgspec import Raw

from call_api.events import (
    CallHolding,
    CallHoldStart,
    CallHoldSuccessful,
    CallUnholding,
    CallUnholdStart,
    CallUnholdSuccessful,
    Error,
    Event,
    Reply,
)
from call_api.model import CmdId, DialectName

V1_WORDS: Final = {
    "CallerAnswered": "CALL_ANSWER",
    "Transferring": "TRANSFER_ACCEPT",
    "TransferStart": "CALL_START",
    "CalleeAnswered": "CALL_ANSWER",
    "CallHoldSuccessful": "CALL_HOLD",
    "CallUnholdSuccessful": "CALL_UNHOLD",
    "Reply": "REPLY",
}
"""What v1 calls the steps that it tells: the name in v2 -> ``data`` in v1."""

_encode = msgspec.json.Encoder().encode

_HEAD: Final = b'{"event":"'
_DATA: Final = b',"data":'
_LEGS: Final = b',"legs":'
_ERROR: Final = b',"error":{'
_ENDED: Final = b'{"event":"Ended"'
_FAILED: Final = b'{"event":"Error"'


class Renderer(Protocol):
    """Makes the notifications of one command in one dialect."""

    def __call__(self, seq: int, event: bytes) -> bytes:
        """Return the JSON-RPC text of a notification.

        Args:
            seq: Its number in this dialect, from 1.
            event: What `canonical` made.
        """


def canonical(event: Event) -> bytes:
    """Return the text under which an event is kept, in neither dialect's words."""
    return _again(event) if type(event) in _REPEATED else _text(event)


def is_told_by_v1(event: Event) -> bool:
    """Whether v1 tells this event; v2 tells every one."""
    if isinstance(event, _ENDS_OF_LEGS):
        return event.legs is not None
    return _is_of_v1(type(event))


def is_last(event: bytes) -> bool:
    """Whether a canonical text is that of `Ended`."""
    return event.startswith(_ENDED)


def error_of(event: bytes) -> Raw | None:
    """Return the ``error`` of a canonical text; None if it is not that of an `Error`."""
    if not event.startswith(_FAILED):
        return None
    return msgspec.json.decode(event, type=dict[str, Raw])["error"]


def renderer(dialect: DialectName, method: str, cmd_id: CmdId) -> Renderer:
    """Return what makes the notifications of one command.

    Args:
        method: As v2 spells it.
    """
    return _V1(cmd_id) if dialect == "v1" else _V2(method, cmd_id)


class _V2:
    """``{"method":METHOD,"params":{"cmd_id","seq","event","data","error"}}``."""

    __slots__ = ("_start",)

    def __init__(self, method: str, cmd_id: CmdId) -> None:
        self._start = b'{"jsonrpc":"2.0","method":%s,"params":{"cmd_id":%s,"seq":' % (
            _encode(method),
            _encode(cmd_id),
        )

    def __call__(self, seq: int, event: bytes) -> bytes:
        if event.endswith(b"]}"):  # only ``legs`` ends so, and v2 does not tell them
            event = event[: event.rindex(_LEGS)] + b"}"
        return b"%s%d,%s}" % (self._start, seq, event[1:])


class _V1:
    """``{"method":"Event","params":{"cmd_id","seq","data","event","details"}}``."""

    __slots__ = ("_middle",)

    def __init__(self, cmd_id: CmdId) -> None:
        self._middle = b'","params":{"cmd_id":%s,"seq":' % _encode(cmd_id)

    def __call__(self, seq: int, event: bytes) -> bytes:
        end_of_name = event.index(b'"', len(_HEAD))
        name = event[len(_HEAD) : end_of_name]
        method, word = _V1_METHODS[name]
        rest = event[end_of_name + 1 : -1]  # empty, or from ``,"data":`` on
        if name == b"Error":
            middle = rest.index(_ERROR)
            word, rest = rest[:middle], b',"details":' + rest[middle + len(_ERROR) - 1 :]
        elif rest.endswith(b"]"):
            rest = b',"details":{%s}' % rest[rest.rindex(_LEGS) + 1 :]
        elif rest:
            rest = b',"details":' + rest[len(_DATA) :]
        return b'{"jsonrpc":"2.0","method":"%s%s%d%s,"event":"%s"%s}}' % (
            method,
            self._middle,
            seq,
            word,
            name,
            rest,
        )


_V1_METHODS: Final = {
    **{name.encode(): (b"Event", b',"data":"%s"' % w.encode()) for name, w in V1_WORDS.items()},
    b"Error": (b"Error", b""),
    b"Ended": (b"Ended", b""),
}
"""A step's name -> v1's method and its ``data`` member."""


_ENDS_OF_LEGS: Final = (CallHoldSuccessful, CallUnholdSuccessful)

_ODD: Final = {*_ENDS_OF_LEGS, Reply, Error}
"""Events whose ``data`` is not simply the object of their fields."""


_REPEATED: Final = {*_ENDS_OF_LEGS, CallHolding, CallHoldStart, CallUnholding, CallUnholdStart}
"""Events of which there are only a few different ones."""


@cache
def _again(event: Event) -> bytes:
    return _text(event)


def _text(event: Event) -> bytes:
    kind = type(event)
    if kind in _ODD:
        return _head(kind) + _odd_rest(event)
    data = _encode(event)
    return _head(kind) + (b"}" if data == b"{}" else b"%s%s}" % (_DATA, data))


def _odd_rest(event: Event) -> bytes:
    if isinstance(event, Error):
        about = _encode(event.error)
        return b'%s%s,"error":%s}' % (_DATA, _encode(event.message), about)
    if isinstance(event, Reply):
        return b"%s%s}" % (_DATA, _encode(event.params))
    assert isinstance(event, _ENDS_OF_LEGS)
    data = b'%s{"leg":"%s"}' % (_DATA, event.leg.encode())
    return data + (b"}" if event.legs is None else b"%s%s}" % (_LEGS, _encode(event.legs)))


@cache
def _is_of_v1(kind: type[Event]) -> bool:
    return kind.__name__.encode() in _V1_METHODS


@cache
def _head(kind: type[Event]) -> bytes:
    return _HEAD + kind.__name__.encode() + b'"'
