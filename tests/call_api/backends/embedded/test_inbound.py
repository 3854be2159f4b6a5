"""What phones send apart from INVITE and REFER."""

import asyncio

import pytest

from call_api.sip.dialog import new_callid, new_request
from tests.fakes.scripted_call import ScriptedCall
from tests.fakes.sip_office import Office, sip_office, talk
from tests.fakes.virtual_time import in_virtual_time, until

ALICE = "sip:alice@localhost"


async def calls(office: Office) -> tuple[ScriptedCall, ScriptedCall]:
    alice, bob = office.phones.values()
    return await office.dial(alice, bob), bob.call


# Outside of dialogs.


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("OPTIONS", 200),
        ("BYE", 481),
        ("NOTIFY", 481),
        ("INFO", 481),
        ("UPDATE", 405),
        ("MESSAGE", 405),
        ("SUBSCRIBE", 405),
        ("NONSENSE", 405),
    ],
)
@in_virtual_time
async def test_each_method_has_its_answer(method: str, status: int) -> None:
    async with sip_office("alice") as office:
        response = await office.phones["alice"].request(method, ALICE)

        assert response.status == status
        if status in (200, 405):
            assert "INVITE" in response.headers.all("Allow")


@in_virtual_time
async def test_an_extension_that_is_required_and_unknown_is_refused() -> None:
    async with sip_office("alice") as office:
        alice = office.phones["alice"]

        response = await alice.request("OPTIONS", ALICE, [("Require", "100rel, replaces")])

        assert response.status == 420
        assert response.headers.all("Unsupported") == ["100rel"]


# Registering.


@in_virtual_time
async def test_a_call_needs_the_password_too() -> None:
    async with sip_office("alice", "bob", users={"alice": "a", "bob": "b"}) as office:
        alice, bob = office.phones.values()

        call = await office.dial(alice, bob)

        assert call.statuses[0] == 401
        await call.hang_up()
        alice.password = "guess"
        refused = alice.dial(bob.uri)
        await until(lambda: refused.ended_by == 401)
        await office.gone()


# In a call.


@pytest.mark.parametrize(
    ("method", "status"), [("OPTIONS", 200), ("NOTIFY", 200), ("UPDATE", 405), ("MESSAGE", 405)]
)
@in_virtual_time
async def test_each_method_in_a_call_has_its_answer(method: str, status: int) -> None:
    async with sip_office("alice", "bob") as office:
        near, far = await calls(office)

        assert await near.request(method) == status
        assert talk(near, far)


@in_virtual_time
async def test_keys_that_are_pressed_are_passed_on() -> None:
    async with sip_office("alice", "bob") as office:
        near, far = await calls(office)

        status = await near.request(
            "INFO", [("Content-Type", "application/dtmf-relay")], b"Signal=5\r\n"
        )

        assert status == 200
        assert far.phone.heard[-1] == "INFO"
        sent = [data for _, data in office.link.carried if data.startswith(b"INFO")]
        assert b"Content-Type: application/dtmf-relay" in sent[-1]
        assert sent[-1].endswith(b"\r\n\r\nSignal=5\r\n")


@in_virtual_time
async def test_keys_that_nobody_hears_are_refused() -> None:
    async with sip_office("alice", "bob") as office:
        near, _ = await calls(office)
        call = office.board.calls.find(near.callid)
        leg = call.legs["callee"]
        office.board.calls.detach(leg)

        assert await near.request("INFO") == 480

        leg.hang_up()


@in_virtual_time
async def test_a_request_of_an_unknown_dialog_is_refused() -> None:
    async with sip_office("alice", "bob") as office:
        near, _ = await calls(office)
        assert near.dialog is not None
        strangers = [
            (near.callid, "<sip:x@localhost>;tag=other", near.dialog.remote),
            (near.callid, near.dialog.local, f"{near.dialog.remote}x"),
            (new_callid(), near.dialog.local, near.dialog.remote),
        ]
        for callid, from_, to in strangers:
            request = new_request("BYE", ALICE, from_=from_, to=to, callid=callid, cseq=9)
            assert (await near.phone.send(request)).status == 481

        assert near.callid in office.callids


@in_virtual_time
async def test_a_request_that_comes_too_late_is_refused() -> None:
    async with sip_office("alice", "bob") as office:
        near, _ = await calls(office)
        assert near.dialog is not None
        late = near.dialog.request("OPTIONS")
        assert await near.request("OPTIONS") == 200

        assert (await near.phone.send(late)).status == 500


@in_virtual_time
async def test_byes_that_cross_are_both_answered() -> None:
    async with sip_office("alice", "bob") as office:
        near, far = await calls(office)
        far.phone.is_dead = True
        await near.hang_up()
        await asyncio.sleep(0.1)
        assert not office.callids

        far.phone.is_dead = False
        assert await far.hang_up() == 200

        await office.gone()


@in_virtual_time
async def test_what_comes_after_our_bye_is_refused() -> None:
    async with sip_office("alice", "bob") as office:
        near, far = await calls(office)
        far.phone.is_dead = True
        await near.hang_up()
        await asyncio.sleep(0.1)
        far.phone.is_dead = False

        assert await far.request("OPTIONS") == 481

        await office.gone()


@in_virtual_time
async def test_the_caller_may_hang_up_instead_of_taking_its_call_back() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        bob.answer_after = None
        call = alice.dial(bob.uri)
        await until(lambda: bob.live)
        leg = office.board.calls.find(call.callid).legs["caller"]
        assert leg.dialog is not None
        bye = new_request(
            "BYE",
            leg.dialog.contact.strip("<>"),
            from_=leg.dialog.remote,
            to=leg.dialog.local,
            callid=call.callid,
            cseq=2,
        )

        assert (await alice.send(bye)).status == 200

        await until(lambda: call.ended_by == 487)
        await until(lambda: bob.calls[0].ended_by == "CANCEL")
        await office.gone()


# Phones that vanish, and come back.


@in_virtual_time
async def test_a_phone_that_vanishes_from_a_call_is_found_and_the_other_one_released() -> None:
    async with sip_office("alice", "bob") as office:
        near, far = await calls(office)
        await asyncio.sleep(200.0)
        assert talk(near, far)

        far.phone.is_dead = True

        await until(lambda: near.ended_by == "BYE", within=200.0)
        far.phone.calls.clear()
        await office.gone()


@in_virtual_time
async def test_a_phone_that_forgot_the_call_is_found() -> None:
    async with sip_office("alice", "bob") as office:
        near, far = await calls(office)

        far.phone.calls.clear()

        await until(lambda: near.ended_by == "BYE", within=200.0)
        await office.gone()


@in_virtual_time
async def test_a_call_goes_on_over_the_connection_with_which_a_phone_is_back() -> None:
    async with sip_office("alice") as office:
        alice = office.phones["alice"]
        bob = await office.phone("bob", transport="TCP")
        near = await office.dial(alice, bob)
        far = bob.call

        office.disconnect(bob)
        assert not office.exchange.registrar.contacts("bob")
        assert await bob.register() == 200

        near.wish = "sendonly"
        assert await near.reinvite() == 200
        assert far.local == "recvonly"
        await near.hang_up()
        await office.gone()


@in_virtual_time
async def test_a_call_ends_when_a_phone_loses_its_connection_and_does_not_come_back() -> None:
    async with sip_office("alice") as office:
        bob = await office.phone("bob", transport="TCP")
        near = await office.dial(office.phones["alice"], bob)

        office.disconnect(bob)
        bob.calls.clear()

        await until(lambda: near.ended_by == "BYE", within=200.0)
        await office.gone()


@in_virtual_time
async def test_a_connection_that_is_lost_fails_what_waits_for_an_answer_on_it() -> None:
    async with sip_office("alice") as office:
        alice = office.phones["alice"]
        bob = await office.phone("bob", transport="TCP")
        bob.answer_after = None
        call = alice.dial(bob.uri)
        await until(lambda: bob.live)

        office.disconnect(bob)

        await until(lambda: call.ended_by == 503)
        bob.calls.clear()


@in_virtual_time
async def test_who_hangs_up_before_it_got_the_answer_to_its_reinvite_gets_it_all_the_same() -> None:
    async with sip_office("alice", "bob") as office:
        near, _ = await calls(office)
        changing = asyncio.get_running_loop().create_task(near.reinvite())
        await asyncio.sleep(0.0025)  # we have passed it on, and the peer has answered
        office.link.loss = 1.0  # our answer gets lost
        await asyncio.sleep(0.001)
        office.link.loss = 0.0

        assert await near.hang_up() == 200

        async with asyncio.timeout(40.0):
            assert await changing in (200, 487)
        await office.gone()
