"""CallStart: the caller first, then the callee, then both together."""

from collections.abc import Callable
from contextlib import suppress

from call_api.backends.base import StartStep
from call_api.backends.embedded import reinvite
from call_api.backends.embedded.joining import blaming, settle
from call_api.backends.embedded.leg import Leg
from call_api.backends.embedded.operation import Operation, may_act
from call_api.backends.embedded.ringing import Ringing
from call_api.backends.embedded.switchboard import Switchboard
from call_api.errors import CallFailed
from call_api.model import LegName, SipUri
from call_api.sip.headers import NameAddr
from call_api.sip.sdp import BadSdp, Sdp

Tell = Callable[[StartStep], None]


class Start(Operation):
    """Makes a call between two parties that are both rung by us.

    The caller's offer gets a held answer at once, because its 200 cannot wait for a callee who
    rings for minutes; afterwards its media is changed (RFC 3725, section 4.4, with a twist).

    Raises:
        CallFailed: One of them cannot be reached.
        TooManyRequests: There are as many calls as there may be.
    """

    title = "CallStart"

    def __init__(
        self, board: Switchboard, caller: SipUri, callee: SipUri, callid: str, tell: Tell
    ) -> None:
        super().__init__(board)
        with blaming("caller"):
            self._phones = {"caller": board.phones(callee, caller)}
        # Asked now although it rings later: nobody is to pick up for a callee who is not there.
        with blaming("callee"):
            self._phones["callee"] = board.phones(caller, callee)
        self._call = board.open(callid, caller, callee, self)
        self._tell = tell

    async def run(self) -> None:
        """Do it, telling each step."""
        call = self._call
        ringing = self._ring("caller", None)
        with blaming("caller"):
            caller = await ringing.winner()
        self.board.seat(call, "caller", caller)
        offer = caller.session.said
        assert offer is not None  # or it would not have won
        caller.decline()
        self._tell(StartStep(state="answered", callid=call.callid))
        self._tell(StartStep(state="transferring", callid=call.callid))
        await may_act()
        with blaming("callee"):
            self._phones["callee"] = self.board.phones(call.uris["caller"], call.uris["callee"])
        ringing = self._ring("callee", offer)
        self._tell(StartStep(state="start", callid=call.callid))
        self.lets_phones_speak = True
        with blaming("callee"):
            callee = await self._callee(ringing, caller)
        self.lets_phones_speak = False
        self.board.seat(call, "callee", callee)
        await may_act()
        await settle(caller, callee, offer, names=True)
        self.board.answered(call)
        self._tell(StartStep(state="ok", callid=call.callid))

    def unread(self) -> None:
        """Hang up what nobody knows of."""
        super().unread()
        self.board.end(self._call)

    def _ring(self, name: LegName, offer: Sdp | None) -> Ringing:
        uris = self._call.uris
        # The one who is rung sees the other one: some phones go on under what To says.
        who = NameAddr.parse(f"<{uris['callee' if name == 'caller' else 'caller']}>")
        callid = self._call.callid if name == "caller" else ""
        ringing = Ringing(
            self.board, self._call, who=who, to=uris[name], offer=offer, callid=callid
        )
        phones = self._phones[name]
        ringing.add(phones.targets, phones.ring_for)
        return ringing

    async def _callee(self, ringing: Ringing, caller: Leg) -> Leg:
        while not isinstance(news := await ringing.next(), Leg):
            self._tell(StartStep(state="pending", callid=self._call.callid, status=str(news)))
            if news.body and ringing.count == 1:  # nobody can hear two
                await _let_hear(caller, news.body)
        return news


async def _let_hear(caller: Leg, early: bytes) -> None:
    """Give the caller the ringback that a phone makes itself, if it can take it."""
    with suppress(BadSdp, CallFailed):
        sdp = Sdp.parse(early)
        if caller.session.told != sdp:
            await reinvite.offer(caller, sdp)
