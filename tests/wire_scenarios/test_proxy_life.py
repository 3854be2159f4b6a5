"""A proxy that goes and comes, clients that go, and long lists, as they were recorded."""

import asyncio
import json

from tests.fakes.jumping_time import in_jumping_time
from tests.fakes.opensips.mi_text import MAX_REPLY, answer
from tests.wire_scenarios.expected import ALICE, BOB, call_failed, ended, hold, start, v2_frames
from tests.wire_scenarios.scene import scene


@in_jumping_time
async def test_a_client_that_leaves_changes_nothing_and_misses_nothing() -> None:
    async with scene("client_leaves_during_start") as play:
        command = await play.ask_again()
        (new,) = play.made
        await command.reaches("CallerAnswered")
        play.v2.leave()
        play.v1.leave()
        await asyncio.sleep(5.0)

        again = play.lab.client("v2")
        attached = await again.result(again.ask("CommandAttach", cmd_id=command.cmd_id))
        assert attached == {"cmd_id": command.cmd_id, "state": "ended", "seq": 6}
        await again.story(command.cmd_id)
        told = start(ALICE, BOB, new, "180 Ringing")
        assert command.frames(again) == v2_frames("CallStart", command.cmd_id, told)
        assert await play.left() == [new]


@in_jumping_time
async def test_a_proxy_that_is_down_ends_every_command_soon() -> None:
    async with scene("proxy_down") as play:
        play.proxy.die()
        for number in range(len(play.tape.asked)):
            command = await play.ask_again(number)
            async with asyncio.timeout(5.0):
                told = await command.ends()
            assert [one["event"] for one in told] == ["Error", "Ended"]
            assert told[0]["error"]["code"] == -32010
            assert told[0]["error"]["name"] == "ProxyUnreachable"
            assert "Connection refused" in told[0]["data"]
        assert play.lab.backend.is_ready() is not None

        play.proxy.revive()
        await asyncio.sleep(6.5)
        assert play.lab.backend.is_ready() is None


@in_jumping_time
async def test_a_proxy_that_is_started_anew_is_subscribed_to_again() -> None:
    async with scene("opensips_restart") as play:
        held = play.proxy.switch.call(ALICE, BOB)
        play.proxy.restart()
        assert play.proxy.switch.subscriptions.alive(asyncio.get_running_loop().time()) == 0
        await asyncio.sleep(6.0)
        assert play.proxy.switch.subscriptions.alive(asyncio.get_running_loop().time()) == 3

        command = await play.ask("CallHold", callid=held.callid)
        await command.ends()
        dialog = play.proxy.switch.call(ALICE, BOB)
        command = await play.ask("CallHold", callid=dialog.callid)
        order = ["caller start", "callee start", "caller ok", "callee ok"]
        await command.tells([*hold(*order), ended()])


@in_jumping_time
async def test_what_runs_while_the_proxy_is_started_anew_is_told_so() -> None:
    async with scene("opensips_restart") as play:
        command = await play.ask("CallStart", caller=ALICE, callee=BOB)
        await command.reaches("TransferPending")
        play.proxy.restart()

        async with asyncio.timeout(10.0):
            told = await command.ends()
        assert told[-2]["error"]["name"] in ("ProxyUnreachable", "CallFailed")
        assert [one["event"] for one in told].count("Ended") == 1


@in_jumping_time
async def test_a_list_of_calls_that_is_too_long_for_one_answer() -> None:
    async with scene("dlg_list_of_many_calls") as play:
        switch = play.proxy.switch
        calls = sorted(switch.call(ALICE, BOB).callid for _ in range(60))
        whole = {"result": [dialog.listed(values=True) for dialog in switch.dialogs.values()]}
        assert not answer(1, whole).startswith(b"{"), "one answer does not hold them"

        listed = await play.v2.result(play.v2.ask("CallList", limit=1000))

        assert sorted(call["callid"] for call in listed["calls"]) == calls
        assert listed["next"] is None
        assert all("counter" in asked for asked in play.proxy.asked_of("dlg_list_ctx", "dlg_list"))


@in_jumping_time
async def test_a_list_is_read_page_by_page() -> None:
    async with scene("dlg_list_of_many_calls") as play:
        calls = sorted(play.proxy.switch.call(ALICE, BOB).callid for _ in range(60))
        found: list[str] = []
        after: dict[str, str] = {}
        while True:
            page = await play.v2.result(play.v2.ask("CallList", limit=7, **after))
            found += [call["callid"] for call in page["calls"]]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert sorted(found) == calls
        assert len(set(found)) == 60


@in_jumping_time
async def test_one_call_as_it_is_listed() -> None:
    async with scene("mi_samples") as play:
        play.proxy.switch.call(ALICE, BOB, "V7JnDJE.rCaxVnQYLfn7iIdJBHOM8PFt")

        for client in (play.v1, play.v2):
            listed = await client.result(client.ask("CallList"))
            assert listed == {
                "calls": [
                    {
                        "callid": "V7JnDJE.rCaxVnQYLfn7iIdJBHOM8PFt",
                        "state": "answered",
                        "caller": ALICE,
                        "callee": BOB,
                        "started": "2026-11-22T23:47:54Z",
                        "held": [],
                    }
                ],
                "next": None,
            }


@in_jumping_time
async def test_never_an_array_to_the_proxy_whatever_clients_send() -> None:
    async with scene("mi_samples") as play:
        batch = [
            {"jsonrpc": "2.0", "id": n, "method": "CallEnd", "params": {"callid": f"c{n}"}}
            for n in range(5)
        ]
        play.v2.send(json.dumps(batch))
        answers = await play.v2.until(lambda text: isinstance(text, list))
        for one in answers:
            await play.v2.story(one["result"]["cmd_id"])

        assert play.proxy.is_alive, "an array kills it"
        assert len(play.proxy.asked_of("dlg_end_dlg")) == 5


def test_the_longest_answer_is_about_61_kb() -> None:
    assert 61_000 < MAX_REPLY < 62_000
    assert call_failed(486, "Busy Here")[0].data == "486 Busy Here"
