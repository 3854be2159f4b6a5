"""The session timer of a phone that leaves it to us: we tell it that the call goes on."""

from typing import TYPE_CHECKING

from call_api.backends.embedded import reinvite
from call_api.backends.embedded.joining import follow
from call_api.backends.embedded.leg import Leg
from call_api.backends.embedded.operation import Operation

if TYPE_CHECKING:
    from call_api.backends.embedded.switchboard import Switchboard


class Refresh(Operation):
    """Sends a phone once more what it was told (RFC 4028, section 10).

    A phone that waits for its peer, and was told nothing as yet, has to wait for that, too.
    """

    title = "a session timer"

    def __init__(self, board: "Switchboard", leg: Leg) -> None:
        super().__init__(board)
        self._leg = leg

    async def run(self) -> None:
        """Send it, unless it is told something else anyway."""
        leg, told, timer = self._leg, self._leg.session.told, self._leg.refreshing.timer
        if told is None or timer is None:
            return
        headers = timer.refresh()
        await reinvite.offer(leg, told, headers, is_moot=lambda: leg.session.told is not told)
        call = self.board.calls.call_of(leg)
        peer = None if call is None else call.peer_of(leg)
        if peer is not None:
            await follow(leg, peer)
