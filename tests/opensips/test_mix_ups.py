"""What goes wrong elsewhere, and must not here: leaking calls, mixing up, letting anybody in.

Each of these did that to another implementation of this API. Here it happens to a whole daemon,
with real clients, on a scripted proxy.
"""

import asyncio

import pytest

from tests.fakes.jumping_time import in_jumping_time
from tests.fakes.opensips.manners import Manner
from tests.fakes.opensips_daemon import ALICE, BOB, stage, told
from tests.wire.api import JsonClient, address
from tests.wire.raw_client import RawClient, upgrade


@pytest.mark.parametrize(
    "bob", [Manner(), Manner(answers="486 Busy Here"), Manner(is_there=False), Manner(answers="")]
)
@in_jumping_time
async def test_no_first_leg_is_left(bob: Manner) -> None:
    async with stage(bob=bob) as (proxy, _, client):
        await told(client, "CallStart", caller=ALICE, callee=BOB)
        await asyncio.sleep(1.0)

        firsts = {
            one["headers"].partition("Call-ID: ")[2].partition("\r")[0]
            for one in proxy.asked_of("t_uac_dlg")
        }
        assert len(firsts) == 1
        assert not firsts & {dialog.callid for dialog in proxy.switch.live}


@in_jumping_time
async def test_two_starts_at_once_are_told_each_in_its_order_and_to_its_own_client() -> None:
    async with stage() as (proxy, daemon, client):
        proxy.trouble.delay = 0.005
        async with await JsonClient.to(daemon, "/call-api/v2") as other:
            clients = {"A": client, "B": other}
            for cmd_id, one in clients.items():
                one.ask("CallStart", {"caller": ALICE, "callee": BOB, "cmd_id": cmd_id})
            for cmd_id, one in clients.items():
                frames = [await one.json() for _ in range(7)]
                params = [frame["params"] for frame in frames[1:]]
                assert {one["cmd_id"] for one in params} == {cmd_id}
                assert [one["event"] for one in params] == [
                    "CallerAnswered",
                    "Transferring",
                    "TransferStart",
                    "TransferPending",
                    "CalleeAnswered",
                    "Ended",
                ]
                assert len({one["data"]["callid"] for one in params[2:]}) == 1


@in_jumping_time
async def test_no_web_page_gets_in() -> None:
    async with stage() as (_, daemon, _), await RawClient.connect(address(daemon)) as page:
        page.write(upgrade("/call-api", Origin="http://evil.example"))

        assert (await page.head()).startswith("HTTP/1.1 403 ")


HARMFUL = [
    "sip:bob@127.0.0.1\r\nX-Evil: 1",
    "sip:bob@127.0.0.1\nX-Evil: 1",
    "sip:bob@127.0.0.1\\r\\nX-Evil: 1",
    "sip:bob@127.0.0.1>\r\nCall-ID: other\r\nX: <",
    "sip:bob@127.0.0.1?Route=%3Csip:evil%3E",
    "sip:bob@127.0.0.1> <sip:evil",
    'sip:bob@127.0.0.1","leg":"x',
    "sip:bob@127.0.0.1;osid=112.5",
    "sip:bob@127.0.0.1\x00",
    "<sip:bob@127.0.0.1>",
    "tel:+49",
]


@pytest.mark.parametrize("uri", HARMFUL)
@in_jumping_time
async def test_nothing_a_client_sends_adds_a_header(uri: str) -> None:
    async with stage() as (proxy, _, client):
        callid = proxy.switch.call(ALICE, BOB).callid
        before = len(proxy.asked)
        wanted: list[tuple[str, dict[str, str]]] = [
            ("CallStart", {"caller": uri, "callee": BOB}),
            ("CallStart", {"caller": ALICE, "callee": uri}),
            ("CallBlindTransfer", {"callid": callid, "leg": "caller", "destination": uri}),
        ]
        for method, params in wanted:
            answer = await client.answer(method, params)
            if "error" in answer:
                assert answer["error"]["code"] == -32602
                continue
            error, ended = [(await client.json())["params"] for _ in range(2)]
            assert (error["error"]["code"], ended["event"]) == (-32602, "Ended")
        sent = [one for one in proxy.asked[before:] if one.method in ("t_uac_dlg", "call_transfer")]
        assert sent == []


ODD = ["x\r\ny", 'x","leg":"caller', "<x>", "x\\r\\ny", "112.5", "x" * 256]


@pytest.mark.parametrize("callid", ODD)
@in_jumping_time
async def test_a_call_id_reaches_the_proxy_as_it_is_or_not_at_all(callid: str) -> None:
    async with stage() as (proxy, _, client):
        proxy.switch.call(ALICE, BOB, did="112.5")
        for method in ("CallHold", "CallEnd"):
            answer = await client.answer(method, {"callid": callid})
            if "result" in answer:
                error = (await client.json())["params"]
                assert error["error"]["name"] == "UnknownCall"
                assert (await client.json())["params"]["event"] == "Ended"
            else:
                assert answer["error"]["code"] == -32602
        assert len(proxy.switch.live) == 1, "that dialog has this name, but not this Call-ID"
        for one in proxy.asked_of("call_hold", "dlg_end_dlg", "dlg_list", "dlg_list_ctx"):
            named = {one[name] for name in ("callid", "dialog_id") if name in one}
            assert named <= {callid}


@in_jumping_time
async def test_batches_of_clients_are_no_batches_for_the_proxy() -> None:
    async with stage() as (proxy, _, client):
        callids = [proxy.switch.call(ALICE, BOB).callid for _ in range(20)]
        client.say(
            [
                {"jsonrpc": "2.0", "id": n, "method": "CallEnd", "params": {"callid": callid}}
                for n, callid in enumerate(callids)
            ]
        )
        answers = await client.json()
        assert [one["id"] for one in answers] == list(range(20))
        ends = [await client.json() for _ in callids]
        assert {one["params"]["event"] for one in ends} == {"Ended"}
        assert proxy.is_alive
        assert proxy.switch.live == []
