import errno
import socket
import ssl

import pytest

from call_api.transports.websocket_failures import (
    ConnectForbidden,
    ConnectionLost,
    DaemonUnreachable,
    NoDaemon,
    TlsFailed,
    close_words,
    refusal,
    socket_problem,
    unreachable,
)


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (OSError(errno.ECONNREFUSED, "Connect call failed ('::1', 1)"), "connection refused"),
        (
            OSError("Multiple exceptions: [Errno 111] Connect call failed, [Errno 101] Connect"),
            "connection refused, network is unreachable",
        ),
        (OSError("Multiple exceptions: [Errno 111] one, [Errno 111] two"), "connection refused"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "no such host"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "temporary failure"),
        (ConnectionResetError(), "connection reset by peer"),
        (OSError("out of luck"), "out of luck"),
        (OSError(), "OSError"),
    ],
)
def test_a_failed_connection_is_a_few_words(failure: OSError, words: str) -> None:
    assert socket_problem(failure) == words


@pytest.mark.parametrize(
    ("url", "failure", "kind"),
    [
        ("ws://h/", ConnectionResetError(), DaemonUnreachable),
        ("wss://h/", ConnectionResetError(), TlsFailed),
        ("wss://h/", ConnectionRefusedError(), DaemonUnreachable),
        ("wss://h/", ssl.SSLError(1, "wrong version number"), TlsFailed),
    ],
)
def test_failures_of_tls_are_told_from_nobody_there(
    url: str, failure: OSError, kind: type[DaemonUnreachable]
) -> None:
    assert type(unreachable(url, failure)) is kind


def test_who_may_not_in_knows_whether_a_token_would_help() -> None:
    assert str(refusal("ws://h/", 401, "")) == "ws://h/: it wants a token (HTTP 401)"
    assert isinstance(refusal("ws://h/", 403, ""), ConnectForbidden)


def test_other_answers_mean_no_daemon() -> None:
    assert isinstance(refusal("ws://h/", 404, ""), NoDaemon)
    assert refusal("ws://h/", 500, "").problem == "it answered HTTP 500"
    assert refusal("ws://h/", 200, "OK").problem.endswith("no WebSocket server (HTTP 200)")


def test_every_close_code_has_words() -> None:
    assert close_words(1001) == "it shuts down"
    assert close_words(4711) == "it closed the connection"
    assert str(ConnectionLost(1001, "bye")) == "connection lost: bye (1001)"
