"""A command's event as v1 or v2 says it.

An event is kept in one canonical JSON text, and made into a notification of either dialect by
cutting and joining bytes, because that happens for every listener:

    {"event":NAME,"data":DATA}                    an event; no ``data`` if it has none
    {"event":NAME,"data":DATA,"legs":[...]}       the hold (or its end) of the last leg
    {"event":"Error","data":TEXT,"error":ERROR}   the failure of a command
"""

from functools import cache
from typing import Final

import msgspec
from msgspec import Raw

from call_api.events import (
    CallHoldSuccessful,
    CallUnholdSuccessful,
    Error,
    Event,
    Reply,
)
from call_api.model import CmdId

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

_encode: Final = msgspec.json.Encoder().encode

_HEAD: Final = b'{"event":"'
_DATA: Final = b',"data":'
_LEGS: Final = b',"legs":'
_ERROR: Final = b',"error":{'
_ENDED: Final = b'{"event":"Ended"'
_FAILED: Final = b'{"event":"Error"'


def canonical(event: Event) -> bytes:
    """Return the text under which an event is kept, in neither dialect's words."""
    kind = type(event)
    if kind in _ODD:
        return _head(kind) + _odd_rest(event)
    data = _encode(event)
    return _head(kind) + (b"}" if data == b"{}" else b"%s%s}" % (_DATA, data))


def is_told_by_v1(event: Event) -> bool:
    """Whether v1 tells this event; v2 tells every one."""
    if type(event) is CallHoldSuccessful or type(event) is CallUnholdSuccessful:
        return event.legs is not None
    return _is_of_v1(type(event))


def is_last(event: bytes) -> bool:
    """Whether a canonical text is that of `Ended`."""
    return event.startswith(_ENDED)


def is_error(event: bytes) -> bool:
    """Whether a canonical text is that of an `Error`."""
    return event.startswith(_FAILED)


def error_of(event: bytes) -> Raw:
    """Return the ``error`` of the canonical text of an `Error`."""
    return msgspec.json.decode(event, type=dict[str, Raw])["error"]


def text(cmd_id: CmdId) -> bytes:
    """Return the JSON text of a command's id."""
    return _encode(cmd_id)


def start_in_v2(method: str, cmd_id: CmdId) -> bytes:
    """Return what all notifications of one command begin with in v2; `in_v2` is the rest.

    ``{"method":METHOD,"params":{"cmd_id","seq","event","data","error"}}``

    Args:
        method: As v2 spells it.
    """
    return _method(method) + _encode(cmd_id)


def in_v2(seq: int, event: bytes) -> bytes:
    """Return the rest of a notification in v2.

    Args:
        seq: Its number in this dialect, from 1.
        event: What `canonical` made.
    """
    if event.endswith(b"]}"):  # only ``legs`` ends so, and v2 does not tell them
        event = event[: event.rindex(_LEGS)] + b"}"
    return b',"seq":%d,%s}' % (seq, event[1:])


def in_v1(seq: int, event: bytes) -> tuple[bytes, bytes]:
    """Return what in a notification in v1 stands before, and after, the text of its ``cmd_id``.

    ``{"method":"Event","params":{"cmd_id","seq","data","event","details"}}``

    Args:
        seq: Its number in this dialect, from 1.
        event: What `canonical` made.
    """
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
    return _method(method), b',"seq":%d%s,"event":"%s"%s}}' % (seq, word, name, rest)


_V1_METHODS: Final = {
    **{name.encode(): ("Event", b',"data":"%s"' % w.encode()) for name, w in V1_WORDS.items()},
    b"Error": ("Error", b""),
    b"Ended": ("Ended", b""),
}
"""A step's name -> v1's method and its ``data`` member."""


_ENDS_OF_LEGS: Final = (CallHoldSuccessful, CallUnholdSuccessful)

_ODD: Final = {*_ENDS_OF_LEGS, Reply, Error}
"""Events whose ``data`` is not simply the object of their fields."""


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


_METHODS: Final[dict[str, bytes]] = {}


def _method(name: str) -> bytes:
    start = _METHODS.get(name)
    if start is None:
        start = b'{"jsonrpc":"2.0","method":%s,"params":{"cmd_id":' % _encode(name)
        _METHODS[name] = start
    return start
