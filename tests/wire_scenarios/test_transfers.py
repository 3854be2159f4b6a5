"""CallBlindTransfer and CallAttendedTransfer, as they were recorded: what the client must see."""

import pytest

from tests.fakes.jumping_time import in_jumping_time
from tests.wire_scenarios.expected import (
    ALICE,
    BOB,
    CINDY,
    DAVE,
    call_failed,
    join,
    transfer,
    unknown_call,
)
from tests.wire_scenarios.scene import scene

REFUSED = "the phone refused the REFER"
UNANSWERED = "the phone did not answer the REFER"
IDLE = "the phone accepted the REFER but called nobody"


@pytest.mark.parametrize(
    ("name", "pending"),
    [
        ("blind_transfer_callee", ["180 Ringing"]),
        ("blind_transfer_caller", ["180 Ringing"]),
        ("blind_transfer_baresip", []),
    ],
)
@in_jumping_time
async def test_a_blind_transfer(name: str, pending: list[str]) -> None:
    async with scene(name) as play:
        command = await play.ask_again()
        (new,) = play.made

        await command.tells(transfer(CINDY, new, *pending))

        assert await play.left(1.0) == [new]


@pytest.mark.parametrize(
    ("name", "pending", "status", "reason"),
    [
        ("blind_transfer_busy", [], 486, "Busy Here"),
        ("blind_transfer_no_answer", ["180 Ringing"], 408, "Request Timeout"),
        ("blind_transfer_unregistered_destination", [], 404, "Not Found"),
        ("transfer_again_after_failure", [], 486, "Busy Here"),
        ("subscription_lost_after_120s", [], 486, "Busy Here"),
    ],
)
@in_jumping_time
async def test_a_destination_that_cannot_be_had_leaves_the_call_as_it_was(
    name: str, pending: list[str], status: int, reason: str
) -> None:
    async with scene(name) as play:
        old, (new, *_) = play.call(), play.made
        command = await play.ask("CallBlindTransfer", callid=old, leg="callee", destination=CINDY)

        told = transfer(CINDY, new, *pending, ok=False)
        await command.tells([*told, *call_failed(status, reason)])

        assert old in await play.left()


@pytest.mark.parametrize(
    ("name", "leg"),
    [
        ("blind_transfer_refer_rejected", "callee"),
        ("refer_rejected_how_to_see_it", "caller"),
        ("refer_rejected_script_event", "caller"),
    ],
)
@in_jumping_time
async def test_a_refused_refer_is_told_though_no_event_is_raised(name: str, leg: str) -> None:
    async with scene(name) as play:
        old = play.call()
        command = await play.ask("CallBlindTransfer", callid=old, leg=leg, destination=CINDY)

        told = transfer(CINDY, "", ok=False)
        await command.tells([*told, *call_failed(603, REFUSED)])

        assert await play.left() == [old]


@in_jumping_time
async def test_the_scripts_own_event_gives_the_phones_reason() -> None:
    async with scene("refer_rejected_script_event", script_event=True) as play:
        old = play.call()
        command = await play.ask("CallBlindTransfer", callid=old, leg="caller", destination=CINDY)

        told = transfer(CINDY, "", ok=False)
        await command.tells([*told, *call_failed(603, "Decline")])


@in_jumping_time
async def test_a_refer_that_is_never_answered_ends_when_the_proxy_gives_it_up() -> None:
    async with scene("refer_never_answered") as play:
        old = play.call()
        command = await play.ask("CallBlindTransfer", callid=old, leg="caller", destination=CINDY)

        told = transfer(CINDY, "", ok=False)
        await command.tells([*told, *call_failed(408, UNANSWERED)])


@pytest.mark.parametrize(
    "name", ["blind_transfer_busy", "blind_transfer_refer_rejected", "transfer_again_after_failure"]
)
@in_jumping_time
async def test_a_call_whose_transfer_failed_can_be_transferred_again(name: str) -> None:
    async with scene(name) as play:
        old = play.call()
        params = {"callid": old, "leg": "callee", "destination": CINDY}
        first = await play.ask("CallBlindTransfer", **params)
        assert (await first.ends())[-2]["event"] == "Error"

        second = await play.ask("CallBlindTransfer", **params)

        told = await second.ends()
        new = told[-1]["data"]["callid"]
        await second.tells(transfer(CINDY, new, "180 Ringing"))
        assert await play.left(1.0) == [new]


@in_jumping_time
async def test_a_call_that_is_not_there_and_legs_that_are_none() -> None:
    async with scene("blind_transfer_errors") as play:
        (_, no_such), (method, nobody), (_, both) = play.tape.asked
        command = await play.ask(method, **no_such)
        await command.tells(unknown_call("no-such-call"))

        for params in (nobody, both):
            error = await play.v2.error(play.v2.ask(method, **params))
            assert (error["code"], error["data"]["param"]) == (-32602, "leg")


@in_jumping_time
async def test_callops_that_match_by_call_id() -> None:
    async with scene("blind_transfer_mode_callid") as play:
        old, (new, *_) = play.call(), play.made
        command = await play.ask("CallBlindTransfer", callid=old, leg="callee", destination=CINDY)
        await command.tells(transfer(CINDY, new, "180 Ringing"))

        # With an @ in the Call-ID no event comes; ours have none.
        command = await play.ask("CallStart", caller=ALICE, callee=BOB)
        told = await command.ends()
        assert told[-1]["event"] == "Ended"
        assert "@" not in play.proxy.asked_of("t_uac_dlg")[0]["headers"].split("Call-ID")[1][:40]


@in_jumping_time
async def test_callops_that_raise_no_events_do_not_make_a_command_hang() -> None:
    async with scene("blind_transfer_mode_manual") as play:
        old = play.call()
        command = await play.ask("CallBlindTransfer", callid=old, leg="callee", destination=CINDY)

        told = transfer(CINDY, "", ok=False)
        await command.tells([*told, *call_failed(408, IDLE)])


JOINS = {
    "attended_transfer": ("caller", "callee", DAVE),
    "attended_transfer_callee_to_caller": ("callee", "caller", CINDY),
    "attended_transfer_consultation": ("caller", "callee", CINDY),
}


@pytest.mark.parametrize("name", JOINS)
@in_jumping_time
async def test_an_attended_transfer(name: str) -> None:
    async with scene(name) as play:
        command = await play.ask_again()
        (new,) = play.made
        to = JOINS[name][2]

        await command.tells(join(to, new))

        assert await play.left() == [new], "both calls from before are over"


@in_jumping_time
async def test_the_destination_of_an_attended_transfer_is_passed_on() -> None:
    async with scene("attended_transfer") as play:
        (_, params), *_ = play.tape.asked
        command = await play.ask("CallAttendedTransfer", **params, destination="sip:dave@home")
        (new,) = play.made

        await command.tells(join("sip:dave@home", new))

        asked = play.proxy.asked_of("call_transfer")[0]["destination"]
        assert asked.partition(";osid=")[0] == "sip:dave@home"


@in_jumping_time
async def test_calls_that_are_not_there_cannot_be_joined() -> None:
    async with scene("attended_transfer_errors") as play:
        for number in range(len(play.tape.asked)):
            command = await play.ask_again(number)
            await command.tells(unknown_call("no-such"))


@in_jumping_time
async def test_a_refused_refer_ends_an_attended_transfer_too() -> None:
    async with scene("attended_transfer_refer_rejected") as play:
        command = await play.ask_again()

        told = join("", "", ok=False)
        await command.tells([*told, *call_failed(603, REFUSED)])

        assert await play.left() == [play.call(0), play.call(1)]


@in_jumping_time
async def test_tags_are_not_needed_to_join_calls() -> None:
    async with scene("attended_by_tags") as play:
        play.tape.acts.clear()  # they were refused
        command = await play.ask(
            "CallAttendedTransfer",
            callid_a=play.call(0),
            leg_a="caller",
            callid_b=play.call(1),
            leg_b="callee",
        )
        told = await command.ends()
        new = told[-1]["data"]["callid"]

        await command.tells(join(DAVE, new))

        asked = play.proxy.asked_of("call_transfer")
        assert not {"transfer_fromtag", "transfer_totag"} & {name for one in asked for name in one}


@in_jumping_time
async def test_a_transfer_is_told_also_two_minutes_after_the_last_one() -> None:
    async with scene("subscription_lost_after_120s") as play:
        first = await play.ask_again(0)
        await first.ends()
        await play.left(122.0)
        play.tape.acts.clear()  # what was recorded lacks the events that were lost then

        second = await play.ask_again(1)

        told = await second.ends()
        new = told[-1]["data"]["callid"]
        await second.tells(transfer(ALICE, new, "180 Ringing"))


@in_jumping_time
async def test_the_first_command_to_end_does_not_silence_the_other() -> None:
    async with scene("first_to_end_unsubscribes_the_other") as play:
        slow = await play.ask_again(0)
        fast = await play.ask_again(1)
        slow_new, fast_new = play.made
        gina = "sip:gina@127.0.0.1"

        await fast.tells(transfer(CINDY, fast_new, "180 Ringing"))
        told = transfer(gina, slow_new, "180 Ringing", ok=False)
        await slow.reaches("TransferPending")
        play.proxy.switch.hang_up(slow_new)
        await slow.tells([*told, *call_failed(480, "the new call has ended")])
