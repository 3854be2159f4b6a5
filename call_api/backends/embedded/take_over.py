"""INVITE with Replaces: a phone takes the place of another one in a call (RFC 3891)."""

import re
from dataclasses import dataclass

from call_api.backends.embedded import reinvite
from call_api.backends.embedded.bridge import OTHER
from call_api.backends.embedded.joining import Before, follow
from call_api.backends.embedded.leg import Leg
from call_api.backends.embedded.operation import Calls, Operation, PhoneCall
from call_api.backends.embedded.phone_answer import answer_with, refuse
from call_api.backends.embedded.switchboard import Switchboard
from call_api.backends.embedded.transfer import identity
from call_api.model import LegName
from call_api.sip.sdp import Sdp

_PARAM = re.compile(r"\s*;\s*([A-Za-z-]+)(?:\s*=\s*([^\s;,]+))?")


@dataclass(frozen=True, slots=True)
class Replaces:
    """Which dialog is to be replaced.

    Attributes:
        to_tag: The tag of the one who is asked: ours.
        from_tag: The tag of the phone that has the dialog now.
        is_early_only: Only if it is not answered yet.
    """

    callid: str
    to_tag: str
    from_tag: str
    is_early_only: bool = False

    @staticmethod
    def parse(text: str) -> "Replaces | None":
        """Return what a header's value says, None if it makes no sense (section 6.1)."""
        callid, semicolon, rest = text.strip().partition(";")
        params = {name.lower(): value for name, value in _PARAM.findall(semicolon + rest)}
        to_tag, from_tag = params.get("to-tag"), params.get("from-tag")
        if not to_tag or not from_tag:
            return None
        return Replaces(callid.strip(), to_tag, from_tag, "early-only" in params)

    def find(self, calls: Calls) -> Leg | None:
        """Return the leg whose dialog is meant, if we have it."""
        leg = calls.leg(self.callid, self.to_tag)
        if leg is None or leg.dialog is None or leg.dialog.remote_tag != self.from_tag:
            return None
        return leg


class TakeOver(Operation):
    """Puts a phone that calls in the place of another one.

    Args:
        call: The call that the replaced leg is in.
        leg: The phone that calls, with its INVITE open.
        replaced: The leg that goes.
        offer: What the phone has offered; None: it wants an offer.

    Raises:
        CallBusy: The call is being changed already, or still rings.
    """

    title = "a phone's INVITE with Replaces"

    def __init__(
        self, board: Switchboard, call: PhoneCall, leg: Leg, replaced: Leg, offer: Sdp | None
    ) -> None:
        super().__init__(board)
        board.calls.take(self, call)
        name = call.name_of(replaced)
        assert name is not None  # a call that is answered has no legs that ring
        self.calls = (call,)
        self._call = call
        self._name = name
        self._leg = leg
        self._peer = call.legs[OTHER[name]]
        self._offer = offer
        self._before: Before | None = None
        board.calls.ring(call, leg)

    async def run(self) -> None:
        """Join it with the one who stays."""
        self._before = await Before.of(self._peer)
        headers = identity(self._leg.uri)
        if self._offer is not None:
            await reinvite.offer(self._peer, self._offer, headers)
        else:
            await reinvite.ask(self._peer, headers)
        await answer_with(self._leg, self._peer, is_offered=self._offer is not None)
        left = self.board.reseat(self._call, self._name, self._leg, self._leg.uri)
        if left is not None:
            left.hang_up()

    def leg_gone(self, call: PhoneCall, name: LegName) -> None:
        """Let the one go that is to be replaced anyway; without the other one it is over."""
        if name != self._name:
            super().leg_gone(call, name)

    async def undo(self) -> None:
        """Refuse the phone, and let the old parties talk on as before."""
        self._peer.decline()
        refuse(self._leg, self.error)
        await super().undo()
        if self._before is None:
            return
        await self._before.put_back()
        left = self._call.legs.get(self._name)
        if left is not None:
            await follow(self._peer, left)
