"""CallWatch: every change of a call is told, whoever made it."""

import itertools

from tests.live.calls import start
from tests.live.client import Client
from tests.live.phones import Phone


async def told_until(client: Client, last: str) -> list[str]:
    """Wait for a change; return the changes told so far."""
    await client.until(lambda frame: frame.get("params", {}).get("event") == last)
    return [
        frame["params"]["event"] for frame in client.frames if frame.get("method") == "CallEvent"
    ]


async def test_the_changes_by_commands_are_told_in_both_dialects_alike(
    client: Client, v2: Client, alice: Phone, bob: Phone, carol: Phone
) -> None:
    assert await client.result("CallWatch") == {"callid": None}
    callid = await start(v2, alice, bob)
    for method in ("CallHold", "CallUnhold"):
        await v2.run(method, {"callid": callid})
    params = {"callid": callid, "leg": "caller", "destination": carol.uri}
    frames = await v2.run("CallBlindTransfer", params)
    await v2.run("CallEnd", {"callid": frames[-1]["params"]["data"]["callid"]})

    told = [change for change, _ in itertools.groupby(await told_until(client, "ended"))]

    assert [change for change in told if change != "ringing"] == [
        "created",
        "answered",
        "held",
        "resumed",
        "transferred",
        "ended",
    ]
    assert "ringing" in told


async def test_a_call_that_phones_make_is_told_member_by_member(
    v2: Client, alice: Phone, bob: Phone
) -> None:
    await v2.result("CallWatch")

    callid = await alice.ask("call", to=bob.uri)
    answered = await v2.until(lambda frame: frame.get("params", {}).get("event") == "answered")
    (listed,) = (await v2.result("CallList"))["calls"]
    await alice.ask("hangup", callid=callid)

    assert answered == {
        "jsonrpc": "2.0",
        "method": "CallEvent",
        "params": {"callid": callid, "event": "answered", "call": listed},
    }
    assert await told_until(v2, "ended") == ["created", "ringing", "answered", "ended"]


async def test_a_phone_that_refuses_is_told_with_its_status(
    v2: Client, alice: Phone, bob: Phone
) -> None:
    await bob.behave(answer=486)
    await v2.result("CallWatch")

    await alice.ask("call", to=bob.uri)

    failed = await v2.until(lambda frame: frame.get("params", {}).get("event") == "branch_failed")
    assert (failed["params"]["target"], failed["params"]["status"]) == (bob.uri, 486)


async def test_nothing_is_told_any_more_after_call_unwatch(
    v2: Client, alice: Phone, bob: Phone
) -> None:
    await v2.result("CallWatch")
    callid = await start(v2, alice, bob)

    await v2.result("CallUnwatch")
    before = len(v2.frames)
    await v2.run("CallEnd", {"callid": callid})

    assert [frame for frame in v2.frames[before:] if frame.get("method") == "CallEvent"] == []
