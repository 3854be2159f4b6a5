"""CallStart: who does not answer, who goes away, and what can be done meanwhile."""

import asyncio
import uuid

import pytest

from tests.live.calls import start, talk
from tests.live.client import Client, Command, connected
from tests.live.conftest import MakePhone
from tests.live.daemon import Daemon
from tests.live.phones import Phone

NOBODY = "sip:nobody@localhost"


async def begin(client: Client, caller: str, callee: str, **more: object) -> Command:
    return await client.begin("CallStart", {"caller": caller, "callee": callee, **more})


def names(command: Command) -> list[str]:
    told = [frame["params"]["event"] for frame in command.frames]
    return [name for name in told if name != "TransferPending"]


async def last_status(phone: Phone) -> int:
    """Wait until the phone's one call is over; return its last SIP status."""
    ending = await phone.until(lambda state: None if state.calls else state.endings)
    assert len(ending) == 1
    return ending[0].status


@pytest.mark.parametrize(("caller", "callee"), [("tina", "tom"), ("tina", "bob"), ("alice", "tom")])
async def test_phones_talk_over_tcp_and_over_both(
    v2: Client, phones: dict[str, Phone], caller: str, callee: str
) -> None:
    callid = await start(v2, phones[caller], phones[callee])

    await talk(phones[caller], phones[callee])
    for method in ("CallHold", "CallUnhold"):
        assert await v2.run(method, {"callid": callid})
    await talk(phones[caller], phones[callee])
    await v2.run("CallEnd", {"callid": callid})
    await phones[caller].idle()
    await phones[callee].idle()


@pytest.mark.parametrize(("status", "reason"), [(486, "Busy Here"), (603, "Decline")])
async def test_a_caller_that_refuses_fails_it_and_the_callee_never_rings(
    client: Client, alice: Phone, bob: Phone, status: int, reason: str
) -> None:
    await alice.behave(answer=status)

    command = await begin(client, alice.uri, bob.uri)

    error = await command.error()
    assert (error["name"], error["status"], error["reason"]) == ("CallFailed", status, reason)
    assert (await bob.state()).endings == []


@pytest.mark.parametrize(("status", "reason"), [(486, "Busy Here"), (603, "Decline")])
async def test_a_callee_that_refuses_releases_the_caller(
    client: Client, alice: Phone, bob: Phone, status: int, reason: str
) -> None:
    await bob.behave(answer=status)

    command = await begin(client, alice.uri, bob.uri)

    error = await command.error()
    assert (error["name"], error["status"], error["reason"]) == ("CallFailed", status, reason)
    await alice.idle()


async def test_a_caller_that_is_not_registered_is_told_as_such(v2: Client, bob: Phone) -> None:
    command = await begin(v2, NOBODY, bob.uri)

    error = await command.error()
    assert (error["name"], error["status"]) in {("CallFailed", 404), ("CallFailed", 480)}
    assert names(command) == ["Error", "Ended"]
    assert (await bob.state()).endings == []


async def test_a_callee_that_is_not_registered_releases_the_caller(
    v2: Client, alice: Phone
) -> None:
    command = await begin(v2, alice.uri, NOBODY)

    error = await command.error()
    assert (error["name"], error["status"]) in {("CallFailed", 404), ("CallFailed", 480)}
    await alice.idle()


async def test_a_caller_that_never_answers_is_given_up_and_cancelled(
    client: Client, alice: Phone, bob: Phone
) -> None:
    await alice.behave(answer=0)

    command = await begin(client, alice.uri, bob.uri)

    assert (await command.error())["status"] == 408
    assert await last_status(alice) == 487
    assert (await bob.state()).endings == []


async def test_a_callee_that_never_answers_is_given_up_and_the_caller_released(
    client: Client, alice: Phone, bob: Phone
) -> None:
    await bob.behave(answer=0)

    command = await begin(client, alice.uri, bob.uri)

    assert (await command.error())["status"] == 408
    assert await last_status(bob) == 487
    await alice.idle()


async def test_the_caller_is_acknowledged_and_on_hold_while_the_callee_rings(
    v2: Client, alice: Phone, bob: Phone
) -> None:
    """Without its ACK the caller would give up after 32 s, however long the callee may ring."""
    await bob.behave(answer=0)
    command = await begin(v2, alice.uri, bob.uri)
    ringing = await bob.ringing()

    waiting = await alice.in_call()
    await bob.ask("answer", callid=ringing.callid, status=200)

    assert waiting.direction == "inactive"
    await command.end()
    await talk(alice, bob)


async def test_a_caller_that_hangs_up_while_the_callee_rings_ends_it(
    client: Client, alice: Phone, bob: Phone
) -> None:
    await bob.behave(answer=0)
    command = await begin(client, alice.uri, bob.uri)
    await bob.ringing()

    await alice.ask("hangup_all")

    assert (await command.error())["name"] == "CallFailed"
    assert await last_status(bob) == 487


async def test_a_callee_that_refuses_after_ringing_fails_it(
    client: Client, alice: Phone, bob: Phone
) -> None:
    await bob.behave(answer=0)
    command = await begin(client, alice.uri, bob.uri)
    ringing = await bob.ringing()

    await bob.ask("answer", callid=ringing.callid, status=603)

    assert (await command.error())["status"] == 603
    await alice.idle()


async def test_a_cancelled_start_stops_the_caller_ringing(
    client: Client, alice: Phone, bob: Phone
) -> None:
    await alice.behave(answer=0)
    command = await begin(client, alice.uri, bob.uri)
    await alice.ringing()

    answer = await client.result("CommandCancel", {"cmd_id": command.cmd_id})

    assert answer == {"cmd_id": command.cmd_id, "state": "cancelling"}
    assert (await command.error())["name"] == "CommandCancelled"
    assert await last_status(alice) == 487
    assert (await bob.state()).endings == []


async def test_a_cancelled_start_stops_the_callee_ringing_and_releases_the_caller(
    client: Client, alice: Phone, bob: Phone
) -> None:
    await bob.behave(answer=0)
    command = await begin(client, alice.uri, bob.uri)
    await bob.ringing()

    await client.result("CommandCancel", {"cmd_id": command.cmd_id})

    assert (await command.error())["code"] == -32022
    assert await last_status(bob) == 487
    await alice.idle()


@pytest.mark.parametrize("event", ["CallerAnswered", "TransferStart", "TransferPending"])
async def test_a_start_cancelled_at_any_event_leaves_nobody_in_a_call(
    v2: Client, alice: Phone, bob: Phone, event: str
) -> None:
    command = await begin(v2, alice.uri, bob.uri)
    await command.event(event)

    answer = await v2.result("CommandCancel", {"cmd_id": command.cmd_id})

    await command.end()
    if answer["state"] == "cancelling" and "Error" in names(command):
        await alice.idle()
        await bob.idle()
    else:  # bob was faster
        await talk(alice, bob)


@pytest.mark.parametrize("wait", [0.0, 0.001, 0.005, 0.02, 0.05, 0.1, 0.12, 0.15, 0.2])
async def test_a_start_cancelled_at_any_time_ends_and_leaves_all_or_nothing(
    v2: Client, alice: Phone, bob: Phone, wait: float
) -> None:
    command = await begin(v2, alice.uri, bob.uri)
    await asyncio.sleep(wait)

    await v2.result("CommandCancel", {"cmd_id": command.cmd_id})

    await command.end()
    if "Error" in names(command):
        assert (await command.error())["name"] == "CommandCancelled"
        await alice.idle()
        await bob.idle()
    else:
        await talk(alice, bob)


async def test_the_ceiling_of_a_command_ends_it_in_time(
    client: Client, alice: Phone, bob: Phone
) -> None:
    await bob.behave(answer=0)

    command = await begin(client, alice.uri, bob.uri, timeout=0.7)

    error = await command.error()
    assert (error["code"], error["name"], error["timeout"]) == (-32021, "CommandTimeout", 0.7)
    assert await last_status(bob) == 487
    await alice.idle()


async def test_a_retry_with_its_cmd_id_starts_no_second_call(
    client: Client, alice: Phone, bob: Phone
) -> None:
    order = {"caller": alice.uri, "callee": bob.uri, "cmd_id": f"again {uuid.uuid4()}"}
    first = await client.begin("CallStart", order)

    again = await client.result("CallStart", order)
    await first.end()
    late = await client.result("CallStart", {**order, "timeout": 9})

    assert again == late == {"cmd_id": first.cmd_id, "status": "Started", "event": "Started"}
    assert len((await alice.state()).calls) == len((await bob.state()).calls) == 1
    other = {**order, "caller": bob.uri, "callee": alice.uri}
    assert (await client.answer("CallStart", other))["error"]["code"] == -32004


async def test_a_client_that_leaves_changes_nothing_and_another_one_sees_it_all(
    daemon: Daemon, v2: Client, alice: Phone, bob: Phone
) -> None:
    async with connected(daemon.url, "v2") as leaving:
        command = await begin(leaving, alice.uri, bob.uri)
        await command.event("CallerAnswered")

    attached = await v2.attach(command.cmd_id)

    await attached.end()
    assert names(attached) == [
        "CallerAnswered",
        "Transferring",
        "TransferStart",
        "CalleeAnswered",
        "Ended",
    ]
    await talk(alice, bob)


async def test_a_phone_that_is_dead_does_not_hang_the_command(
    v2: Client, alice: Phone, bob: Phone
) -> None:
    bob.freeze()
    try:
        command = await begin(v2, alice.uri, bob.uri)
        error = await command.error()
    finally:
        bob.thaw()

    assert (error["name"], error["status"]) == ("CallFailed", 408)
    await alice.idle()


async def test_all_phones_of_a_user_ring_and_the_first_answer_wins(
    v2: Client, alice: Phone, bob: Phone, one_more: MakePhone
) -> None:
    await bob.behave(answer=0)
    other = await one_more("bob", behaviour={"after": 0.3})

    await start(v2, alice, other)

    assert await last_status(bob) == 487
    await talk(alice, other)


async def test_a_busy_phone_of_a_user_leaves_the_others_ringing(
    v2: Client, alice: Phone, bob: Phone, one_more: MakePhone
) -> None:
    await bob.behave(answer=486)
    other = await one_more("bob", behaviour={"after": 0.5})

    await start(v2, alice, other)

    await talk(alice, other)


async def test_phones_without_a_common_codec_are_not_joined(
    client: Client, alice: Phone, one_more: MakePhone
) -> None:
    gina = await one_more("gina", codec="GSM")

    command = await begin(client, alice.uri, gina.uri)

    assert (await command.error())["status"] == 488
    await alice.idle()
    await gina.idle()
