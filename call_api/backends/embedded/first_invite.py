"""Our INVITE that begins a dialog: a phone is rung (RFC 3261, section 13.2)."""

from collections.abc import Callable

from call_api.backends.embedded.leg import Leg
from call_api.backends.embedded.leg_state import LegInput, LegState
from call_api.sip.dialog import Dialog
from call_api.sip.message import Request, Response

OnNews = Callable[[Leg, Response], None]
"""Told of each answer to a first INVITE: its progress, and its one end."""


def invite(leg: Leg, request: Request, on_news: OnNews, *, ring_for: float) -> None:
    """Ring a phone.

    With a 2xx the leg is up. If ``request`` had a body, an offer, the ACK is sent here; if not,
    the phone has made one that `Leg.accept` or `Leg.decline` has to answer.

    Args:
        on_news: Told of progress and of one final answer, unless `Leg.hang_up` comes first. A
            2xx without a usable description is told as 488, and the leg is hung up.
        ring_for: Seconds, after which 408 is told.
    """
    leg.turn.try_take()
    leg.happens(LegInput.WE_INVITE)

    def take(response: Response) -> None:
        if not response.is_final:
            _take_progress(leg, response, on_news)
        elif response.is_success:
            _take_success(leg, request, response, on_news)
        else:
            _take_failure(leg, response, on_news)

    leg.outgoing = leg.agent.request(request, leg.flow, take, ring_for=ring_for)


def _take_progress(leg: Leg, response: Response, on_news: OnNews) -> None:
    if response.status > 100:
        leg.happens(LegInput.PROGRESS)
        if leg.state is LegState.EARLY:
            on_news(leg, response)


def _take_failure(leg: Leg, response: Response, on_news: OnNews) -> None:
    was_wanted = leg.state is not LegState.CANCELLED
    leg.outgoing = None
    leg.happens(LegInput.REFUSED)
    leg.turn.give()
    if was_wanted:
        on_news(leg, response)


def _take_success(leg: Leg, request: Request, response: Response, on_news: OnNews) -> None:
    was_wanted = leg.state is not LegState.CANCELLED
    leg.outgoing = None
    leg.happens(LegInput.ACCEPTED)
    leg.dialog = Dialog.from_response(request, response)
    is_usable = leg.take_answer(response, request.cseq.number, offered=bool(request.body))
    if was_wanted and is_usable:
        on_news(leg, response)
        return
    leg.hang_up()
    if was_wanted:
        on_news(leg, Response(488))
