"""The first leg of a call that is being made: the proxy calls the caller."""

from typing import Final

from call_api.backends.opensips import dialogs, events, outcomes, requests
from call_api.backends.opensips.bye import bye
from call_api.backends.opensips.client import ProxyClient
from call_api.backends.opensips.dialogs import Dialog
from call_api.backends.opensips.inbox import Inbox, Told, Trouble
from call_api.backends.opensips.mi import MiRequest, Reply
from call_api.backends.opensips.shared import SETTLE_FOR, hang_up
from call_api.errors import CallFailed, ProxyRefused, ProxyUnreachable
from call_api.model import CallId

_TRUTH_WITHIN: Final = 1.0  # seconds between an event and the answer that goes with it
_ACK_WITHIN: Final = 0.5  # seconds from the answer to the event
_ACK_LOOKS: Final = 5
_MORE: Final = 10.0  # seconds for the proxy's own end of ringing, after ours
_NO_DIALOG: Final = (
    "the call is not a dialog of the proxy: sip.uri must be where it takes SIP requests, and its "
    "configuration must make a dialog for the INVITE that comes back to it"
)


class FirstLeg:
    """Calls the caller, and ends that leg again.

    Args:
        inbox: Gets the events of the leg already.
        ring_for: Seconds the caller has to answer.
    """

    def __init__(self, proxy: ProxyClient, inbox: Inbox, callid: CallId, ring_for: float) -> None:
        self.proxy = proxy
        self._inbox = inbox
        self._callid = callid
        self._ring_for = ring_for
        self._ring_until = 0.0
        self._reply: Reply | None = None
        self._state = 0  # of the dialog, as events say
        self._dialog_id = ""
        self._trouble: str | None = None

    def call(self, request: MiRequest) -> None:
        """Have the caller called."""
        self._ring_until = self._now + self._ring_for
        self.proxy.send(request, self._inbox.put, self._ring_for + _MORE)

    async def answered(self) -> None:
        """Return when the caller has answered.

        Raises:
            CallFailed: The caller has not, or did not in time (408).
            ProxyRefused: The proxy would not call.
            ProxyUnreachable: It is not known to have called.
        """
        look_at = self._now + self.proxy.reply_within
        while not self._is_decided():
            until = min(look_at, self._ring_until)
            if await self._take_one(until):
                continue
            if self._now >= self._ring_until:
                raise CallFailed(408, "Request Timeout")
            if self._now >= look_at:
                await self._look()
                look_at = self._now + self.proxy.reply_within * 2
        await self._wait_for_reply()
        self._judge()

    async def acknowledged(self) -> Dialog:
        """Return the dialog, as soon as the phone has the proxy's ACK.

        Raises:
            CallFailed: The caller has hung up.
            ProxyRefused: The call is not a dialog of the proxy.
            ProxyUnreachable: The proxy does not answer.
        """
        until = self._now + _ACK_WITHIN
        while self._state < dialogs.CONFIRMED and await self._take_one(until):
            pass
        looks = 0
        while self._state < dialogs.CONFIRMED or not self._dialog_id:
            dialog = await self.proxy.dialog(self._callid)
            if dialog is None:
                raise ProxyRefused(404, _NO_DIALOG)
            self._learn(dialog.state, dialog.id)
            looks += 1
            if looks >= _ACK_LOOKS:
                break
        until = self._now + SETTLE_FOR
        while await self._take_one(until):
            pass
        if self._state >= dialogs.ENDED:
            raise CallFailed(487, "the caller hung up")
        return Dialog(id=self._dialog_id, callid=self._callid, state=dialogs.CONFIRMED)

    async def end(self) -> None:
        """Cancel the INVITE or hang up, whatever it takes; wait for an answer that is late."""
        self._take_all()
        if self._is_refused():
            return
        if self._is_open():
            await self.proxy.request(requests.cancel(self._callid), self.proxy.reply_within / 2)
            until = self._now + self.proxy.reply_within
            while self._is_open() and await self._take_one(until):
                pass
        if self._is_refused() or self._state >= dialogs.ENDED:
            return
        await hang_up(self.proxy, self._callid)
        if self._reply is not None and self._state < dialogs.RINGING:
            await self._end_outside_dialog(self._reply)

    @property
    def _now(self) -> float:
        return self.proxy.loop.time()

    def _has_answer(self) -> bool:
        return self._reply is not None or self._trouble is not None

    def _is_decided(self) -> bool:
        return self._has_answer() or self._state in (dialogs.CONFIRMED, dialogs.ENDED)

    def _is_open(self) -> bool:
        """Whether the caller may still answer."""
        return self._reply is None and self._state < dialogs.ANSWERED

    def _is_refused(self) -> bool:
        """Whether the proxy has told that there is no call."""
        if self._reply is None or self._reply.silence is not None:
            return False
        return self._reply.error is not None or self._status >= 300

    @property
    def _status(self) -> int:
        result = None if self._reply is None else self._reply.result
        known = outcomes.parse_status(result.get("Status")) if isinstance(result, dict) else None
        return 0 if known is None else known[0]

    async def _take_one(self, until: float) -> bool:
        """Take in what is told next; return False if there is nothing until then."""
        told = await self._inbox.get(until)
        if told is not None:
            self._take(told)
        return told is not None

    def _take_all(self) -> None:
        while (told := self._inbox.take()) is not None:
            self._take(told)

    def _take(self, told: Told) -> None:
        if isinstance(told, Reply):
            self._reply = told
        elif isinstance(told, Trouble):
            self._trouble = told.reason
        elif told.method == events.STATE:
            self._learn(told.params.new_state, told.params.id)

    def _learn(self, state: int, dialog_id: str | None) -> None:
        self._state = max(self._state, state)
        self._dialog_id = dialog_id or self._dialog_id

    async def _wait_for_reply(self) -> None:
        """An event may overtake the answer, but not by much."""
        until = self._now + _TRUTH_WITHIN
        while not self._has_answer() and await self._take_one(until):
            pass

    def _judge(self) -> None:
        reply = self._reply
        if reply is None or reply.silence is not None:
            if self._trouble is not None:
                raise ProxyUnreachable(self._trouble)
            if self._state in (dialogs.ANSWERED, dialogs.CONFIRMED):
                return
            if self._state >= dialogs.ENDED:
                raise CallFailed(480, "the call has ended, the proxy did not tell why")
            raise ProxyUnreachable("" if reply is None else reply.silence or "")
        result = outcomes.result_of(reply, self._callid)
        if self._status < 200 or self._status >= 300:
            status = result.get("Status") if isinstance(result, dict) else None
            raise outcomes.failure(status, (500, "the proxy did not tell how the INVITE went"))

    async def _look(self) -> None:
        """Find out whether the caller is being called at all.

        Raises:
            ProxyUnreachable: Nobody is, or nobody knows.
            ProxyRefused: The caller was, past the proxy's own route; that is cancelled.
        """
        dialog = await self.proxy.dialog(self._callid)
        self._take_all()
        if dialog is not None:  # the word of its answer may be lost
            self._learn(dialog.state, dialog.id)
        if dialog is not None or self._is_decided():
            return
        cancelled = await self.proxy.request(
            requests.cancel(self._callid), self.proxy.reply_within / 2
        )
        self._take_all()
        if self._is_decided():
            return
        if cancelled.error is None and cancelled.silence is None:
            raise ProxyRefused(404, _NO_DIALOG)
        raise ProxyUnreachable(f"{self.proxy.name}: no answer; the caller is not being called")

    async def _end_outside_dialog(self, reply: Reply) -> None:
        """Hang up a call that is no dialog of the proxy: all that is known is in the answer."""
        request = bye(reply.result, self._callid)
        if request is not None:
            await self.proxy.request(request, self.proxy.reply_within * 2)
