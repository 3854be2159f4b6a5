"""CallHold, CallUnHold and CallEnd, as they were recorded: what the client must see."""

import asyncio

from tests.fakes.jumping_time import in_jumping_time
from tests.fakes.opensips.manners import Manner
from tests.wire_scenarios.expected import (
    ALICE,
    BOB,
    call_failed,
    ended,
    hold,
    refused,
    start,
    unknown_call,
)
from tests.wire_scenarios.scene import scene

BOTH_HELD = refused(480, "Both dialog legs are on hold")
NONE_HELD = refused(480, "No dialog legs on hold")


@in_jumping_time
async def test_hold_and_unhold_and_each_once_too_often() -> None:
    async with scene("hold_unhold") as play:
        first, again, back, back_again, no_such = range(5)
        order = ["caller start", "caller ok", "callee start", "callee ok"]
        await (await play.ask_again(first)).tells([*hold(*order), ended()])
        await (await play.ask_again(again)).tells(BOTH_HELD)

        order = ["callee start", "caller start", "callee ok", "caller ok"]
        await (await play.ask_again(back)).tells([*hold(*order, verb="Unhold"), ended()])
        await (await play.ask_again(back_again)).tells(NONE_HELD)
        await (await play.ask_again(no_such)).tells(unknown_call("no-such-call"))


@in_jumping_time
async def test_hold_and_unhold_with_a_phone_of_another_make() -> None:
    async with scene("hold_unhold_baresip") as play:
        order = ["caller start", "callee start", "callee ok", "caller ok"]
        await (await play.ask_again(0)).tells([*hold(*order), ended()])
        order = ["callee start", "caller start", "callee ok", "caller ok"]
        await (await play.ask_again(1)).tells([*hold(*order, verb="Unhold"), ended()])


@in_jumping_time
async def test_a_leg_that_refuses_is_named_and_the_state_of_the_other_too() -> None:
    async with scene("hold_rejected_by_one_leg") as play:
        command = await play.ask_again(0)

        told = hold("caller start", "callee start", "caller ok")
        reason = "the callee refused; the caller is on hold"
        await command.tells([*told, *call_failed(488, reason, leg="callee")])

        back = await play.ask_again(1)
        order = ["caller start", "caller ok", "callee start", "callee ok"]
        await back.tells([*hold(*order, verb="Unhold"), ended()])


@in_jumping_time
async def test_one_leg_alone() -> None:
    async with scene("hold_one_leg") as play:
        callid = play.call()
        for leg in ("caller", "callee"):
            for verb in ("Hold", "Unhold"):
                command = await play.ask(f"Call{verb}", callid=callid, leg=leg)
                told = hold(f"{leg} start", f"{leg} ok", verb=verb, legs=[leg])
                await command.tells([*told, ended()])


@in_jumping_time
async def test_both_legs_after_one_alone_was_put_on_hold_by_somebody_else() -> None:
    async with scene("unhold_of_one_leg") as play:
        dialog = play.proxy.switch.dialogs[play.call()]
        dialog.values |= {"call_hold_caller": 8, "call_hold_callee": 4}
        command = await play.ask_again()

        order = ["callee start", "caller start", "callee ok", "caller ok"]
        await command.tells([*hold(*order, verb="Unhold"), ended()])


@in_jumping_time
async def test_a_leg_that_does_not_answer_a_hold() -> None:
    async with scene("refer_never_answered") as play:
        command = await play.ask("CallHold", callid=play.call())

        told = hold("caller start", "callee start", "callee ok")
        reason = "the caller did not answer; the callee is on hold"
        await command.tells([*told, *call_failed(408, reason, leg="caller")])


@in_jumping_time
async def test_two_calls_at_once_do_not_get_each_others_events() -> None:
    async with scene("hold_two_calls_at_once") as play:
        commands = [await play.ask_again(number) for number in range(2)]

        told = hold("caller start", "callee start", "caller ok", "callee ok")
        for command in commands:
            await command.tells([*told, ended()])


@in_jumping_time
async def test_a_hold_while_another_command_waits_for_a_caller() -> None:
    async with scene("hold_while_caller_rings") as play:
        starting = await play.ask_again(0)
        await asyncio.sleep(0.5)
        holding = await play.ask_again(1)

        told = hold("caller start", "callee start", "caller ok", "callee ok")
        await holding.tells([*told, ended()])
        assert starting.frames(play.v2) == [], "its caller rings still"
        assert (await starting.ends())[-1]["event"] == "Ended"


@in_jumping_time
async def test_events_that_come_by_tcp() -> None:
    async with scene("event_stream_tcp", events="tcp:127.0.0.1:0") as play:
        command = await play.ask("CallHold", callid=play.call())

        order = ["caller start", "callee start", "caller ok", "callee ok"]
        await command.tells([*hold(*order), ended()])


@in_jumping_time
async def test_events_go_on_coming_though_subscriptions_expire() -> None:
    async with scene("subscription_expiry") as play:
        callid = play.call()
        for verb in ("Hold", "Unhold", "Hold", "Unhold", "Hold"):
            command = await play.ask(f"Call{verb}", callid=callid)
            told = await command.ends()
            assert {one["event"] for one in told} == {
                *(f"Call{verb}{step}" for step in ("ing", "Start", "Successful")),
                "Ended",
            }
            await play.left(130.0)


@in_jumping_time
async def test_hanging_up_a_call_that_is_up_that_is_over_and_that_never_was() -> None:
    async with scene("call_end") as play:
        await (await play.ask_again(0)).tells([ended()])
        assert await play.left(0.5) == []
        await (await play.ask_again(1)).tells(unknown_call(play.call()))
        await (await play.ask_again(2)).tells(unknown_call("no-such-call"))


@in_jumping_time
async def test_hanging_up_a_call_that_rings() -> None:
    async with scene("call_end_ringing") as play:
        await (await play.ask_again()).tells([ended()])
        assert await play.left(0.5) == []


@in_jumping_time
async def test_a_call_is_hung_up_while_another_is_made() -> None:
    async with scene("end_during_start") as play:
        starting = await play.ask_again(0)
        ending = await play.ask_again(1)

        await ending.tells([ended()])
        await starting.tells(call_failed(404, "Not Found", leg="caller"))


@in_jumping_time
async def test_two_calls_are_made_at_once() -> None:
    async with scene("two_starts_at_once") as play:
        play.proxy.switch.phones["alice"] = Manner()
        commands = [await play.ask_again(number) for number in range(2)]
        parties = [(ALICE, BOB), ("sip:cindy@127.0.0.1", "sip:dave@127.0.0.1")]

        for command, (caller, callee), new in zip(commands, parties, play.made, strict=True):
            await command.tells(start(caller, callee, new, "180 Ringing"))

        assert sorted(await play.left(1.0)) == sorted(play.made)


@in_jumping_time
async def test_answers_come_before_what_they_are_answers_to() -> None:
    async with scene("reply_after_event") as play:
        for number in range(len(play.tape.asked)):
            command = await play.ask_again(number)
            (_, params) = play.tape.asked[number]
            await command.tells(unknown_call(params["callid"]))
        for client in (play.v1, play.v2):
            kinds = ["method" in text for text in client.texts]
            assert kinds[:3] == [False, True, True]
