"""What an answer of the proxy means to a command."""

import re
from typing import Final

from call_api.backends.opensips.mi import MiError, Reply
from call_api.errors import (
    CallApiError,
    CallBusy,
    CallFailed,
    NotSupported,
    ProxyRefused,
    ProxyUnreachable,
    UnknownCall,
)
from call_api.model import CallId

INVALID_PARAMS: Final = -32602
METHOD_NOT_FOUND: Final = -32601
_STATUS_LINE: Final = re.compile(r"(?:SIP/2\.0 +)?([1-6][0-9]{2})(?: +(.*))?", re.DOTALL)


def refusal(error: MiError, callid: CallId) -> CallApiError:
    """Return what the client of a command on a call is told of the proxy's error.

    A method that the proxy lacks (its module is not loaded) is not supported.
    """
    if error.code == 404:
        return UnknownCall(callid)
    if error.code == 491:
        return CallBusy(callid)
    if error.code == METHOD_NOT_FOUND:
        return NotSupported("do this: a module is missing in the SIP proxy")
    return ProxyRefused(error.code, error.reason)


def result_of(reply: Reply, callid: CallId) -> object:
    """Return what the proxy answered.

    Raises:
        UnknownCall, CallBusy, NotSupported, ProxyRefused: It refused.
        ProxyUnreachable: It was silent.
    """
    if reply.silence is not None:
        raise ProxyUnreachable(reply.silence)
    if reply.error is not None:
        raise refusal(reply.error, callid)
    return reply.result


def parse_status(text: object) -> tuple[int, str] | None:
    """Return status and reason of ``486 Busy Here``, or None if the text is no such thing."""
    found = _STATUS_LINE.fullmatch(text.strip()) if isinstance(text, str) else None
    return None if found is None else (int(found[1]), found[2] or "")


def failure(text: object, default: tuple[int, str]) -> CallFailed:
    """Return the failure that a SIP status tells, or the default if it tells none."""
    status, reason = parse_status(text) or default
    return CallFailed(status, reason) if status >= 300 else CallFailed(*default)
