"""Exit statuses of call-api-client and call-cmd. They are interface: docs/cli.md lists them."""

from enum import IntEnum

from call_api.options import INTERRUPTED, PIPE_CLOSED


class Status(IntEnum):
    """How a program ended."""

    OK = 0
    FAILED = 1
    USAGE = 2
    LOST = 3
    REFUSED = 4
    TIMED_OUT = 5
    INTERRUPTED = INTERRUPTED
    PIPE_CLOSED = PIPE_CLOSED


BY_CODE = {
    -32601: Status.USAGE,
    -32602: Status.USAGE,
    -32001: Status.REFUSED,
    -32002: Status.REFUSED,
    -32003: Status.REFUSED,
    -32021: Status.TIMED_OUT,
}
"""What a daemon's errors mean to whoever typed the command; all others are FAILED."""


def of_code(code: int) -> Status:
    """Return the exit status for an error that the daemon told."""
    return BY_CODE.get(code, Status.FAILED)
