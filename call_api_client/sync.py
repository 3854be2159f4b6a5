"""The library for scripts without asyncio: the same, but what takes time blocks.

with connect("ws://localhost:5059/call-api") as api:
    for event in api.call("CallStart", caller="sip:alice@h", callee="sip:bob@h"):
        print(event)

The connection lives in a thread of its own, so that it stays alive while a script does something
else. Several threads may use one connection, each with calls of its own. Ctrl-C interrupts what
blocks; the commands go on.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from call_api.model import CallId
from call_api_client import api as aio
from call_api_client import call as aio_call
from call_api_client import changes as aio_changes
from call_api_client.connecting import connect as aio_connect
from call_api_client.events import CallEvent, CallInfo, Ended, Event
from call_api_client.link import closed
from call_api_client.queries import CommandInfo

T = TypeVar("T")


def connect(
    url: str,
    *,
    token: str | None = None,
    token_file: str | Path | None = None,
    ca_file: str | Path | None = None,
    reconnect_within: float = 60.0,
    open_within: float = 10.0,
    answer_within: float = 30.0,
) -> "AbstractContextManager[Api]":
    """Return the daemon at ``url``: what `call_api_client.connect` does, with the same arguments.

    Raises:
        ValueError: The token can be none.
        OSError: ``token_file`` cannot be read.
        ConnectFailed: There is no connection; each subclass says why.
    """
    connecting = aio_connect(
        url,
        token=token,
        token_file=token_file,
        ca_file=ca_file,
        reconnect_within=reconnect_within,
        open_within=open_within,
        answer_within=answer_within,
    )
    return _Thread(connecting)


class Call:
    """A command: ``for event in call``, or ``call.result()``; otherwise as in `call.Call`."""

    def __init__(self, call: aio_call.Call, thread: "_Thread") -> None:
        self._call = call
        self._thread = thread

    @property
    def cmd_id(self) -> str:
        """The command's name."""
        return self._call.cmd_id

    @property
    def seq(self) -> int:
        """The number of the last event that was read."""
        return self._call.seq

    @property
    def callid(self) -> str | None:
        """What the call is called now, as far as the events told."""
        return self._call.callid

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        """Return the next event. Raises the same as `call.Call` does in reading."""
        found = self._thread.run(lambda: anext(self._call, None))
        if found is None:
            raise StopIteration
        return found

    def result(self, *, within: float | None = None) -> Ended:
        """Read all that is left; return the end of a command that went well.

        Raises:
            TimeoutError: It has not ended ``within`` so many seconds. It goes on.
            CallApiError, ConnectionLost, ConnectForbidden, BadReply, NoAnswer: As in reading.
        """
        return self._thread.run(self._call.result, within)

    def cancel(self) -> None:
        """Have the daemon end the command. Raises the same as `call.Call.cancel`."""
        self._thread.run(self._call.cancel)


class Changes:
    """What happens to calls: ``with api.watch() as changes``; otherwise as in `changes.Changes`."""

    def __init__(self, changes: aio_changes.Changes, thread: "_Thread") -> None:
        self._changes = changes
        self._thread = thread

    @property
    def calls(self) -> Mapping[CallId, CallInfo]:
        """The calls that there are, by what has arrived so far."""
        return {**self._changes.calls}

    def __enter__(self) -> Self:
        """Watch from now on. Raises the same as `changes.Changes` does."""
        self._thread.run(self._changes.__aenter__)
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.run(self._changes.__aexit__)

    def __iter__(self) -> Iterator[CallEvent]:
        return self

    def __next__(self) -> CallEvent:
        """Return the next change. Raises the same as `changes.Changes` does in reading."""
        found = self.next()
        if found is None:
            raise StopIteration
        return found

    def next(self, *, within: float | None = None) -> CallEvent | None:
        """Return the next change; None: the one call that was watched has ended.

        Raises:
            TimeoutError: Nothing happened ``within`` so many seconds. None is lost by that.
            CallApiError, ConnectionLost, ConnectForbidden, BadReply, NoAnswer: As in reading.
        """
        return self._thread.run(lambda: anext(self._changes, None), within)


class Api:
    """One daemon; otherwise as in `api.Api`. Made by `connect`."""

    def __init__(self, api: aio.Api, thread: "_Thread") -> None:
        self._api = api
        self._thread = thread

    def call(
        self,
        method: str,
        /,
        *,
        cmd_id: str | None = None,
        timeout: float | None = None,
        **params: object,
    ) -> Call:
        """Return a command, which is sent when it is read for the first time."""
        made = self._api.call(method, cmd_id=cmd_id, timeout=timeout, **params)
        return Call(made, self._thread)

    def attach(self, cmd_id: str, *, after: int = 0) -> Call:
        """Return a command that has been started already."""
        return Call(self._api.attach(cmd_id, after=after), self._thread)

    def ask(self, method: str, /, **params: object) -> object:
        """Ask something that is answered at once. Raises the same as `api.Api.ask`."""
        return self._thread.run(lambda: self._api.ask(method, **params))

    def calls(self) -> list[CallInfo]:
        """Return every call, oldest first. Raises the same as `ask`."""

        async def collect() -> list[CallInfo]:
            return [call async for call in self._api.calls()]

        return self._thread.run(collect)

    def command(self, cmd_id: str) -> CommandInfo:
        """Return how far a command has come. Raises the same as `ask`."""
        return self._thread.run(lambda: self._api.command(cmd_id))

    def commands(self) -> list[CommandInfo]:
        """Return the commands that the daemon knows. Raises the same as `ask`."""
        return self._thread.run(self._api.commands)

    def watch(self, callid: str | None = None) -> Changes:
        """Return what happens to all calls, or to one until it ends: to be entered, then read."""
        return Changes(self._api.watch(callid), self._thread)


class _Thread(AbstractContextManager[Api]):
    """An event loop in a thread of its own, with a connection, for as long as it is entered."""

    def __init__(self, connecting: AbstractAsyncContextManager[aio.Api]) -> None:
        self._connecting = connecting
        self._started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        # A daemon thread: a script that ends without leaving the connection does not wait for it.
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._live()), name="call_api_client", daemon=True
        )

    def __enter__(self) -> Api:
        self._thread.start()
        try:
            return Api(self.run(self._connecting.__aenter__), self)
        except BaseException:
            self._end()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        try:
            self.run(lambda: self._connecting.__aexit__(None, None, None))
        finally:
            self._end()

    def run(self, make: Callable[[], Awaitable[T]], within: float | None = None) -> T:
        """Do something over there, and return what comes of it.

        Raises:
            TimeoutError: It was not done within so many seconds, and given up.
            ConnectionLost: The connection was closed.
        """

        async def bounded() -> T:
            async with asyncio.timeout(within):
                return await make()

        loop, _ = self._started.result()
        if not self._thread.is_alive():
            raise closed()
        future = asyncio.run_coroutine_threadsafe(bounded(), loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Ctrl-C; otherwise it is done already
            raise

    def _end(self) -> None:
        loop, over = self._started.result()
        loop.call_soon_threadsafe(over.set)
        self._thread.join()

    async def _live(self) -> None:
        over = asyncio.Event()
        self._started.set_result((asyncio.get_running_loop(), over))
        await over.wait()
