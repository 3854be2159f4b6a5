"""One command of the daemon: its events, how it ends, and its end before that."""

from collections.abc import AsyncIterator, Mapping

from call_api_client import queries
from call_api_client.client import Client, Replies, TooSlow
from call_api_client.errors import CallApiError, ConnectionLost, told
from call_api_client.events import Ended, Event, event
from call_api_client.exchange import ATTACH
from call_api_client.link import Link, Patience
from call_api_client.messages import Answer, Failure, Step, members


class Call:
    """A command, to be read by one task: ``async for event in call``, or ``await call.result()``.

    It is sent when it is read for the first time. A lost connection does not show: the command is
    followed from the last event on, so that none is missed and none comes twice. Who stops reading
    does not end the command; `cancel` does.

    Attributes:
        cmd_id: The command's name, with which anybody can attach to it.
        seq: The number of the last event that was read.
        callid: What the call is called now, as far as the events told.
    """

    def __init__(
        self,
        link: Link,
        cmd_id: str,
        order: tuple[str, Mapping[str, object]] | None,
        after: int = 0,
    ) -> None:
        """Make one.

        Args:
            order: Method and parameters that start it; None: it has been started already.
            after: The number of the last event that is known.
        """
        self.cmd_id = cmd_id
        self.seq = after
        self.callid: str | None = None
        self._link = link
        self._own: Link | None = None  # where the shared one has told of the command already
        self._order = order
        self._after = after
        self._client: Client | None = None
        self._replies: Replies | None = None
        self._patience = Patience(link)
        self._kept = 0  # events that the daemon had when we attached
        self._is_retry = False
        self._failure: Failure | None = None
        self._ended: Ended | None = None

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        """Return the next event. ``Ended`` is none: the command has ended when there are no more.

        Raises:
            CallApiError: The daemon refused the command, or the command failed.
            ConnectionLost, ConnectFailed: The daemon is gone. The command may go on.
            BadReply, NoAnswer: The daemon does not do what daemons do.
        """
        if self._ended is not None:
            raise StopAsyncIteration
        while True:
            message = await self._next()
            if isinstance(message, Step) and message.event not in ("Error", "Ended"):
                return self._told(message)
            if isinstance(message, Answer):
                await self._answered(message)
            elif message is not None and message.event == "Error":
                self._failure = message.failure
            else:
                await self._finish(message)
                if self._failure is not None:
                    raise told(self._failure)
                raise StopAsyncIteration

    async def result(self) -> Ended:
        """Read all that is left; return the end of a command that went well.

        Raises:
            CallApiError, ConnectionLost, ConnectForbidden, BadReply, NoAnswer: As in reading.
        """
        async for _ in self:
            pass
        if self._failure is not None:
            raise told(self._failure)
        assert self._ended is not None, "nothing more is told"
        return self._ended

    async def cancel(self) -> None:
        """Have the daemon end the command, which then fails with `CommandCancelled`.

        Does no harm to one that has ended.

        Raises:
            UnknownCommand: The daemon does not know it (any more).
            ConnectionLost, ConnectForbidden, BadReply, NoAnswer: As in reading.
        """
        await self._link.ask("CommandCancel", cmd_id=self.cmd_id)

    async def _next(self) -> Answer | Step | None:
        """Return what is said next over whatever connection; None: nothing more will be."""
        while True:
            replies = self._replies or await self._send()
            try:
                message = await anext(replies, None)
                self._check(message)
            except ConnectionLost as exc:
                self._replies, self._is_retry = None, True
                self._patience.bear(exc, is_answered=replies.request.is_answered)
            except TooSlow:
                self._replies, self._is_retry = None, True
                self._give_up_connection()
            else:
                return message

    def _check(self, message: Answer | Step | None) -> None:
        """Note how far the command is told.

        Raises:
            TooSlow: Something is missing, because somebody else was told it over this connection.
        """
        if isinstance(message, Step):
            if message.seq > self.seq + 1:
                raise TooSlow(self.cmd_id, self.seq)
            self.seq = message.seq or self.seq
        elif message is None and self.seq < self._kept:
            raise TooSlow(self.cmd_id, self.seq)

    def _give_up_connection(self) -> None:
        """A daemon tells nothing twice over one connection; over the next one it does."""
        if self._link.within == 0:
            raise ConnectionLost(1013, "it has told this connection already what is asked for")
        assert self._client is not None, "it was sent"
        self._client.lose(ConnectionLost(1013, "we read too slowly"))

    async def _send(self) -> Replies:
        self._client = await self._link.client()
        if self._client.has_told(self.cmd_id):
            self._own = await self._link.another()
            self._link, self._client = self._own, await self._own.client()
        method, params = self._order or (ATTACH, {"cmd_id": self.cmd_id, "after": self.seq})
        self._replies = self._client.request(method, params)
        return self._replies

    async def _answered(self, answer: Answer) -> None:
        failure = answer.failure
        if failure is None:
            if self._order is None:
                kept = members(answer.result).get("seq")
                self._kept = kept if isinstance(kept, int) else 0
            self._order = None
            self._patience.renew()
            return
        self._replies = None
        try:
            if not self._is_retry:
                raise told(failure)
            await self._patience.wait(failure)
        except CallApiError:
            self._failure, self._ended = failure, Ended()  # it is not sent again
            raise

    def _told(self, step: Step) -> Event:
        assert self._replies is not None, "it was read from there"
        self.callid = self._replies.request.callid or self.callid
        return event(step)

    async def _finish(self, last: Step | None) -> None:
        """Note the end; ask how it was where the event that told it is known to the user alone."""
        ended = event(last) if last is not None else Ended()
        ended = ended if isinstance(ended, Ended) else Ended()
        is_sure = last is not None and (self._after == 0 or last.seq > self._after + 1)
        if self._failure is None and not is_sure:
            self._failure = await self._how_it_failed()
        self.callid = ended.callid or self.callid
        self._ended = ended
        if self._own is not None:
            await self._own.close()

    async def _how_it_failed(self) -> Failure | None:
        found = await queries.command(self._link.ask, self.cmd_id)
        if found.error is None:
            return None
        code, name = found.error.get("code"), str(found.error.get("name", ""))
        data = {key: value for key, value in found.error.items() if key not in ("code", "name")}
        number = code if isinstance(code, int) else 0
        return Failure(code=number, name=name, message="", data=data)
