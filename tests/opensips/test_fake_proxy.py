"""The scripted proxy is as OpenSIPS was recorded: word by word in its answers, and mortal."""

import asyncio
import json
import socket
from typing import Any

import pytest

from tests.fakes.jumping_time import in_jumping_time
from tests.fakes.opensips.mi_text import MAX_REPLY
from tests.fakes.opensips.trouble import DOUBLED, LOST, Rule
from tests.fakes.proxy import FakeProxy

HERE = "V7JnDJE.rCaxVnQYLfn7iIdJBHOM8PFt"
ALICE, BOB = "sip:alice@127.0.0.1", "sip:bob@127.0.0.1"
TOO_FEW = (-32602, "Invalid params", "Too few or too many parameters")
NO_MATCH = (-32602, "Invalid params", "Named parameters do not match")
BAD_LEG = (-32000, "Server error", "Failed to handle parameter")
SOCKET = "udp:127.0.0.1:9"


class Operator:
    """Asks a proxy by datagrams, and gets its events by them."""

    def __init__(self, proxy: FakeProxy) -> None:
        self._proxy = proxy
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.address = "udp:{}:{}".format(*self._socket.getsockname())

    def send(self, data: bytes) -> None:
        """Send a datagram."""
        self._socket.sendto(data, ("127.0.0.1", self._proxy.port))

    async def datagram(self, within: float = 1.0) -> bytes:
        """Return the next datagram that comes in."""
        async with asyncio.timeout(within):
            return await asyncio.get_running_loop().sock_recv(self._socket, 65536 * 2)

    async def ask(self, method: str, params: Any = None, *, id_: Any = "lab-1") -> Any:
        """Return the answer to a request, less what every answer has."""
        request = {"jsonrpc": "2.0", "id": id_, "method": method}
        self.send(json.dumps(request if params is None else {**request, "params": params}).encode())
        answer = json.loads(await self.datagram())
        assert answer.pop("jsonrpc") == "2.0"
        return answer

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


class Stage:
    """A proxy with one call, and its operator."""

    def __init__(self, version: str = "4.1.0-dev") -> None:
        self.proxy = FakeProxy(version=version)
        self.operator: Operator

    async def __aenter__(self) -> tuple[FakeProxy, Operator]:
        await self.proxy.__aenter__()
        self.proxy.switch.call(ALICE, BOB, HERE, "e7e.572b38a2")
        self.operator = Operator(self.proxy)
        return self.proxy, self.operator

    async def __aexit__(self, *_: object) -> None:
        self.operator.close()
        await self.proxy.__aexit__()


REFUSED: list[tuple[str, dict[str, Any], tuple[Any, ...]]] = [
    ("dlg_list", {"callid": "no-such"}, (404, "No such dialog")),
    ("event_subscribe", {"event": "E_NO_SUCH", "socket": SOCKET}, (400, "Bad parameter value")),
    ("event_subscribe", {"event": "E_CALL_HOLD", "socket": "x"}, (400, "Bad parameter value")),
    (
        "event_subscribe",
        {"event": "E_CALL_HOLD", "socket": SOCKET, "expire": -1},
        (-32602, "Invalid params", "Negative expire value"),
    ),
    ("no_such_command", {}, (-32601, "Method not found")),
    ("call_hold", {}, TOO_FEW),
    ("call_hold", {"callid": 5}, (404, "Dialog not found")),
    ("call_hold", {"callid": HERE, "leg": "nobody"}, (420, "Bad leg")),
    ("call_hold", {"callid": HERE, "other": "x"}, NO_MATCH),
    ("call_unhold", {"callid": HERE}, (480, "No dialog legs on hold")),
    ("call_transfer", {"callid": HERE, "leg": "caller"}, TOO_FEW),
    ("call_transfer", {"callid": HERE, "leg": "nobody", "destination": BOB}, BAD_LEG),
    ("call_transfer", {"callid": HERE, "leg": "both", "destination": BOB}, BAD_LEG),
    (
        "callops:transfer",
        {"callid": "no-such", "leg": "caller", "destination": BOB},
        (404, "Dialog not found"),
    ),
    (
        "call_transfer",
        {"callid": HERE, "leg": "caller", "transfer_callid": "no-such", "transfer_leg": "callee"},
        (404, "Transfer dialog not found"),
    ),
    ("callops:hold", {"callid": "no-such"}, (404, "Dialog not found")),
    ("t_uac_dlg", {"method": "OPTIONS", "ruri": ALICE}, TOO_FEW),
    ("t_uac_dlg", {"method": "INVITE", "ruri": "no uri", "headers": ""}, (400, "Invalid ruri")),
    ("t_uac_dlg", {"method": "INVITE", "ruri": ALICE, "headers": ""}, (400, "To missing")),
    ("t_uac_cancel", {"callid": "no-such", "cseq": "1"}, (481, "No such transaction")),
    ("dlg_end_dlg", {"dialog_id": "no-such"}, (404, "Requested Dialog not found")),
    ("dlg_end_dlg", {"dialog_id": ""}, (404, "Requested Dialog not found")),
]


@pytest.mark.parametrize(("method", "params", "error"), REFUSED)
@in_jumping_time
async def test_it_refuses_as_opensips_does(
    method: str, params: dict[str, Any], error: tuple[Any, ...]
) -> None:
    async with Stage() as (_, operator):
        answer = await operator.ask(method, params)

    names = ("code", "message", "data")
    assert answer == {"error": dict(zip(names, error, strict=False)), "id": "lab-1"}


@in_jumping_time
async def test_it_lists_dialogs_as_opensips_does() -> None:
    async with Stage() as (proxy, operator):
        one = (await operator.ask("dlg_list", {"callid": HERE}))["result"]
        all_ = (await operator.ask("dlg_list"))["result"]
        page = (await operator.ask("dlg_list", {"index": "0", "counter": "1"}))["result"]
        past = (await operator.ask("dlg_list", {"index": 5, "counter": 1}))["result"]
        proxy.switch.dialogs[HERE].values["call_hold_caller"] = 8
        noted = (await operator.ask("dlg_list_ctx", {"callid": HERE}))["result"]["Dialog"]

    assert [*one["Dialog"]] == [
        *("ID", "db_id", "state", "user_flags", "timestart", "datestart", "timeout"),
        *("callid", "from_uri", "to_uri", "caller_tag", "caller_contact", "callee_cseq"),
        *("caller_route_set", "caller_bind_addr", "caller_sdp", "CALLEES"),
    ]
    assert all_ == {"Dialogs": [one["Dialog"]]}
    assert page == {"count": 1, "Dialogs": [one["Dialog"]]}
    assert past == {"count": 1, "Dialogs": []}
    assert noted["context"] == {"values": [{"call_hold_caller": 8}]}


@in_jumping_time
async def test_a_list_that_is_too_long_is_no_json() -> None:
    async with Stage() as (proxy, operator):
        for _ in range(60):
            proxy.switch.call(ALICE, BOB)
        operator.send(b'{"jsonrpc":"2.0","id":1,"method":"dlg_list"}')
        assert await operator.datagram() == b"500 Internal Server Error"
        operator.send(
            b'{"jsonrpc":"2.0","id":1,"method":"dlg_list","params":{"index":0,"counter":20}}'
        )
        answer = await operator.datagram()
    assert len(json.loads(answer)["result"]["Dialogs"]) == 20
    assert len(answer) < MAX_REPLY


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [("lab-1", "lab-1"), (None, None), (3.5, 3), (2**31, 2**31 - 1), (2**64 - 1, 2**31 - 1)],
)
@in_jumping_time
async def test_ids_come_back_as_opensips_has_them(sent: object, echoed: object) -> None:
    async with Stage() as (_, operator):
        assert (await operator.ask("uptime", id_=sent))["id"] == echoed


@in_jumping_time
async def test_what_is_no_request_is_answered_as_opensips_does() -> None:
    async with Stage() as (proxy, operator):
        for broken in (b'{"jsonrpc":"2.0","id":"lab-x","method":"uptime"', b"hello"):
            operator.send(broken)
            assert await operator.datagram() == b"400 Parse_error"
        operator.send(b'{"id":"lab-x","method":"uptime"}')
        assert json.loads(await operator.datagram())["error"]["code"] == -32600
        operator.send(b'{"jsonrpc":"2.0","method":"uptime"}')
        with pytest.raises(TimeoutError):
            await operator.datagram()
        assert proxy.is_alive


@in_jumping_time
async def test_it_dies_of_an_array_but_version_3_does_not() -> None:
    for version, survives in (("4.1.0-dev", False), ("3.6.8", True)):
        async with Stage(version) as (proxy, operator):
            operator.send(b'[{"jsonrpc":"2.0","id":1,"method":"uptime"}]')
            await asyncio.sleep(0.1)
            assert proxy.is_alive == survives


@in_jumping_time
async def test_version_3_knows_no_new_names_and_holds_both_legs_only() -> None:
    async with Stage("3.4.18") as (_, operator):
        assert (await operator.ask("callops:hold", {"callid": HERE}))["error"]["code"] == -32601
        one = await operator.ask("call_hold", {"callid": HERE, "leg": "caller"})
        assert one["error"]["data"] == "Too few or too many parameters"
        bad = await operator.ask(
            "call_transfer", {"callid": HERE, "leg": "nobody", "destination": BOB}
        )
        assert bad["error"]["data"] == "Bad type for parameter 'leg'"


@in_jumping_time
async def test_subscriptions_run_out_and_are_listed() -> None:
    async with Stage() as (_, operator):
        wanted = {"event": "E_CALL_HOLD", "socket": operator.address, "expire": 2}
        assert await operator.ask("event_subscribe", wanted) == {"result": "OK", "id": "lab-1"}
        await asyncio.sleep(0.5)
        (event,) = (await operator.ask("subscribers_list"))["result"]["Events"]
        (subscriber,) = event["Subscribers"]
        assert (event["name"], event["id"]) == ("E_CALL_HOLD", 17)
        assert subscriber == {"socket": operator.address, "expire": 2, "ttl": 1}
        await asyncio.sleep(2.0)
        assert (await operator.ask("call_hold", {"callid": HERE}))["result"] == "OK"
        with pytest.raises(TimeoutError):
            await operator.datagram()


@in_jumping_time
async def test_a_new_start_forgets_all_and_says_so() -> None:
    async with Stage() as (proxy, operator):
        before = (await operator.ask("uptime"))["result"]["Up since"]
        await operator.ask("event_subscribe", {"event": "E_CALL_HOLD", "socket": SOCKET})
        proxy.restart()
        assert (await operator.ask("uptime"))["result"]["Up since"] != before
        assert (await operator.ask("subscribers_list"))["result"] == {"Events": []}
        assert (await operator.ask("dlg_list"))["result"] == {"Dialogs": []}


@in_jumping_time
async def test_datagrams_are_lost_doubled_and_late_on_order() -> None:
    async with Stage() as (proxy, operator):
        proxy.order(Rule(way="request", name="uptime", deliveries=LOST))
        proxy.order(Rule(way="reply", name="version", deliveries=DOUBLED))
        proxy.order(Rule(way="reply", name="which", deliveries=(0.5,)))
        with pytest.raises(TimeoutError):
            await operator.ask("uptime")
        assert [one.method for one in proxy.asked] == []
        first = await operator.ask("version")
        assert json.loads(await operator.datagram())["result"] == first["result"]
        started = asyncio.get_running_loop().time()
        await operator.ask("which")
        assert asyncio.get_running_loop().time() - started == pytest.approx(0.5)
