"""One run of a command line tool: connect, do one thing, and say in a line what went wrong."""

import asyncio
import shlex
import signal
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

from call_api.model import LEGS
from call_api.transports.websocket_failures import (
    BadKeys,
    BadUrl,
    ConnectFailed,
    ConnectForbidden,
    ConnectionLost,
    DaemonUnreachable,
    TlsFailed,
)
from call_api_client.client import Client, NoAnswer, Refused, Replies, TooSlow, connect
from call_api_client.keys import Keys
from call_api_client.link import Link
from call_api_client.messages import Answer, BadReply, Failure, Step
from call_api_client.statuses import Status, of_code
from call_api_client.terminal import Screen

OUR_TOKEN = 1008
"""How a daemon closes the connection of a token that has expired or was revoked."""

Connect: TypeAlias = Callable[[], AbstractAsyncContextManager[Client]]
"""Makes a client; leaving it closes its connection."""

Show: TypeAlias = Callable[[Answer | Step], None]
"""Shows one message to whoever runs the tool."""


class Session:
    """What one run needs, and what it has come to.

    Args:
        tool: The name that leads its complaints.
        url: Where the daemon is.
        within: Seconds the whole may take; None leaves it to the daemon.
        errors: Where complaints go.
        to_attach: The words of a command line that follows a running command, but its cmd_id.
        to_cancel: The words of one that ends it.
        keys: What lets us in there.
        direct: Makes a client that needs no daemon, instead: a command ends with who leaves it.
    """

    def __init__(
        self,
        tool: str,
        url: str,
        *,
        within: float | None,
        errors: Screen,
        to_attach: str,
        to_cancel: str,
        keys: Keys | None = None,
        direct: Connect | None = None,
    ) -> None:
        self._tool = tool
        self._url = url
        self._within = within
        self._errors = errors
        self._to_attach = to_attach
        self._to_cancel = to_cancel
        self._keys = keys or Keys()
        self._direct = direct
        self._running: str | None = None

    def run(self, story: Callable[[Client], Awaitable[Status]]) -> Status:
        """Connect, do what ``story`` does, and return how it ended.

        Raises:
            BrokenPipeError: Nobody reads stdout any more.
        """
        try:
            return asyncio.run(self._main(story))
        except asyncio.CancelledError:
            return self._leave(KeyboardInterrupt())
        except Refused as exc:
            return self.refuse(exc.failure)
        except ConnectFailed as exc:
            return self._complain_of_connecting(exc)
        except (
            KeyboardInterrupt,
            TimeoutError,
            NoAnswer,
            ConnectionLost,
            BadReply,
            TooSlow,
        ) as exc:
            return self._leave(exc)

    def link(self, within: float) -> Link:
        """Return a connection of its own that comes back when it was lost; to be opened.

        Args:
            within: Seconds that it may take to come back.
        """
        return Link(self._connecting, within)

    async def follow(self, replies: Replies, show: Show, cmd_id: str | None = None) -> Status:
        """Show everything that is said to one request; return how it ended.

        Args:
            cmd_id: The name that the request gave its command, if it gave one.

        Raises:
            ConnectionLost, BadReply, NoAnswer, TooSlow: As in `Replies`.
        """
        status = Status.OK
        self._running = cmd_id
        async for message in replies:
            self._running = None if replies.request.is_over else replies.cmd_id
            show(message)
            if message.failure is not None:
                status = of_code(message.failure.code)
        return status

    def refuse(self, failure: Failure) -> Status:
        """Say why the daemon refused something, and return the exit status for it."""
        self.complain(failure_words(failure))
        return of_code(failure.code)

    def complain(self, problem: str) -> None:
        """Write one line to stderr."""
        self._errors.line((f"{self._tool}: ", "bold red"), (problem, ""))

    async def _main(self, story: Callable[[Client], Awaitable[Status]]) -> Status:
        task = asyncio.current_task()
        assert task is not None
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as in the background
            # The handler of asyncio.run does not wake a loop that is just about to wait.
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
        async with asyncio.timeout(self._within), self._connecting() as client:
            return await story(client)

    def _connecting(self) -> AbstractAsyncContextManager[Client]:
        if self._direct is not None:
            return self._direct()
        return connect(self._url, token=self._keys.token, tls=self._keys.tls)

    def _leave(self, exc: BaseException) -> Status:
        """Say why we leave before the end and, where a command runs, how to get back to it."""
        status, problem, fate = self._loss(exc)
        if self._running is None:
            self.complain(problem)
            return status
        if self._direct is not None:
            self.complain(f"{problem}; the command was cancelled")
            return status
        self.complain(f"{problem}; the command {fate}")
        cmd_id = shlex.quote(self._running)
        self._errors.line((f"  {self._to_attach}{cmd_id}", "bold"), ("  follows it", "dim"))
        self._errors.line((f"  {self._to_cancel}{cmd_id}", "bold"), ("  ends it", "dim"))
        return status

    def _loss(self, exc: BaseException) -> tuple[Status, str, str]:
        """Return status, problem, and what becomes of a command that runs."""
        if isinstance(exc, KeyboardInterrupt):
            return Status.INTERRUPTED, "interrupted", "goes on"
        if isinstance(exc, NoAnswer):
            return Status.TIMED_OUT, str(exc), "may go on"
        if isinstance(exc, TimeoutError):
            return Status.TIMED_OUT, f"not done within {self._within:g} s", "goes on"
        if isinstance(exc, ConnectionLost):
            status = Status.REFUSED if exc.code == OUR_TOKEN else Status.LOST
            return status, f"lost the daemon: {exc.reason} ({exc.code})", "may go on"
        if isinstance(exc, BadReply):
            return Status.LOST, f"what answers there is no Call API daemon: {exc}", "may go on"
        return Status.LOST, str(exc), "goes on"

    def _complain_of_connecting(self, exc: ConnectFailed) -> Status:
        if isinstance(exc, BadKeys):
            self.complain(exc.problem)
            return Status.USAGE
        if isinstance(exc, BadUrl):
            self.complain(f"-url {exc.url}: {exc.problem}")
            return Status.USAGE
        if isinstance(exc, ConnectForbidden):
            self.complain(f"the daemon at {exc.url} refused us: {exc.problem}")
            return Status.REFUSED
        if isinstance(exc, TlsFailed):
            self.complain(
                f"no TLS with {exc.url} ({exc.problem.removeprefix('TLS: ')}): -ca-file says "
                "whom to trust; a daemon without TLS is at ws://"
            )
        elif isinstance(exc, DaemonUnreachable):
            self.complain(
                f"no daemon at {exc.url} ({exc.problem}): start one with `call-api`, "
                "or say with -url where it is"
            )
        else:
            self.complain(f"no Call API at {exc.url}: {exc.problem}; say with -url where it is")
        return Status.LOST


def failure_words(failure: Failure) -> str:
    """Return a daemon's error as one line for people."""
    problem, param = failure.data.get("problem"), failure.data.get("param")
    if isinstance(problem, str):
        return f"{param}: {problem}" if isinstance(param, str) else problem
    if failure.message and failure.name:
        leg = failure.data.get("leg")
        who = f"the {leg}: " if leg in LEGS else ""
        return f"{who}{failure.message} ({failure.name})"
    return failure.message or failure.name or f"error {failure.code}"
