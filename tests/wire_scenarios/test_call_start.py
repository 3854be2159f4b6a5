"""CallStart, as it was recorded: what the client must see, and what must be left."""

import asyncio

import pytest

from tests.fakes.jumping_time import in_jumping_time
from tests.fakes.opensips.manners import Manner
from tests.wire_scenarios.expected import ALICE, BOB, DAVE, call_failed, failed, start
from tests.wire_scenarios.scene import scene

NO_DIALOG = (
    "the call is not a dialog of the proxy: sip.uri must be where it takes SIP requests, and its "
    "configuration must make a dialog for the INVITE that comes back to it"
)


@pytest.mark.parametrize("name", ["call_start", "call_start_cmd_id"])
@in_jumping_time
async def test_both_answer(name: str) -> None:
    async with scene(name) as play:
        command = await play.ask_again()
        (new,) = play.made

        await command.tells(start(ALICE, BOB, new, "180 Ringing"))

        assert await play.left(1.0) == [new]


@in_jumping_time
async def test_the_clients_own_cmd_id_names_the_command() -> None:
    async with scene("call_start_cmd_id") as play:
        assert (await play.ask_again()).cmd_id == "my-own-id-1"


@in_jumping_time
async def test_uris_with_the_port_of_the_proxy_are_as_good() -> None:
    async with scene("call_start_no_next_hop") as play:
        command = await play.ask_again()
        (new,) = play.made

        await command.tells(start(f"{ALICE}:5060", f"{BOB}:5060", new, "180 Ringing"))


@in_jumping_time
async def test_a_caller_that_hangs_up_its_first_leg_by_itself() -> None:
    async with scene("call_start_baresip_caller") as play:
        command = await play.ask_again()
        (new,) = play.made

        await command.tells(start(DAVE, BOB, new))

        assert await play.left(1.0) == [new]


@in_jumping_time
async def test_a_busy_callee() -> None:
    async with scene("call_start_callee_busy") as play:
        command = await play.ask_again()
        (new,) = play.made

        told = start(ALICE, BOB, new, ok=False)
        await command.tells([*told, *call_failed(486, "Busy Here", leg="callee")])

        assert await play.left() == []


@in_jumping_time
async def test_a_callee_that_does_not_answer_until_the_proxy_cancels_it() -> None:
    async with scene("call_start_callee_no_answer") as play:
        command = await play.ask_again()
        (new,) = play.made

        told = start(ALICE, BOB, new, "180 Ringing", ok=False)
        await command.tells([*told, *call_failed(487, "Request Terminated")])

        assert await play.left() == []


@in_jumping_time
async def test_an_absent_callee_is_told_by_its_true_status() -> None:
    async with scene("call_start_callee_unregistered") as play:
        command = await play.ask_again()
        (new,) = play.made

        told = start(ALICE, BOB, new, ok=False)
        await command.tells([*told, *call_failed(404, "Not Found", leg="callee")])

        assert await play.left() == []


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("call_start_caller_busy", 486, "Busy Here"),
        ("call_start_caller_no_answer", 408, "Request Timeout"),
        ("call_start_caller_unregistered", 404, "Not Found"),
    ],
)
@in_jumping_time
async def test_a_caller_that_cannot_be_had(name: str, status: int, reason: str) -> None:
    async with scene(name) as play:
        command = await play.ask_again()

        await command.tells(call_failed(status, reason, leg="caller"))

        assert await play.left() == []
        assert play.proxy.asked_of("call_transfer") == []


@in_jumping_time
async def test_a_refer_that_is_refused_is_no_secret() -> None:
    async with scene("call_start_refer_rejected") as play:
        play.proxy.switch.phones["alice"] = Manner(refers=603)
        command = await play.ask_again()

        told = start(ALICE, BOB, "", ok=False)
        await command.tells([*told, *call_failed(603, "Decline", leg="caller")])

        assert await play.left() == []


@in_jumping_time
async def test_bad_parameters_are_refused_before_anything_is_sent() -> None:
    async with scene("call_start_bad_uri") as play:
        before = len(play.proxy.asked)
        (_, params), *_ = play.tape.asked
        error = await play.v2.error(play.v2.ask("CallStart", **params))
        assert (error["code"], error["data"]["param"]) == (-32602, "caller")
        assert len(play.proxy.asked) == before


@in_jumping_time
async def test_what_is_no_command_is_answered_as_json_rpc_has_it() -> None:
    async with scene("call_start_missing_param") as play:
        errors = []
        for method, params in play.tape.asked:
            if isinstance(params, dict):
                errors.append(await play.v2.error(play.v2.ask(method, **params)))
        assert [error["code"] for error in errors] == [-32602, -32602, -32601]
        assert errors[0]["data"]["param"] == "callee"
        assert errors[1]["data"]["param"] == "callee"

        play.v2.send('{"jsonrpc":"2.0","id":9,"method":"CallEnd","params":["x"]}')
        assert (await play.v2.error(9))["code"] == -32602
        play.v2.send("this is not json")
        assert (await play.v2.error(None))["code"] == -32700


@in_jumping_time
async def test_the_caller_hangs_up_while_the_callee_rings() -> None:
    async with scene("caller_hangs_up_before_the_callee_answers") as play:
        command = await play.ask_again()
        (new,) = play.made

        told = start(ALICE, BOB, new, "180 Ringing", ok=False)
        await command.tells([*told, *call_failed(487, "Request Terminated")])

        assert await play.left() == []


@in_jumping_time
async def test_the_caller_hangs_up_at_once() -> None:
    async with scene("state_event_before_reply") as play:
        command = await play.ask("CallStart", caller=ALICE, callee=BOB)

        told = start(ALICE, BOB, "", ok=False)[:1]
        await command.tells([*told, *call_failed(487, "the caller hung up", leg="caller")])

        assert await play.left() == []


@in_jumping_time
async def test_an_invite_that_does_not_come_back_to_the_proxy_is_hung_up_again() -> None:
    async with scene("invite_past_the_proxy") as play:
        command = await play.ask("CallStart", caller=ALICE, callee=BOB)

        words = f"the SIP proxy refused: 404 {NO_DIALOG}"
        told = failed(-32011, "ProxyRefused", words, status=404, reason=NO_DIALOG)
        await command.tells([*start(ALICE, BOB, "", ok=False)[:1], *told])

        byes = [one for one in play.proxy.asked_of("t_uac_dlg") if one["method"] == "BYE"]
        assert [bye["ruri"] for bye in byes] == ["sip:alice@127.0.0.1:5071;ob"]


@in_jumping_time
async def test_cancelling_while_the_caller_rings() -> None:
    async with scene("cancel_of_a_ringing_start") as play:
        play.proxy.switch.phones["alice"] = Manner(answers="")
        for _ in range(2):
            command = await play.ask("CallStart", caller=ALICE, callee=BOB)
            await asyncio.sleep(1.0)
            asked = play.v2.ask("CommandCancel", cmd_id=command.cmd_id)
            cancelled = await play.v2.result(asked)
            assert cancelled == {"cmd_id": command.cmd_id, "state": "cancelling"}

            await command.tells(failed(-32022, "CommandCancelled", "cancelled"))
            assert await play.left(1.0) == []


TRIES = [
    "no_sleep",
    "retry_until_accepted",
    "wait_for_state_4",
    "wait_for_state_4_and_20ms",
    "end_of_initial_dialog_by_bye_with_route",
    "end_of_initial_dialog_by_dlg_end_dlg",
]


@pytest.mark.parametrize("name", TRIES)
@in_jumping_time
async def test_the_caller_is_referred_as_soon_as_that_does_no_harm(name: str) -> None:
    async with scene(name) as play:
        play.proxy.switch.phones["bob"] = Manner()
        tries = sum(act["method"] == "t_uac_dlg" for act in play.tape.acts)
        for _ in range(tries):
            command = await play.ask("CallStart", caller=ALICE, callee=BOB)

            told = await command.ends()
            new = told[-1]["data"]["callid"]
            await command.tells(start(ALICE, BOB, new, "180 Ringing"))
        assert tries >= 1
        await asyncio.sleep(1.0)
        firsts = {one["callid"] for one in play.proxy.asked_of("call_transfer")}
        assert firsts.isdisjoint(dialog.callid for dialog in play.proxy.switch.live)


BARESIP = ["baresip_gives_up_the_first_leg", "baresip_with_notify_100_answered_by_the_script"]


@pytest.mark.parametrize("name", BARESIP)
@in_jumping_time
async def test_a_phone_that_gives_up_its_first_leg_still_makes_the_call(name: str) -> None:
    async with scene(name) as play:
        tries = sum(act["method"] == "t_uac_dlg" for act in play.tape.acts)
        for number in range(tries):
            command = await play.ask("CallStart", caller=DAVE, callee=BOB)
            told = await command.ends()
            new = play.made[number]
            pending = [one["data"]["extra"] for one in told if one["event"] == "TransferPending"]
            await command.tells(start(DAVE, BOB, new, *pending))


@in_jumping_time
async def test_from_and_to_of_the_first_invite_suit_every_phone() -> None:
    async with scene("from_and_to_of_the_initial_invite") as play:
        acts = [act for act in play.tape.acts if act["method"] == "t_uac_dlg"]
        for act in acts:
            caller = act["params"]["ruri"]
            command = await play.ask("CallStart", caller=caller, callee=BOB)
            told = await command.ends()
            assert [told[0]["event"], told[-2]["event"]] == ["CallerAnswered", "CalleeAnswered"]

        for asked in play.proxy.asked_of("t_uac_dlg"):
            assert f"From: <{BOB}>" in asked["headers"]
            assert f"To: <{asked['ruri']}>" in asked["headers"]
