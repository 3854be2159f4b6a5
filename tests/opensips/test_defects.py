"""What goes wrong elsewhere, and must not here: dying, and hanging for ever.

Each of these did that to another implementation of this API. Here it happens to a whole daemon,
with real clients, on a scripted proxy.
"""

import asyncio

import pytest

from call_api.daemon import Daemon
from tests.fakes.jumping_time import in_jumping_time
from tests.fakes.opensips.manners import Manner
from tests.fakes.opensips.trouble import Rule
from tests.fakes.opensips_daemon import ALICE, BOB, CINDY, outcome, stage, told
from tests.wire.api import JsonClient


async def is_alive(daemon: Daemon) -> bool:
    """Return whether the daemon still serves, and commands still work."""
    async with await JsonClient.to(daemon, "/call-api/v2") as client:
        return outcome(await told(client, "Echo", text="x")) == "ok"


# It died.


@in_jumping_time
async def test_it_lives_when_a_client_leaves_in_the_middle_of_a_command() -> None:
    async with stage() as (_, daemon, client):
        client.ask("CallStart", {"caller": ALICE, "callee": BOB, "cmd_id": "left"})
        await client.json()
        await client.close()
        await asyncio.sleep(5.0)

        assert await is_alive(daemon)
        async with await JsonClient.to(daemon, "/call-api/v2") as other:
            status = await other.answer("CommandStatus", {"cmd_id": "left"})
            assert status["result"]["outcome"] == "ok"


@in_jumping_time
async def test_it_lives_when_a_notify_comes_after_the_ok() -> None:
    async with stage() as (proxy, daemon, client):
        calls = [proxy.switch.call(ALICE, BOB), proxy.switch.call(CINDY, "sip:dave@127.0.0.1")]
        proxy.order(Rule(way="event", name="E_CALL_TRANSFER", deliveries=(0.0, 0.2), times=20))
        legs = {"leg_a": "caller", "leg_b": "callee"}

        assert (
            outcome(
                await told(
                    client,
                    "CallAttendedTransfer",
                    callid_a=calls[0].callid,
                    callid_b=calls[1].callid,
                    **legs,
                )
            )
            == "ok"
        )

        await asyncio.sleep(1.0)
        assert await is_alive(daemon)


@in_jumping_time
async def test_the_answer_comes_before_what_it_is_the_answer_to() -> None:
    async with stage() as (_, _, client):
        for number in range(50):
            answer = await client.answer("CallHold", {"callid": f"no-such-call-{number}"})
            assert answer["result"]["status"] == "Started"
            assert [(await client.json())["params"]["event"] for _ in range(2)] == [
                "Error",
                "Ended",
            ]


@in_jumping_time
async def test_two_holds_at_once_are_two_holds() -> None:
    async with stage() as (proxy, daemon, client):
        callids = [proxy.switch.call(ALICE, BOB).callid for _ in range(2)]
        for callid in callids:
            client.ask("CallHold", {"callid": callid, "cmd_id": callid})
        frames = [await client.json() for _ in range(2 + 2 * 6)]

        for callid in callids:
            events = [
                frame["params"]["event"]
                for frame in frames
                if frame.get("params", {}).get("cmd_id") == callid
            ]
            assert sorted(events) == [
                "CallHoldStart",
                "CallHoldStart",
                "CallHoldSuccessful",
                "CallHoldSuccessful",
                "CallHolding",
                "Ended",
            ]
        assert await is_alive(daemon)


NO_METHODS = [
    "Run",
    "String",
    "run",
    "__init__",
    "answer",
    "from_params",
    "CallStart.run",
    "callStart",
    "main",
    "",
]


@pytest.mark.parametrize("method", NO_METHODS)
@in_jumping_time
async def test_the_name_of_a_function_is_no_method(method: str) -> None:
    async with stage() as (_, daemon, client):
        answer = await client.answer(method, {})

        assert answer["error"]["code"] == -32601
        assert await is_alive(daemon)


# It hung.


@pytest.mark.parametrize(
    ("bob", "failed"),
    [
        (Manner(answers="486 Busy Here"), "486 Busy Here"),
        (Manner(is_there=False), "404 Not Found"),
        (Manner(answers=""), "487 Request Terminated"),
    ],
)
@in_jumping_time
async def test_a_callee_that_cannot_be_had_ends_the_command(bob: Manner, failed: str) -> None:
    async with stage(bob=bob) as (proxy, _, client):
        assert outcome(await told(client, "CallStart", caller=ALICE, callee=BOB)) == failed
        await asyncio.sleep(1.0)
        assert proxy.switch.live == []


@pytest.mark.parametrize(
    ("alice", "status"),
    [(Manner(refers=603), "603"), (Manner(refers=0), "408"), (Manner(calls_out=False), "408")],
)
@in_jumping_time
async def test_a_refer_that_comes_to_nothing_ends_the_command(alice: Manner, status: str) -> None:
    async with stage(alice=alice) as (proxy, _, client):
        failed = outcome(await told(client, "CallStart", caller=ALICE, callee=BOB))
        assert failed.startswith(status)
        callid = proxy.switch.call(ALICE, BOB).callid
        wanted = {"callid": callid, "leg": "caller", "destination": CINDY}
        assert outcome(await told(client, "CallBlindTransfer", **wanted)).startswith(status)
        assert [dialog.callid for dialog in proxy.switch.live] == [callid]


@pytest.mark.parametrize(("bob", "status"), [(Manner(holds=488), "488"), (Manner(holds=0), "408")])
@in_jumping_time
async def test_a_leg_that_refuses_a_hold_ends_the_command(bob: Manner, status: str) -> None:
    async with stage(bob=bob) as (proxy, _, client):
        callid = proxy.switch.call(ALICE, BOB).callid

        notifications = await told(client, "CallHold", callid=callid)

        assert outcome(notifications).startswith(status)
        error = notifications[-2]["error"]
        assert error["leg"] == "callee"
        assert "the caller is on hold" in error["reason"]


@pytest.mark.parametrize("leg", ["caller", "callee"])
@in_jumping_time
async def test_the_hold_of_one_leg_ends(leg: str) -> None:
    async with stage() as (proxy, _, client):
        callid = proxy.switch.call(ALICE, BOB).callid
        for method in ("CallHold", "CallUnHold"):
            notifications = await told(client, method, callid=callid, leg=leg)
            assert [one.get("data") for one in notifications] == [
                None,
                {"leg": leg},
                {"leg": leg},
                None,
            ]


@in_jumping_time
async def test_a_command_does_not_wait_for_the_caller_of_another() -> None:
    async with stage(alice=Manner(answers="")) as (proxy, daemon, client):
        callid = proxy.switch.call(BOB, CINDY).callid
        client.ask("CallStart", {"caller": ALICE, "callee": BOB, "cmd_id": "rings"})
        await client.json()
        async with await JsonClient.to(daemon, "/call-api/v2") as other:
            async with asyncio.timeout(1.0):
                assert outcome(await told(other, "CallHold", callid=callid)) == "ok"
            status = await other.answer("CommandStatus", {"cmd_id": "rings"})
            assert status["result"]["state"] == "running"


@in_jumping_time
async def test_the_end_of_one_command_takes_no_events_from_another() -> None:
    async with stage(slow=Manner(rings_for=8.0)) as (proxy, daemon, client):
        slow, fast = (proxy.switch.call(ALICE, BOB).callid for _ in range(2))
        wanted = {"callid": slow, "leg": "callee", "destination": "sip:slow@127.0.0.1"}
        client.ask("CallBlindTransfer", wanted)
        async with await JsonClient.to(daemon, "/call-api/v2") as other:
            assert outcome(await told(other, "CallHold", callid=fast)) == "ok"
            wanted = {"callid": fast, "leg": "callee", "destination": CINDY}
            assert outcome(await told(other, "CallBlindTransfer", **wanted)) == "ok"

        frames = [await client.json()]
        while frames[-1].get("params", {}).get("event") != "Ended":
            frames.append(await client.json())
        assert "TransferSuccessful" in [frame.get("params", {}).get("event") for frame in frames]


@in_jumping_time
async def test_subscriptions_do_not_run_out() -> None:
    async with stage() as (proxy, _, client):
        callid = proxy.switch.call(ALICE, BOB).callid
        for method in ("CallHold", "CallUnHold") * 3:
            started = asyncio.get_running_loop().time()
            assert outcome(await told(client, method, callid=callid)) == "ok"
            assert asyncio.get_running_loop().time() - started < 0.05, "told by an event"
            await asyncio.sleep(125.0)
        looks = [one for one in proxy.asked if one.method == "event_subscribe"]
        assert len(looks) < 250, "renewed no more often than need be"


@in_jumping_time
async def test_a_proxy_that_is_down_ends_every_command() -> None:
    async with stage() as (proxy, daemon, client):
        callid = proxy.switch.call(ALICE, BOB).callid
        proxy.die()
        for method, params in (
            ("CallEnd", {"callid": callid}),
            ("CallHold", {"callid": callid}),
            ("CallStart", {"caller": ALICE, "callee": BOB}),
        ):
            async with asyncio.timeout(10.0):
                assert "no answer from the SIP proxy" in outcome(
                    await told(client, method, **params)
                )
        assert daemon.is_ready() is not None
