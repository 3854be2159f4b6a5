"""Our INVITEs inside a dialog: a phone's media is changed, or asked for (RFC 3261, section 14)."""

import asyncio
import re
import secrets
from collections.abc import Callable

from call_api.backends.embedded.leg import CAPABILITIES, LOST, Leg, nothing
from call_api.errors import CallFailed
from call_api.sip.dialog import HeaderLines
from call_api.sip.message import REASONS, Response
from call_api.sip.sdp import Sdp

ANSWER_WITHIN = 24.0
"""Seconds that a phone may take over a re-INVITE, repeated ones included. Nobody has to pick up
for that; and less than 32, for which another phone may have to wait with its offer open."""

_MAX_RETRY_AFTER = 10
_SECONDS = re.compile(r"\s*([0-9]{1,9})\b")


def never() -> bool:
    """Stand in where nothing can become moot."""
    return False


async def offer(
    leg: Leg, sdp: Sdp, headers: HeaderLines = (), *, is_moot: Callable[[], bool] = never
) -> Sdp:
    """Offer a phone other media; return its answer.

    Args:
        is_moot: Asked when its turn has come; if so, nothing is sent.

    Raises:
        CallFailed: The phone refuses, and all stays as it was; or it is gone.
    """
    return await _reinvite(leg, sdp, headers, is_moot)


async def ask(leg: Leg, headers: HeaderLines = ()) -> Sdp:
    """Return a fresh offer of a phone's, which `Leg.accept` or `Leg.decline` has to answer.

    One of the two has to follow, and soon: until then the phone repeats its offer. If the
    caller is cancelled meanwhile, the offer is declined as soon as it comes.

    Raises:
        CallFailed: As `offer`.
    """
    return await _reinvite(leg, None, headers)


async def idle(leg: Leg) -> None:
    """Wait until no INVITE is open: also one that was given up comes to its end.

    Raises:
        CallFailed: That takes too long.
    """
    await _take_turn(leg, asyncio.get_running_loop().time() + ANSWER_WITHIN)
    leg.turn.give()


async def once(leg: Leg, sdp: Sdp | None) -> Response:
    """Send one re-INVITE for whoever has taken the turn already; return the final answer.

    After a 2xx it is as after `offer`, or without ``sdp`` as after `ask`. A 491 is returned like
    any other answer: it is up to the other side to try again.

    Raises:
        CallFailed: The phone is gone.
    """
    return await _Reinvite(leg, sdp).send((), ANSWER_WITHIN)


async def _reinvite(
    leg: Leg, sdp: Sdp | None, headers: HeaderLines, is_moot: Callable[[], bool] = never
) -> Sdp:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + ANSWER_WITHIN
    while True:
        await _take_turn(leg, deadline)
        if leg.session.said is not None and is_moot():
            leg.turn.give()
            return leg.session.said
        response = await _Reinvite(leg, sdp).send(headers, deadline - loop.time())
        if response.is_success and leg.session.said is not None:
            return leg.session.said
        pause = pause_before_retry(response, is_ours=leg.is_ours)
        if pause is None or loop.time() + pause >= deadline:
            raise CallFailed(response.status, response.reason)
        await asyncio.sleep(pause)


async def _take_turn(leg: Leg, deadline: float) -> None:
    """Wait for whoever has an INVITE open now.

    Raises:
        CallFailed: That takes too long.
    """
    if leg.turn.try_take():
        return
    try:
        async with asyncio.timeout_at(deadline):
            await leg.turn.take()
    except TimeoutError:
        raise CallFailed(491, REASONS[491]) from None


class _Reinvite:
    """One re-INVITE, sent once. It comes to its end also when nobody waits for that any more.

    Args:
        leg: Its turn has to be taken, and is given back when the ACK is sent.
    """

    def __init__(self, leg: Leg, sdp: Sdp | None) -> None:
        self._leg = leg
        self._sdp = sdp
        self._told = leg.session.told
        self._cseq = 0
        self._answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

    async def send(self, headers: HeaderLines, within: float) -> Response:
        leg = self._leg
        if not leg.is_up:
            leg.turn.give()
            raise gone()
        leg.on_broken = self._break
        request = leg.request(
            "INVITE",
            self._take,
            headers=[*CAPABILITIES, *headers],
            body=b"" if self._sdp is None else leg.session.offer(self._sdp),
            ring_for=within,
        )
        self._cseq = request.cseq.number
        try:
            return await self._answered
        except asyncio.CancelledError:
            if not self._answered.cancelled():  # it has just come
                leg.decline()
            raise

    def _take(self, response: Response) -> None:
        if not response.is_final:
            return
        leg = self._leg
        leg.on_broken = nothing
        if not response.is_success:
            leg.session.told = self._told
            leg.turn.give()
        elif not self._take_success(response):
            response = Response(488)
        if self._answered.done():
            leg.decline()
        else:
            self._answered.set_result(response)
        if response.status in LOST:
            leg.lose()

    def _take_success(self, response: Response) -> bool:
        leg = self._leg
        assert leg.dialog is not None
        leg.dialog.refresh(response)
        return leg.take_answer(response, self._cseq, offered=self._sdp is not None)

    def _break(self) -> None:
        if not self._answered.done():
            self._answered.set_exception(gone())


def gone() -> CallFailed:
    """Return what is told of a phone that hung up, or that nothing is heard of any more."""
    return CallFailed(487, "Request Terminated")


def pause_before_retry(response: Response, *, is_ours: bool) -> float | None:
    """Return the seconds to wait before the same re-INVITE again; None: it would not help.

    Both sides wait differently long, so that they do not meet again (RFC 3261, section 14.1).

    Args:
        is_ours: Whether we chose the dialog's Call-ID.
    """
    if response.status == 491:
        milliseconds = 2100 + secrets.randbelow(1901) if is_ours else secrets.randbelow(2001)
        return milliseconds / 1000
    if response.status == 500:  # an INVITE of the phone's own is open (section 14.2)
        found = _SECONDS.match(response.headers.get("Retry-After") or "")
        if found and int(found[1]) <= _MAX_RETRY_AFTER:
            return float(found[1])
    return None
