"""How a phone's INVITE is answered once its peer has answered ours."""

import asyncio

from call_api.backends.embedded.leg import Leg, nothing
from call_api.backends.embedded.reinvite import gone
from call_api.errors import CallFailed
from call_api.sip.message import REASONS, Request
from call_api.sip.sdp import BadSdp, Sdp


async def answer_with(asking: Leg, peer: Leg, *, is_offered: bool) -> None:
    """Answer a phone's open INVITE with what its peer has just said.

    Args:
        is_offered: Whether the phone's INVITE held the offer, which the peer has answered. If
            not, the peer's offer is still open: the phone answers it with its ACK.

    Raises:
        CallFailed: The phone has taken its INVITE back, or it is gone, or it answers with
            what cannot be read.
    """
    said = peer.session.said
    assert said is not None  # or the peer had not answered
    if not is_offered:
        peer.accept(await _answer_in_ack(asking, said))
    elif not asking.answer_invite(asking.session.answer(said)):
        raise gone()


async def _answer_in_ack(asking: Leg, offer: Sdp) -> Sdp:
    acked: asyncio.Future[Request] = asyncio.get_running_loop().create_future()

    def take(ack: Request) -> None:
        asking.on_broken = nothing
        if not acked.done():
            acked.set_result(ack)

    def broken() -> None:
        if not acked.done():
            acked.set_exception(gone())

    asking.on_broken = broken
    if not asking.answer_invite(asking.session.offer(offer), take):
        raise gone()
    ack = await acked
    try:
        return asking.session.hear(ack.body)
    except BadSdp:
        raise CallFailed(488, REASONS[488]) from None


def refuse(asking: Leg, error: BaseException | None) -> None:
    """Refuse a phone's open INVITE with what went wrong."""
    status, reason = as_answer(error)
    asking.refuse_invite(status, reason)


def as_answer(error: BaseException | None) -> tuple[int, str]:
    """Return status and reason that tell a phone of an error."""
    if error is None:
        return 487, ""
    if not isinstance(error, CallFailed):
        return 500, ""
    # What asks for another request, the phone could not follow: we are not the one who asks.
    if error.status < 400 or error.status in (401, 407):
        return 480, ""
    return error.status, error.reason
