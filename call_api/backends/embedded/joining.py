"""Two live legs and their media: joined, settled, and put back as they were."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from call_api.backends.embedded import reinvite
from call_api.backends.embedded.leg import Leg
from call_api.errors import CallFailed
from call_api.model import LegName
from call_api.sip.dialog import HeaderLines
from call_api.sip.sdp import Sdp, same_media_address


async def join(
    x: Leg, y: Leg, *, to_x: HeaderLines = (), to_y: HeaderLines = (), names: bool = False
) -> None:
    """Let two legs talk that have or had other peers.

    Each phone is asked for all that it can do now, so nothing is lost that an earlier peer or
    a hold took away. If this fails, ``y`` is as it was and ``x`` is silent.

    Args:
        to_x: Further headers of the INVITE to ``x``; likewise ``to_y``.
        names: Whether a failure is to say which leg it was, ``x`` being the caller.

    Raises:
        CallFailed: One of the phones refuses, or is gone.
    """
    with blaming("caller" if names else None):
        offer = await reinvite.ask(x, to_x)
    try:
        with blaming("callee" if names else None):
            answer = await reinvite.offer(y, offer, to_y)
    except BaseException:
        x.decline()
        raise
    x.accept(answer)


async def settle(
    x: Leg, y: Leg, offered: Sdp, *, to_x: HeaderLines = (), names: bool = False
) -> None:
    """Tell ``x`` what ``y`` has answered to an earlier offer of x's.

    Args:
        offered: That offer. If ``x`` has its media elsewhere by now, ``y`` is told.
        to_x: Further headers of the INVITE to ``x``.
        names: As in `join`.

    Raises:
        CallFailed: One of the phones refuses, or is gone.
    """
    answer = y.session.said
    if answer is not None and x.session.told != answer:
        with blaming("caller" if names else None):
            await reinvite.offer(x, answer, to_x)
    if x.session.said is not None and x.session.has_moved(offered):
        with blaming("callee" if names else None):
            await reinvite.offer(y, x.session.said)


class Before:
    """What legs were told, to be told again if what comes next goes wrong."""

    def __init__(self, *legs: Leg) -> None:
        self._told = [(leg, leg.session.told) for leg in legs]

    @staticmethod
    async def of(*legs: Leg) -> "Before":
        """Return what legs were told, once what the phones change by themselves is through.

        Raises:
            CallFailed: That takes too long.
        """
        for leg in legs:
            await reinvite.idle(leg)
        return Before(*legs)

    async def put_back(self, *, over: Collection[Sdp | None] | None = None) -> None:
        """Tell every leg that is still up what it was told, if it has been told otherwise.

        Args:
            over: Only if it was told one of these; None: whatever it was told. For one who has
                not the call alone: what others tell meanwhile counts.

        Raises:
            CallFailed: A phone refuses; the others have been told all the same.
        """
        failure: CallFailed | None = None
        for leg, told in self._told:
            if leg.is_up and told is not None:
                try:
                    await reinvite.idle(leg)
                    if leg.session.told != told:
                        await reinvite.offer(leg, told, is_moot=_is_moot(leg, over))
                except CallFailed as exc:
                    failure = exc
        if failure is not None:
            raise failure


def _is_moot(leg: Leg, over: Collection[Sdp | None] | None) -> Callable[[], bool]:
    if over is None:
        return reinvite.never
    return lambda: not any(leg.session.told is told for told in over)


async def follow(moved: Leg, peer: Leg) -> None:
    """Tell ``peer`` where the other phone has its media now, if that is not what it knows.

    Raises:
        CallFailed: The phone refuses, or is gone.
    """
    said, told = moved.session.said, peer.session.told
    if said is not None and told is not None and not same_media_address(said, told):
        await reinvite.offer(peer, said.with_direction(told.direction))


@contextmanager
def blaming(name: LegName | None) -> Iterator[None]:
    """Let a failure say which party it was."""
    try:
        yield
    except CallFailed as exc:
        if name is None:
            raise
        raise CallFailed(exc.status, exc.reason, leg=name) from exc
