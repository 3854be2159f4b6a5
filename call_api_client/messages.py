"""What a daemon says, in whichever dialect, as values.

What a command tells is the same `Step` however it is spelled, so that nobody else has to know
which dialect a connection speaks.
"""

from collections.abc import Mapping

import msgspec
from msgspec import UNSET, Struct, UnsetType

from call_api.errors import BY_CODE

V1_METHODS = ("Event", "Error", "Ended")
"""What dialect v1 calls its notifications; dialect v2 names them after the command."""


CHANGE = "CallEvent"
"""The notification of a change of a call, in both dialects."""


class BadReply(Exception):
    """The daemon sent something that is no message of this protocol."""


class Failure(Struct, frozen=True, kw_only=True):
    """Why something was not done.

    Attributes:
        code: As in docs/errors.md; 0 when the daemon told none.
        name: The code's name there; empty for a code that is not there.
        message: One sentence.
        data: What else is known.
    """

    code: int
    name: str
    message: str
    data: Mapping[str, object]


class Answer(Struct, frozen=True, kw_only=True):
    """The response to a request.

    Attributes:
        id: The request's.
        result: What the method returns; None when there is a failure.
        text: The response as it arrived.
    """

    id: object
    result: object
    failure: Failure | None
    text: str


class Step(Struct, frozen=True, kw_only=True):
    """Something that a command told, or that happened to a call that is watched.

    Attributes:
        event: The event's name in dialect v2, ``Error`` and ``Ended`` included. In v1 the
            member ``event`` has it; where that is missing it is v1's own word. Of a call: what
            happened, as in ``answered``.
        cmd_id: Which command told it; empty: none did, it happened to a call.
        seq: The number in this connection's dialect, from 1; 0 when the daemon tells none.
        data: The event's members. Of a call: those of the notification.
        failure: Why the command failed, with ``Error``.
        text: The notification as it arrived.
    """

    event: str
    cmd_id: str
    seq: int
    data: Mapping[str, object]
    failure: Failure | None
    text: str


def parse(text: str) -> Answer | Step | None:
    """Return what ``text`` says, or None when it is of no request and of no command.

    Raises:
        BadReply: It is no message of this protocol.
    """
    try:
        message = _MESSAGE.decode(text)
        whole = msgspec.json.decode(text) if message.method == CHANGE else None
    except (msgspec.DecodeError, RecursionError) as exc:
        raise BadReply(f"it is no JSON-RPC message ({exc})") from exc
    method, params = message.method, message.params
    if isinstance(method, UnsetType):
        return _answer(message, text)
    if method == CHANGE:
        return _change(members(members(whole).get("params")), text)
    if isinstance(params, UnsetType) or not params.cmd_id:
        return None
    return _step_v1(method, params, text) if method in V1_METHODS else _step_v2(params, text)


def members(value: object) -> Mapping[str, object]:
    """Return the members of a JSON object, and none of anything else."""
    return value if isinstance(value, dict) else {}


class _Error(Struct):
    code: int
    message: str = ""
    data: object = None


class _Params(Struct):
    cmd_id: str = ""
    seq: int = 0
    event: str = ""
    data: object = None
    details: object = None
    error: object = None


class _Message(Struct):
    id: object | UnsetType = UNSET
    method: str | UnsetType = UNSET
    params: _Params | UnsetType = UNSET
    result: object = None
    error: _Error | None = None


_MESSAGE = msgspec.json.Decoder(_Message)


def _answer(message: _Message, text: str) -> Answer:
    if isinstance(message.id, UnsetType):
        raise BadReply("it is neither a response nor a notification")
    error = message.error
    if error is None:
        return Answer(id=message.id, result=message.result, failure=None, text=text)
    known = BY_CODE.get(error.code)
    failure = Failure(
        code=error.code,
        name=known.__name__ if known else "",
        message=error.message,
        data=members(error.data),
    )
    return Answer(id=message.id, result=None, failure=failure, text=text)


def _step_v1(method: str, params: _Params, text: str) -> Step:
    details = members(params.details)
    is_error = method == "Error"
    return Step(
        event=method if method != "Event" else params.event or _text(params.data),
        cmd_id=params.cmd_id,
        seq=params.seq,
        data={} if is_error else details,
        failure=_failure(details, params.data) if is_error else None,
        text=text,
    )


def _step_v2(params: _Params, text: str) -> Step:
    is_error = params.event == "Error"
    return Step(
        event=params.event,
        cmd_id=params.cmd_id,
        seq=params.seq,
        data={} if is_error else members(params.data),
        failure=_failure(members(params.error), params.data) if is_error else None,
        text=text,
    )


def _change(data: Mapping[str, object], text: str) -> Step:
    return Step(
        event=_text(data.get("event")), cmd_id="", seq=0, data=data, failure=None, text=text
    )


def _failure(error: Mapping[str, object], sentence: object) -> Failure:
    code = error.get("code")
    return Failure(
        code=code if isinstance(code, int) else 0,
        name=_text(error.get("name")),
        message=_text(sentence),
        data={name: value for name, value in error.items() if name not in ("code", "name")},
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
