"""A phone transfers its call by REFER."""

import pytest

from call_api.backends.embedded.refer import ReferTo
from call_api.backends.embedded.take_over import Replaces
from call_api.model import LEGS, LegName
from tests.fakes.scripted_call import ScriptedCall
from tests.fakes.sip_messages import make_request
from tests.fakes.sip_office import Office, sip_office, talk
from tests.fakes.virtual_time import in_virtual_time, until

CAROL = "sip:carol@localhost"
TRYING, RINGING, OK = "SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK"


def escaped(replaces: str) -> str:
    return replaces.replace(";", "%3B").replace("=", "%3D")


async def calls(office: Office, who: LegName = "caller") -> tuple[ScriptedCall, ScriptedCall]:
    """A call of alice with bob: the side of the one who refers, and the other one."""
    alice, bob = list(office.phones.values())[:2]
    near = await office.dial(alice, bob)
    return (near, bob.call) if who == "caller" else (bob.call, near)


@pytest.mark.parametrize("who", LEGS)
@in_virtual_time
async def test_the_peer_talks_to_whom_it_was_referred_and_the_phone_is_released(
    who: LegName,
) -> None:
    async with sip_office("alice", "bob", "carol") as office:
        own, other = await calls(office, who)
        carol = office.phones["carol"]

        assert await own.refer(CAROL) == 202

        await until(lambda: own.ended_by == "BYE")
        assert own.notices == [TRYING, RINGING, OK]
        assert talk(other, carol.call)
        await office.end()


@in_virtual_time
async def test_a_refusal_is_told_and_the_call_goes_on() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        own, other = await calls(office)
        office.phones["carol"].refuse_with = (486, ())

        assert await own.refer(CAROL) == 202

        await until(lambda: own.notices == [TRYING, "SIP/2.0 486 Busy Here"])
        assert talk(own, other)
        assert await own.refer(CAROL) == 202
        await own.hang_up()
        await office.gone()


@in_virtual_time
async def test_who_accepts_says_where_it_is() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        own, _ = await calls(office)
        assert own.dialog is not None

        refer = own.dialog.request("REFER", headers=[("Refer-To", f"<{CAROL}>")])
        response = await own.phone.send(refer)

        assert response.status == 202
        assert str(response.contact) == "<sip:127.0.0.1:5060>"  # RFC 3515, section 2.2


@in_virtual_time
async def test_nobody_is_told_as_not_found() -> None:
    async with sip_office("alice", "bob") as office:
        own, other = await calls(office)

        assert await own.refer(CAROL) == 202

        await until(lambda: own.notices == ["SIP/2.0 404 Not Found"])
        assert talk(own, other)


@in_virtual_time
async def test_a_phone_that_does_not_wait_for_the_outcome_is_let_go() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        own, other = await calls(office)
        assert await own.refer(CAROL) == 202

        await own.hang_up()

        await until(
            lambda: office.phones["carol"].live and talk(other, office.phones["carol"].call)
        )
        await office.end()


@pytest.mark.parametrize(
    "refer_to",
    [
        [],
        [("Refer-To", f"<{CAROL}>"), ("Refer-To", f"<{CAROL}>")],
        [("Refer-To", "no address")],
        [("Refer-To", "<tel:123>")],
        [("Refer-To", f"<{CAROL};method=SUBSCRIBE>")],
        [("Refer-To", f"<{CAROL}?Replaces=nonsense>")],
    ],
)
@in_virtual_time
async def test_what_makes_no_sense_is_refused(refer_to: list[tuple[str, str]]) -> None:
    async with sip_office("alice", "bob", "carol") as office:
        own, other = await calls(office)

        assert await own.request("REFER", refer_to) == 400

        assert talk(own, other)


@in_virtual_time
async def test_while_the_call_is_changed_a_refer_has_to_wait() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        own, other = await calls(office)
        office.phones["carol"].answer_after = None
        assert await own.refer(CAROL) == 202

        assert await other.refer(CAROL) == 491

        await own.hang_up()
        await other.hang_up()
        await office.gone()


@in_virtual_time
async def test_a_refer_of_one_whose_callee_rings_has_to_wait() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        own, other = await calls(office)
        assert own.dialog is not None
        leg = office.board.calls.leg(own.callid, own.dialog.remote_tag)
        assert leg is not None
        office.board.calls.detach(leg)

        assert await own.refer(CAROL) == 491

        office.board.calls.seat(office.board.calls.find(own.callid), "caller", leg)
        assert talk(own, other)


@in_virtual_time
async def test_a_refer_outside_of_a_call_is_forbidden() -> None:
    async with sip_office("alice") as office:
        response = await office.phones["alice"].request(
            "REFER", "sip:bob@localhost", [("Refer-To", f"<{CAROL}>")]
        )

        assert response.status == 403


# With Replaces.


@pytest.mark.parametrize("who", LEGS)
@in_virtual_time
async def test_a_phone_joins_the_peers_of_its_two_calls(who: LegName) -> None:
    async with sip_office("alice", "bob", "carol") as office:
        own, other = await calls(office, who)
        carol = office.phones["carol"]
        own.wish = "sendonly"
        await own.reinvite()
        second = own.phone.dial(CAROL)
        await until(lambda: second.state == "up")

        assert await own.refer(f"{CAROL}?Replaces={escaped(second.replaces())}") == 202

        await until(lambda: own.ended_by == second.ended_by == "BYE")
        assert own.notices == [TRYING, OK]
        await until(lambda: talk(other, carol.call))
        await office.end()


@in_virtual_time
async def test_a_dialog_that_nobody_knows_is_told_as_such() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        own, other = await calls(office)
        replaces = escaped("nobody's;to-tag=1;from-tag=2")

        assert await own.refer(f"{CAROL}?Replaces={replaces}") == 202

        await until(lambda: own.notices == ["SIP/2.0 481 Call/Transaction Does Not Exist"])
        assert talk(own, other)


@in_virtual_time
async def test_its_own_call_is_not_joined_with_itself() -> None:
    async with sip_office("alice", "bob", "carol") as office:
        own, other = await calls(office)

        assert await own.refer(f"{CAROL}?Replaces={escaped(own.replaces())}") == 202

        await until(lambda: own.notices == ["SIP/2.0 482 Both Legs Are Of One Call"])
        assert talk(own, other)


def refer_to(value: str) -> ReferTo | None:
    return ReferTo.parse(make_request("REFER", headers=(("Refer-To", value),)))


def test_a_refer_to_is_read_without_what_is_only_for_the_request() -> None:
    parsed = refer_to('"Carol" <sip:carol@localhost;transport=tcp;method=INVITE?Subject=x>')

    assert parsed is not None
    assert str(parsed.uri) == "sip:carol@localhost;transport=tcp"
    assert parsed.replaces is None


def test_a_refer_to_with_replaces_is_unescaped() -> None:
    parsed = refer_to("<sip:carol@localhost?replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>")

    assert parsed is not None
    assert parsed.replaces == Replaces("a@b", "1", "2")
