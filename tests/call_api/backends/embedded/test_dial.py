"""A phone calls another one through the switchboard."""

import asyncio

import pytest

from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.sip.sdp import Sdp
from tests.fakes.sip_office import far_away, sip_office, talk
from tests.fakes.virtual_time import in_virtual_time, until

NOBODY = "sip:nobody@localhost"


@pytest.mark.parametrize("offers", [True, False])
@in_virtual_time
async def test_two_phones_talk_whoever_makes_the_offer(offers: bool) -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        call = alice.dial(bob.uri, offers=offers)

        await until(lambda: bob.live and talk(call, bob.call))

        assert 180 in call.statuses
        info = await office.info()
        assert (info.callid, info.state) == (call.callid, "answered")
        assert (info.caller, info.callee) == (alice.uri, bob.uri)
        assert str(bob.call.invites[0].from_).startswith(f'"Alice" <{alice.uri}>')
        assert await call.hang_up() == 200
        await until(lambda: bob.calls[0].ended_by == "BYE")
        await office.gone()


@in_virtual_time
async def test_the_callee_can_hang_up_as_well() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        call = await office.dial(alice, bob)

        await bob.call.hang_up()

        await until(lambda: call.ended_by == "BYE")
        await office.gone()


@in_virtual_time
async def test_a_call_that_is_sent_in_a_circle_comes_to_an_end() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()

        def forward(incoming: IncomingRequest) -> None:
            hops.append(incoming.request.headers.get("Max-Forwards"))
            incoming.respond(486)

        hops: list[str | None] = []
        bob.on_invite = forward
        call = alice.dial(bob.uri)
        await until(lambda: call.ended_by == 486)

        assert hops == ["69"]


@pytest.mark.parametrize("transports", [("TCP", "TCP"), ("UDP", "TCP"), ("TCP", "UDP")])
@in_virtual_time
async def test_phones_on_both_transports_call_each_other(transports: tuple[str, str]) -> None:
    async with sip_office() as office:
        for name, transport in zip(("alice", "bob"), transports, strict=True):
            await office.phone(name, transport="TCP" if transport == "TCP" else "UDP")
        alice, bob = office.phones.values()

        call = await office.dial(alice, bob)

        assert call.dialog is not None
        assert (";transport=tcp" in call.dialog.remote_target) is (transports[0] == "TCP")
        await call.hang_up()
        await office.gone()


@in_virtual_time
async def test_all_phones_of_the_callee_ring_and_the_first_wins() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        desk = await office.phone("desk", user="bob")
        bob.answer_after, bob.progress = 5.0, (180, 183)

        call = await office.dial(alice, desk)

        assert call.early is None  # nobody can hear two
        await until(lambda: bob.calls[0].ended_by == "CANCEL")
        await call.hang_up()
        await office.gone()


@in_virtual_time
async def test_the_caller_hears_the_ringback_of_the_callees_phone() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        bob.progress = (180, 183)

        call = await office.dial(alice, bob)

        assert call.statuses == [180, 183, 200]
        assert call.early is not None
        assert (call.early.address, call.early.media[0].port) == bob.media
        assert isinstance(call.remote, Sdp)
        assert call.early.session[1] == call.remote.session[1]  # one session, one version


@in_virtual_time
async def test_ringback_that_cannot_be_read_is_left_out() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()

        def ring(incoming: IncomingRequest) -> None:
            incoming.respond(183, body=b"nonsense")

        bob.on_invite = ring
        call = alice.dial(bob.uri)

        await until(lambda: call.statuses == [183])
        assert call.early is None
        call.cancel()


@in_virtual_time
async def test_without_an_offer_there_is_no_early_media() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        bob.progress = (183,)

        call = alice.dial(bob.uri, offers=False)

        await until(lambda: bob.live and talk(call, bob.call))
        assert call.early is None


# It does not come about.


@pytest.mark.parametrize(
    ("answer", "status"), [(486, 486), (603, 603), (401, 480), (302, 480), (500, 500)]
)
@in_virtual_time
async def test_a_refusal_reaches_the_caller(answer: int, status: int) -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        bob.refuse_with = (answer, ())

        call = alice.dial(bob.uri)

        await until(lambda: call.ended_by == status)
        await office.gone()


@in_virtual_time
async def test_nobody_is_not_found() -> None:
    async with sip_office("alice") as office:
        call = office.phones["alice"].dial(NOBODY)

        await until(lambda: call.ended_by == 404)
        await office.gone()


@in_virtual_time
async def test_a_call_that_nobody_answers_is_given_up() -> None:
    async with sip_office("alice", "bob", ring_for=30.0) as office:
        alice, bob = office.phones.values()
        bob.answer_after = None

        call = alice.dial(bob.uri)

        await until(lambda: call.ended_by == 408)
        await until(lambda: bob.calls[0].ended_by == "CANCEL")
        await office.gone()


@in_virtual_time
async def test_a_caller_that_gives_up_stops_all_the_ringing() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        desk = await office.phone("desk", user="bob")
        bob.answer_after = desk.answer_after = None
        call = alice.dial(bob.uri)
        await until(lambda: bob.live and desk.live)

        call.cancel()

        await until(lambda: call.ended_by == 487)
        await until(lambda: bob.calls[0].ended_by == desk.calls[0].ended_by == "CANCEL")
        await office.gone()


@pytest.mark.parametrize("wait_ms", range(0, 400, 20))
@in_virtual_time
async def test_a_caller_that_gives_up_at_any_moment_leaves_nothing(wait_ms: int) -> None:
    async with sip_office("alice", "bob", link=far_away) as office:
        alice, bob = office.phones.values()
        call = alice.dial(bob.uri)
        await asyncio.sleep(wait_ms / 1000)

        call.cancel()

        await until(lambda: call.state in ("up", "ended"))
        if call.state == "up":
            await call.hang_up()
        await office.gone()


@in_virtual_time
async def test_a_ringing_call_can_be_ended_by_command() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        bob.answer_after = None
        call = alice.dial(bob.uri)
        await until(lambda: bob.live)

        await office.end()

        assert (call.ended_by, bob.calls[0].ended_by) == (487, "CANCEL")


@in_virtual_time
async def test_a_caller_that_vanishes_before_its_ack_ends_the_call() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        bob.answer_after = 1.0
        alice.dial(bob.uri)
        await until(lambda: bob.live)

        alice.is_dead = True

        await until(lambda: bob.calls[0].ended_by == "BYE")
        del office.phones["alice"]
        await office.gone()


@pytest.mark.parametrize("answer", [b"", b"nonsense"])
@in_virtual_time
async def test_a_caller_whose_ack_has_no_answer_is_hung_up(answer: bytes) -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        call = alice.dial(bob.uri, offers=False)
        call._describe = lambda offer: answer  # type: ignore[method-assign]  # this phone only

        await until(lambda: call.ended_by == "BYE")
        await until(lambda: bob.calls[0].ended_by == "BYE")
        await office.gone()


@in_virtual_time
async def test_a_bye_of_ours_waits_for_the_callers_ack() -> None:
    async with sip_office("alice", "bob", link=far_away) as office:
        alice, bob = office.phones.values()
        call = alice.dial(bob.uri)
        await until(lambda: bob.calls and bob.call.state == "up")
        await asyncio.sleep(0.051)  # the answer is on its way to alice

        await office.backend.end(office.callid)

        await until(lambda: call.ended_by == "BYE")
        acks = [data for _, data in office.link.carried if data.startswith((b"ACK", b"BYE"))]
        assert acks[-2].startswith(b"ACK")
        assert acks[-1].startswith(b"BYE")
        await office.gone()
