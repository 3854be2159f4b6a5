"""What happens to calls, over whatever connection."""

from collections import deque
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Self

from call_api.model import CallId
from call_api_client.client import Client, Refused, Replies, TooSlow, raise_refusal
from call_api_client.errors import ConnectionLost, UnknownCall, told
from call_api_client.events import CallEvent, CallInfo, change
from call_api_client.exchange import UNWATCH, WATCH
from call_api_client.link import Link, Patience
from call_api_client.messages import Answer, Step
from call_api_client.mirror import Mirror
from call_api_client.queries import every_call


class Changes:
    """The changes of all calls, or of one until it ends, to be read by one task.

    Entered with ``async with``, it knows the calls that there are and misses nothing from then
    on; left, it takes that back. After a lost connection what has happened meanwhile is found by
    comparing: calls that are new, have changed or are gone are told so, in as many changes as it
    takes from what was known to what is now.
    """

    def __init__(self, link: Link, callid: str | None) -> None:
        self._link = link
        self._mirror = Mirror(callid)  # by what has arrived
        self._shown = Mirror(callid)  # by what was read
        self._patience = Patience(link)
        self._client: Client | None = None
        self._replies: Replies | None = None
        self._asked: str | None = None  # the name under which the call is watched
        self._found: deque[CallEvent] = deque()  # no more than there are calls, a few for each
        self._is_first = True
        self._is_complete = False  # no change was missed

    @property
    def calls(self) -> Mapping[CallId, CallInfo]:
        """The calls that there are, as of the last change that was read."""
        return MappingProxyType(self._shown.calls)

    async def __aenter__(self) -> Self:
        """Watch from now on.

        Raises:
            UnknownCall: The one call that was to be watched is not there.
            CallApiError: The daemon refuses.
            ConnectionLost, ConnectForbidden, BadReply, NoAnswer: As in reading.
        """
        try:
            await self._begin()
        except BaseException:
            self._leave()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def __aiter__(self) -> AsyncIterator[CallEvent]:
        return self

    async def __anext__(self) -> CallEvent:
        """Return the next change.

        Raises:
            CallApiError: The daemon refuses, after a lost connection.
            ConnectionLost, ConnectForbidden: The daemon is gone.
            BadReply, NoAnswer: It does not do what daemons do.
        """
        while True:
            if self._found:
                found = self._found.popleft()
                self._shown.take(found)
                return found
            if self._mirror.is_over:
                raise StopAsyncIteration
            if not self._is_complete:
                await self._begin()
                continue
            assert self._replies is not None, "it is complete"
            try:
                self._take(await anext(self._replies))
            except ConnectionLost as exc:
                self._is_complete = False
                self._patience.bear(exc, is_answered=True)
            except TooSlow:
                self._is_complete = False

    async def _begin(self) -> None:
        """Watch, and find out what happened before that."""
        while not self._is_complete:
            client = await self._link.client()
            try:
                await self._compare(client)
            except ConnectionLost as exc:
                self._patience.bear(exc, is_answered=True)
        self._patience.renew()

    async def _compare(self, client: Client) -> None:
        replies = self._watch(client)
        self._mirror.ask_for_list()
        try:
            raise_refusal(await anext(replies))
            # Over the same connection: over another one nothing is watched.
            listed = [call async for call in every_call(client.ask)]
        except Refused as exc:
            if self._is_first:
                raise told(exc.failure) from None
            await self._patience.wait(exc.failure)
            return
        for message in replies.take_unread():
            self._take(message)
        self._found.extend(self._mirror.compare(listed))
        if self._is_first:
            self._show_all()
        self._is_first, self._is_complete = False, True

    def _show_all(self) -> None:
        """Let the calls that there are be known when reading begins."""
        self._found.clear()
        self._shown = Mirror(self._mirror.callid)
        self._shown.compare(self._mirror.calls.values())
        if self._mirror.callid is not None and not self._mirror.calls:
            raise UnknownCall(CallId(self._mirror.callid))

    def _watch(self, client: Client) -> Replies:
        self._leave()
        self._asked = self._mirror.callid
        self._client, self._replies = client, client.request(WATCH, _params(self._asked))
        self._link.watched[self._asked] += 1
        return self._replies

    def _take(self, message: Answer | Step) -> None:
        if isinstance(message, Step):  # not the answer to an Unwatch of the user's own
            self._found.extend(self._mirror.take(change(message)))

    def _leave(self) -> None:
        """Watch no more, unless somebody else watches the same over this connection."""
        client, replies = self._client, self._replies
        if client is None or replies is None:
            return
        self._client = self._replies = None
        self._is_complete = False
        self._link.watched[self._asked] -= 1
        client.forget(replies)
        if not self._link.watched[self._asked] and not client.is_lost:
            client.request(UNWATCH, _params(self._asked))


def _params(callid: str | None) -> dict[str, object]:
    return {} if callid is None else {"callid": callid}
