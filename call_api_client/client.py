"""Calls methods of a daemon and follows their commands.

async with connect("ws://localhost:5059/call-api/v2") as client:
    async for message in client.call("CallStart", caller="sip:a@h", callee="sip:b@h"):
        print(message)
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from call_api.transports.tls import ClientTls
from call_api.transports.websocket_client import open_websocket
from call_api.transports.websocket_failures import ConnectionLost
from call_api_client.exchange import Exchange, Request
from call_api_client.messages import Answer, BadReply, Failure, Step

MAX_UNREAD = 1000
"""Messages of one request that may wait to be read. Beyond it the request fails with `TooSlow`."""


class TooSlow(Exception):
    """More was told than was read. A command goes on: attach again from ``last_seq``.

    Attributes:
        cmd_id: Which command; None: calls were watched.
    """

    def __init__(self, cmd_id: str | None, last_seq: int) -> None:
        self.cmd_id = cmd_id
        self.last_seq = last_seq
        told = f"command {cmd_id} told more than was read, from {last_seq + 1} on"
        super().__init__(told if cmd_id else "more changes of calls came than were read")


class NoAnswer(Exception):
    """The daemon lives, and does not answer a request.

    Attributes:
        answer_within: Seconds it had.
    """

    def __init__(self, method: str, answer_within: float) -> None:
        self.method = method
        self.answer_within = answer_within
        super().__init__(f"no answer to {method} within {answer_within:g} s")


class Refused(Exception):
    """The daemon refused a request."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


@asynccontextmanager
async def connect(
    url: str,
    *,
    token: str | None = None,
    tls: ClientTls | None = None,
    open_within: float = 10.0,
    answer_within: float = 30.0,
) -> AsyncIterator["Client"]:
    """Return a client of the daemon at ``url``; leaving it closes the connection.

    Losing or closing a connection ends no command. One that still runs is told on by
    ``CommandAttach``, from the ``last_seq`` that its `Replies` have.

    Args:
        token: Says to the daemon who we are.
        tls: Whom to trust with a wss URL; by default whom the system does.
        open_within: Seconds until there is a connection.
        answer_within: Seconds that the daemon has to answer a request. (A command's own time
            is bounded by the daemon.)

    Raises:
        ValueError: ``token`` can be none.
        ConnectFailed: There is no connection; each subclass says why.
    """
    client = Client(answer_within)
    socket = await open_websocket(
        url, client.receive, client.lose, token=token, tls=tls, open_within=open_within
    )
    client.use(socket)
    try:
        yield client
    finally:
        await socket.close()
        client.lose(ConnectionLost(1000, "closed from here"))


class Replies:
    """What a daemon says to one request: its `Answer`, then the `Step`s of its command.

    An asynchronous iterator, to be read by one task. It ends with the response, or with the
    event ``Ended`` where the request started or attached to a command. That of a CallWatch goes
    on with everything that this connection watches, and ends with the answer to the CallUnwatch
    that takes it back.
    """

    def __init__(self, request: Request, answer_within: float) -> None:
        self.request = request
        self._answer_within = answer_within
        # Bounded by MAX_UNREAD: what comes after it is dropped, and reading ends with TooSlow.
        self._unread: deque[Answer | Step] = deque()
        self._broken: Exception | None = None
        self._news = asyncio.Event()

    @property
    def cmd_id(self) -> str | None:
        """The command, once the answer told."""
        return self.request.cmd_id

    @property
    def last_seq(self) -> int:
        """The number of the last notification that arrived: where to attach again."""
        return self.request.last_seq

    def __aiter__(self) -> AsyncIterator[Answer | Step]:
        return self

    async def __anext__(self) -> Answer | Step:
        """Return the next message.

        Raises:
            ConnectionLost: The connection broke before the end.
            BadReply: The daemon sent something that is no message of this protocol.
            NoAnswer: There was no response in time.
            TooSlow: Too much was left unread.
        """
        if not self._unread and not self.request.is_answered:
            await self._wait_for_the_answer()
        while not self._unread:
            if self._broken is not None:
                raise self._broken
            if self.request.is_over:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._unread.popleft()

    async def _wait_for_the_answer(self) -> None:
        try:
            async with asyncio.timeout(self._answer_within):
                await self._news.wait()
        except TimeoutError:
            raise NoAnswer(self.request.method, self._answer_within) from None

    def take_unread(self) -> list[Answer | Step]:
        """Return what has arrived and was not read, without waiting for more."""
        unread = [*self._unread]
        self._unread.clear()
        return unread

    def add(self, message: Answer | Step) -> bool:
        """Keep a message until it is read; return False if too many wait."""
        if len(self._unread) >= MAX_UNREAD:
            seen = message.seq - 1 if isinstance(message, Step) else 0
            self.break_off(TooSlow(self.cmd_id, seen))
            return False
        self._unread.append(message)
        self._news.set()
        return True

    def break_off(self, failure: Exception) -> None:
        """Let reading end with ``failure``, after what is there already."""
        self._broken = failure
        self._news.set()


class Line(Protocol):
    """What requests go out on."""

    def send(self, text: str) -> None:
        """Send one text. Never waits."""


class Client:
    """One connection to a daemon; any number of requests at a time. Made by `connect`."""

    def __init__(self, answer_within: float = 30.0) -> None:
        self._answer_within = answer_within
        self._exchange = Exchange()
        self._open: dict[Request, Replies] = {}
        self._socket: Line | None = None
        self._broken: Exception | None = None

    @property
    def is_lost(self) -> bool:
        """Whether nothing more will arrive."""
        return self._broken is not None

    def call(self, method: str, /, **params: object) -> Replies:
        """Send a request and return what is said to it.

        Raises:
            ValueError: JSON cannot say ``params``.
        """
        return self.request(method, params)

    def request(
        self, method: str, params: Mapping[str, object], *, request_id: str | None = None
    ) -> Replies:
        """Send a request with an id of the caller's; otherwise as `call`.

        Raises:
            ValueError: JSON cannot say ``params``, or the id is in use.
        """
        assert self._socket is not None, "made by connect()"
        request, text = self._exchange.request(method, params, request_id=request_id)
        replies = Replies(request, self._answer_within)
        if self._broken is not None:
            replies.break_off(self._broken)
        else:
            self._open[request] = replies
            self._socket.send(text)
        return replies

    def has_told(self, cmd_id: str) -> bool:
        """Whether a command was told over this connection: it does not tell the same again."""
        return self._exchange.has_told(cmd_id)

    def forget(self, replies: Replies) -> None:
        """Keep no more of what is said to a request. That takes nothing back."""
        self._exchange.forget(replies.request)
        self._open.pop(replies.request, None)

    async def ask(self, method: str, /, **params: object) -> object:
        """Send a request for which the response is all, and return its result.

        Raises:
            Refused: The response is an error.
            ConnectionLost, BadReply, NoAnswer: As in `Replies`.
        """
        answer = await anext(self.call(method, **params))
        raise_refusal(answer)
        assert isinstance(answer, Answer), "the answer comes first"
        return answer.result

    def use(self, socket: Line) -> None:
        """Take the connection to send on."""
        self._socket = socket

    def receive(self, text: str) -> None:
        """Take what the daemon sent."""
        try:
            told = self._exchange.receive(text)
        except BadReply as exc:
            self._break_off(exc)
            return
        for request, message in told:
            replies = self._open[request]
            if not replies.add(message):
                self._exchange.forget(request)
            if request.is_over:
                del self._open[request]

    def lose(self, loss: ConnectionLost) -> None:
        """Tell everybody who waits that the connection is gone, or is to be given up."""
        self._break_off(loss)

    def _break_off(self, failure: Exception) -> None:
        self._broken = self._broken or failure
        for request, replies in self._open.items():
            self._exchange.forget(request)
            replies.break_off(failure)
        self._open.clear()


def raise_refusal(answer: Answer | Step) -> None:
    """Return if the daemon did what it was asked.

    Raises:
        Refused: It did not.
    """
    if answer.failure is not None:
        raise Refused(answer.failure)
