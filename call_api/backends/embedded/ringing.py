"""The phones of one party, ringing at once: the first one that answers wins."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from call_api.backends.embedded.first_invite import invite
from call_api.backends.embedded.leg import CAPABILITIES, Leg
from call_api.backends.embedded.operation import PhoneCall
from call_api.backends.embedded.routing import Target
from call_api.backends.embedded.switchboard import Switchboard
from call_api.errors import CallFailed
from call_api.sip.dialog import MAX_HOPS, new_callid, new_request
from call_api.sip.flow import contact_uri
from call_api.sip.headers import NameAddr
from call_api.sip.message import Response
from call_api.sip.sdp import Sdp

MAX_PROGRESS = 100
"""Most pieces of progress of one party that are kept; what a phone tells beyond is dropped."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a phone that rings tells.

    Attributes:
        body: Its early description; mostly empty.
    """

    leg: Leg
    status: int
    reason: str
    body: bytes

    def __str__(self) -> str:
        return f"{self.status} {self.reason}".rstrip()


def _ignore(progress: Progress) -> None:
    """Let nobody know."""


class Ringing:
    """A set of branches of one call. More can be added while it rings; left, all are cancelled.

    Args:
        who: Who calls, for From.
        to: URI of the party that is called, for To.
        offer: What the phones are offered; None: they are to make an offer.
        callid: The branches' Call-ID; by default a new one.
        hops: What the INVITEs may pass through. For one that goes on for another it is one less
            than that one had left, so that what is sent in a circle ends (RFC 7332).
    """

    def __init__(
        self,
        board: Switchboard,
        call: PhoneCall,
        *,
        who: NameAddr,
        to: str,
        offer: Sdp | None,
        callid: str = "",
        hops: int = MAX_HOPS,
    ) -> None:
        self._board = board
        self._call = call
        self._who = who
        self._to = to
        self._offer = offer
        self._callid = callid or new_callid()
        self._hops = hops
        self._legs: list[Leg] = []
        self._news: deque[Progress | Leg | CallFailed] = deque()
        self._failures: list[CallFailed] = []
        self._wake: asyncio.Future[None] | None = None
        self._last: str = ""

    @property
    def count(self) -> int:
        """How many phones ring."""
        return len(self._legs)

    def add(self, targets: Sequence[Target], ring_for: float) -> None:
        """Let more phones ring, each for so many seconds."""
        for target in targets:
            flow = target.flow
            leg = self._board.new_leg(flow, self._to, self._callid)
            request = new_request(
                "INVITE",
                target.uri,
                from_=str(self._who.with_tag(leg.tag)),
                to=f"<{self._to}>",
                callid=leg.callid,
                headers=[("Contact", f"<{contact_uri(flow)}>"), *CAPABILITIES],
                body=b"" if self._offer is None else leg.session.offer(self._offer),
            )
            request.headers.set("Max-Forwards", str(self._hops))
            invite(leg, request, self._take, ring_for=ring_for)
            self._legs.append(leg)
            self._board.calls.ring(self._call, leg)

    async def next(self) -> Progress | Leg:
        """Wait for progress, or for the leg that has answered.

        Raises:
            CallFailed: No phone rings any more; with the best answer that came (RFC 3261,
                section 16.7, step 6).
        """
        while not self._news:
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        news = self._news.popleft()
        if isinstance(news, CallFailed):
            raise news
        return news

    async def winner(self, on_progress: Callable[[Progress], None] = _ignore) -> Leg:
        """Wait for the leg that has answered.

        Raises:
            CallFailed: As `next`.
        """
        while not isinstance(news := await self.next(), Leg):
            on_progress(news)
        return news

    def stop(self) -> None:
        """Cancel what still rings."""
        legs, self._legs = self._legs, []
        for leg in legs:
            self._board.release(leg)

    def _take(self, leg: Leg, response: Response) -> None:
        if leg not in self._legs:
            return
        if not response.is_final:
            self._tell_progress(leg, response)
            return
        self._legs.remove(leg)
        if response.is_success:
            self.stop()
            self._tell(leg)
            return
        self._board.calls.detach(leg)
        self._board.changes.tell(
            "branch_failed",
            self._call,
            also=(leg.callid,),
            target=leg.uri,
            status=response.status,
        )
        self._failures.append(CallFailed(response.status, response.reason))
        if response.status >= 600:  # it speaks for all (RFC 3261, section 16.7, step 5)
            self.stop()
        if not self._legs:
            self._tell(min(self._failures, key=_rank))

    def _tell_progress(self, leg: Leg, response: Response) -> None:
        self._board.ringing(self._call)
        # A phone may refresh its 180 as often as it likes; with one phone only what is new counts.
        key = f"{leg.tag} {response.status} {response.reason} {len(response.body)}"
        if key != self._last and len(self._news) < MAX_PROGRESS:
            self._last = key
            self._tell(Progress(leg, response.status, response.reason, response.body))

    def _tell(self, news: Progress | Leg | CallFailed) -> None:
        self._news.append(news)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)


def _rank(failure: CallFailed) -> tuple[int, int]:
    """Order failures: 6xx first, then the lowest class; among equals the first that came."""
    kind = failure.status // 100
    return (0, 0) if kind == 6 else (1, kind)
