"""Every error that a client can be told, each with its JSON-RPC code."""

from typing import ClassVar, Literal

from call_api.model import CallId, CmdId, LegName

BY_CODE: dict[int, type["CallApiError"]] = {}
"""The class of each code. Filled by the classes themselves."""


class CallApiError(Exception):
    """Base class. Each subclass has a JSON-RPC error code of its own."""

    code: ClassVar[int]

    def __init_subclass__(cls) -> None:
        if "code" not in vars(cls) or cls.code in BY_CODE:
            raise TypeError(f"{cls.__name__} needs an error code of its own")
        BY_CODE[cls.code] = cls

    @property
    def name(self) -> str:
        """What docs/errors.md calls it."""
        return type(self).__name__

    @property
    def data(self) -> dict[str, object]:
        """What is known besides the sentence: the attributes that are set, ready for JSON."""
        return {name: value for name, value in vars(self).items() if value is not None}


class ParseError(CallApiError):
    """The text is no JSON (JSON-RPC 2.0, section 5.1)."""

    code = -32700

    def __init__(self) -> None:
        super().__init__("Parse error")


class InvalidRequest(CallApiError):
    """The JSON is no request (JSON-RPC 2.0, section 4)."""

    code = -32600

    def __init__(self, problem: str | None = None) -> None:
        self.problem = problem
        super().__init__("Invalid Request")


class MethodNotFound(CallApiError):
    """No method has this name."""

    code = -32601

    def __init__(self) -> None:
        super().__init__("Method not found")


class InvalidParams(CallApiError):
    """A parameter is missing, unknown or wrong.

    Attributes:
        param: Its name; None when the parameters as a whole are wrong.
        problem: What was expected.
    """

    code = -32602

    def __init__(self, param: str | None, problem: str) -> None:
        self.param = param
        self.problem = problem
        super().__init__("Invalid params")

    @property
    def data(self) -> dict[str, object]:
        """Both members, always (the wire contract has them so)."""
        return {"param": self.param, "problem": self.problem}


class InternalError(CallApiError):
    """The daemon failed. What it failed of is in its log, not on the wire."""

    code = -32603

    def __init__(self) -> None:
        super().__init__("Internal error")


class Unauthorized(CallApiError):
    """The client sent no token, or an unknown one."""

    code = -32001

    def __init__(self) -> None:
        super().__init__("unauthorized")


class Forbidden(CallApiError):
    """The token does not cover this method, or this caller or callee.

    Attributes:
        problem: Which of it, in words.
    """

    code = -32002

    def __init__(self, problem: str | None = None) -> None:
        self.problem = problem
        super().__init__("forbidden")


class TooManyRequests(CallApiError):
    """A limit is reached.

    Attributes:
        retry_after: Seconds after which the same request may succeed.
        limit: Which one, as in ``token.per_second``.
    """

    code = -32003

    def __init__(self, retry_after: float, limit: str | None = None) -> None:
        self.retry_after = retry_after
        self.limit = limit
        super().__init__("too many requests")


class DuplicateCommand(CallApiError):
    """The cmd_id belongs to a command with another method or other parameters."""

    code = -32004

    def __init__(self, cmd_id: CmdId) -> None:
        self.cmd_id = cmd_id
        super().__init__(f"cmd_id {cmd_id} is in use with other parameters")


class UnknownCommand(CallApiError):
    """No command that is still kept has this cmd_id."""

    code = -32005

    def __init__(self, cmd_id: CmdId) -> None:
        self.cmd_id = cmd_id
        super().__init__(f"no command has the cmd_id {cmd_id}")


class JournalFailed(CallApiError):
    """The command cannot be kept, so nothing was done for it.

    Attributes:
        reason: Why not.
    """

    code = -32006

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the command cannot be kept: {reason}")


class ProxyUnreachable(CallApiError):
    """The SIP proxy did not answer."""

    code = -32010

    def __init__(self, reason: str = "") -> None:
        self.reason = reason or None
        super().__init__("no answer from the SIP proxy" + (f": {reason}" if reason else ""))


class ProxyRefused(CallApiError):
    """The SIP proxy answered with an error.

    Attributes:
        status: Its status or error code.
        reason: Its words, possibly empty.
    """

    code = -32011

    def __init__(self, status: int, reason: str = "") -> None:
        self.status = status
        self.reason = reason
        super().__init__(f"the SIP proxy refused: {status} {reason}".rstrip())


class UnknownCall(CallApiError):
    """No call has this Call-ID."""

    code = -32012

    def __init__(self, callid: CallId) -> None:
        self.callid = callid
        super().__init__(f"no call has the Call-ID {callid}")


class CallBusy(CallApiError):
    """The call is in another transfer or hold (491, RFC 3261, section 21.4.27)."""

    code = -32013

    def __init__(self, callid: CallId) -> None:
        self.callid = callid
        super().__init__(f"another command is changing the call {callid}")


class CallFailed(CallApiError):
    """A SIP party refused the call with a final response (RFC 3261, section 21).

    Attributes:
        status: SIP status, 300 to 699.
        reason: Reason phrase as received, possibly empty.
        leg: The party that it was, where that is known and the command concerns both.
    """

    code = -32020

    def __init__(self, status: int, reason: str = "", *, leg: LegName | None = None) -> None:
        self.status = status
        self.reason = reason
        self.leg = leg
        super().__init__(f"{status} {reason}".rstrip())


class CommandTimeout(CallApiError):
    """The command reached its ceiling.

    Attributes:
        timeout: That ceiling, in seconds.
    """

    code = -32021

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        super().__init__(f"not done within {timeout:g} s")


class CommandCancelled(CallApiError):
    """The command was ended by CommandCancel or because the daemon shuts down."""

    code = -32022

    def __init__(self, reason: str = "") -> None:
        self.reason = reason or None
        super().__init__("cancelled" + (f": {reason}" if reason else ""))


class OwnerLost(CallApiError):
    """The daemon that ran the command died.

    Attributes:
        callid: The call it worked on.
        call: What is left of that call.
    """

    code = -32023

    def __init__(
        self, callid: CallId, call: Literal["unknown", "ringing", "caller", "up", "untransferred"]
    ) -> None:
        self.callid = callid
        self.call = call
        super().__init__(f"the daemon that ran this command died; the call is {call}")


class NotSupported(CallApiError):
    """The back end in use cannot do this."""

    code = -32030

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"the back end cannot {what}")
