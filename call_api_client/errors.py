"""What the library raises: the daemon's own errors, and why there is no daemon to ask."""

from inspect import signature

from call_api.errors import *  # noqa: F403  (every error that a daemon tells)
from call_api.errors import BY_CODE, CallApiError, InvalidParams
from call_api.transports.websocket_failures import (
    BadUrl,
    ConnectFailed,
    ConnectForbidden,
    ConnectionLost,
    DaemonUnreachable,
    NoDaemon,
    TlsFailed,
)
from call_api_client.client import NoAnswer
from call_api_client.messages import BadReply, Failure

__all__ = [  # noqa: PLE0604  (names of classes are strings)
    *(kind.__name__ for kind in BY_CODE.values()),
    "BadReply",
    "BadUrl",
    "CallApiError",
    "ConnectFailed",
    "ConnectForbidden",
    "ConnectionLost",
    "DaemonUnreachable",
    "NoAnswer",
    "NoDaemon",
    "TlsFailed",
    "told",
]


def told(failure: Failure) -> CallApiError:
    """Return the error that a daemon told, in its words.

    It is of the error's own class, and has its attributes; those that the daemon does not tell are
    None. An error that this version does not know is a plain `CallApiError` with its ``code``.
    """
    kind = BY_CODE.get(failure.code, CallApiError)
    error = kind.__new__(kind, failure.message or failure.name or kind.__name__)
    if kind is CallApiError:
        vars(error)["code"] = failure.code
    else:
        vars(error).update(dict.fromkeys(signature(kind).parameters))
    vars(error).update(failure.data)
    if isinstance(error, InvalidParams) and isinstance(error.problem, str):
        error.add_note(f"{error.param}: {error.problem}" if error.param else error.problem)
    return error
