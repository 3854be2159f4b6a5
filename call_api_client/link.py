"""A connection to a daemon that outlives the loss of a connection.

Whoever needs one makes it anew, and those who need one then share it. Nothing runs in the
background: while nobody waits for the daemon, a lost connection stays lost.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TypeAlias

from call_api.transports.websocket_failures import (
    BadUrl,
    ConnectFailed,
    ConnectForbidden,
    ConnectionLost,
)
from call_api_client.client import Client, Refused
from call_api_client.errors import TooManyRequests, told
from call_api_client.messages import Failure

logger = logging.getLogger(__name__)

Connect: TypeAlias = Callable[[], AbstractAsyncContextManager[Client]]
"""Makes a client; leaving it closes its connection."""

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 3.0
"""Seconds between two attempts to connect; each pause is up to twice as long as the last one."""

HARMLESS = frozenset({"CallList", "CommandStatus", "CommandList", "CommandCancel", "rpc.discover"})
"""Methods that may be asked again when the answer is lost: twice does what once does."""

OUR_FAULT = frozenset({1002, 1003, 1007, 1009})
"""Close codes that the same request would bring about again (RFC 6455, section 7.4.1)."""


def closed() -> ConnectionLost:
    """Return what is raised where a connection is used that was closed from here."""
    return ConnectionLost(1000, "closed from here")


class Link:
    """What all requests of one `Api` go over.

    Args:
        within: Seconds that a lost connection may take to come back; 0: it stays lost.

    Attributes:
        watched: How many watch which call; None stands for all calls.
        is_closed: Whether it stays closed.
    """

    def __init__(self, connect: Connect, within: float) -> None:
        self.within = within
        self.watched: Counter[str | None] = Counter()
        self._connect = connect
        self._client: Client | None = None
        self._open = AsyncExitStack()
        self._others: list[Link] = []
        self._connecting = asyncio.Lock()
        self.is_closed = False
        self._not_before = 0.0
        self._problem = "nobody answers"

    async def open(self) -> None:
        """Connect for the first time.

        Raises:
            ConnectFailed: There is no connection; each subclass says why.
        """
        self._client = await self._open.enter_async_context(self._connect())

    async def close(self) -> None:
        """Close the connection; who still waits for something gets `ConnectionLost`."""
        self.is_closed = True
        if self._client is not None:
            self._client.lose(closed())
        for other in self._others:
            await other.close()
        async with self._connecting:
            await self._open.aclose()

    async def client(self) -> Client:
        """Return a client that is connected.

        Raises:
            ConnectionLost: The daemon did not come back in time, or the link is closed.
            ConnectForbidden: It does not let us in any more.
        """
        if self._client is not None and not self._client.is_lost:
            return self._client
        limit = asyncio.timeout(self.within)
        try:
            async with limit, self._connecting:
                return await self._reconnect()
        except TimeoutError:
            reason = f"not back within {self.within:g} s: {self._problem}"
            raise ConnectionLost(1006, reason) from None

    async def another(self) -> "Link":
        """Return one more to the same daemon, which is closed with this one at the latest.

        Raises:
            ConnectFailed: There is no connection.
        """
        other = Link(self._connect, self.within)
        self._others = [*(one for one in self._others if not one.is_closed), other]
        await other.open()
        return other

    async def ask(self, method: str, /, **params: object) -> object:
        """Send a request for which the response is all, and return its result.

        When the answer is lost with the connection, what is harmless is asked again.

        Raises:
            CallApiError: The daemon refuses.
            ConnectionLost, ConnectForbidden, BadReply, NoAnswer: There is no answer.
        """
        patience = Patience(self)
        while True:
            client = await self.client()
            try:
                return await client.ask(method, **params)
            except Refused as exc:
                raise told(exc.failure) from None
            except ConnectionLost as exc:
                if method not in HARMLESS:
                    raise
                patience.bear(exc, is_answered=False)

    async def _reconnect(self) -> Client:
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
        while not self.is_closed:
            if self._client is not None and not self._client.is_lost:
                return self._client
            await asyncio.sleep(max(0.0, self._not_before - loop.time()))
            self._not_before = loop.time() + pause
            pause = min(LONGEST_PAUSE, pause * random.uniform(1.2, 2))  # noqa: S311  (no secret)
            await self._open.aclose()
            try:
                self._client = await self._open.enter_async_context(self._connect())
            except (BadUrl, ConnectForbidden):
                raise
            except ConnectFailed as exc:
                self._problem = exc.problem
                logger.info("not connected again as yet: %s", exc)
            else:
                logger.info("connected again")
        raise closed()


class Patience:
    """How one request bears lost connections: as long as the link does, but not for ever.

    Without it, a request of which the daemon dies would be sent again and again.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._since: float | None = None

    def bear(self, loss: ConnectionLost, *, is_answered: bool) -> None:
        """Return if it makes sense to send the request again.

        Args:
            is_answered: Whether it was answered before the connection was lost.

        Raises:
            ConnectionLost: It makes none.
        """
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        is_ours = loss.code in OUR_FAULT and not is_answered
        if is_ours or now - self._since >= self._link.within:
            self._since = None  # who goes on in spite of it begins anew
            raise loss

    async def wait(self, failure: Failure) -> None:
        """Wait as long as a daemon that is over a limit says, if that is not too long.

        Raises:
            CallApiError: The daemon refuses for another reason, or wants a longer pause.
        """
        error, now = told(failure), asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        if not isinstance(error, TooManyRequests) or not isinstance(error.retry_after, int | float):
            raise error
        if now + error.retry_after - self._since >= self._link.within:
            raise error
        await asyncio.sleep(max(FIRST_PAUSE, error.retry_after))

    def renew(self) -> None:
        """Note that the request gets on."""
        self._since = None
