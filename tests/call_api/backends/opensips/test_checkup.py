import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from call_api.backends.opensips.checkup import Checkup
from call_api.backends.opensips.event_table import EventTable
from call_api.backends.opensips.events import STATE
from call_api.backends.opensips.mi import MiError
from call_api.doctor import Finding
from tests.fakes.mi_script import SILENCE, NoEvents, ScriptedProxy, proxy_client
from tests.fakes.virtual_time import in_virtual_time

MISSING = MiError(-32601, "Method not found")
LACKS = MiError(-32602, "Invalid params")
EVENTS = ("E_CALL_TRANSFER", "E_CALL_HOLD", "E_DLG_STATE_CHANGED", "E_REFER_REJECTED")


def sip(proxy: ScriptedProxy, **statuses: str) -> Callable[[dict[str, Any]], object]:
    """Answers of the proxy to requests that it sends to itself."""

    def answer(params: dict[str, Any]) -> object:
        method = params["method"]
        if method == "INVITE" and "made" in statuses:
            callid = params["headers"].partition("Call-ID: ")[2].partition("\r\n")[0]
            told = {"callid": callid, "old_state": 1, "new_state": 5}
            asyncio.get_running_loop().call_later(0.1, lambda: proxy.raises(STATE, **told))
        return {"Status": statuses.get(method, "200 OK")}

    return answer


def healthy(proxy: ScriptedProxy) -> None:
    """A proxy that lacks nothing."""
    proxy.answers("version", {"Server": "OpenSIPS (4.1.0-dev (x86_64/linux))"})
    for method in ("t_uac_cancel", "dlg_end_dlg", "call_transfer", "call_hold", "call_unhold"):
        proxy.answers(method, LACKS)
    proxy.answers("dlg_list_ctx", {"Dialogs": []})
    proxy.answers("events_list", {"Events": [{"name": name} for name in EVENTS]})
    proxy.answers("get_statistics", {"dialog:processed_dialogs": 7})
    in_sip = sip(proxy, INVITE="404 Not Found", made="yes")
    proxy.answers("t_uac_dlg", lambda params: in_sip(params) if params else LACKS)
    proxy.answers("ul_dump", {"Domains": [{"AORs": [{}, {}]}]})


async def examined(
    change: Callable[[ScriptedProxy], None], *, waits_beside: bool = True
) -> dict[str, Finding]:
    """Return what is found at a healthy proxy, after a change."""
    table = EventTable()
    proxy = ScriptedProxy(table)
    healthy(proxy)
    change(proxy)
    client = proxy_client(proxy, waits_beside=waits_beside)
    await client.open()
    checkup = Checkup(client, NoEvents())
    table.listen_to_all(checkup.receive)
    await checkup.run()
    client.close()
    return {finding.check: finding for finding in checkup.findings}


@in_virtual_time
async def test_a_proxy_that_lacks_nothing_is_well_throughout() -> None:
    found = await examined(lambda _: None)

    assert {finding.state for finding in found.values()} == {"ok"}
    assert {finding.remedy for finding in found.values()} == {""}
    assert {finding.proxy for finding in found.values()} == {"proxy"}
    assert found["version"].told == "OpenSIPS 4.1.0-dev"
    assert found["phones"].told == "2 registered users"
    assert list(found) == [
        "reachable",
        "version",
        "module tm",
        "module dialog",
        "module callops",
        "events",
        "refused REFERs",
        "subscription",
        "own INVITEs",
        "delivery",
        "NOTIFY",
        "BYE",
        "phones",
    ]


@pytest.mark.parametrize(
    ("method", "answer", "check", "state", "words"),
    [
        ("version", {"Server": "OpenSIPS (3.0.2 (x))"}, "version", "wrong", "3.1 is the first"),
        ("version", {"Server": "OpenSIPS (3.4.18 (x))"}, "version", "ok", "both parties"),
        ("version", "?", "version", "warning", "3.1 to 4.1"),
        ("uptime", "up", "reachable", "ok", "answers"),
        ("call_hold", MISSING, "module callops", "wrong", 'loadmodule "callops.so"'),
        ("t_uac_dlg", MISSING, "module tm", "wrong", 'loadmodule "tm.so"'),
        ("dlg_list_ctx", MISSING, "module dialog", "wrong", 'loadmodule "dialog.so"'),
        ("events_list", {"Events": []}, "events", "wrong", 'loadmodule "callops.so"'),
        ("events_list", {"Events": []}, "refused REFERs", "warning", "E_REFER_REJECTED"),
        ("event_subscribe", MiError(400, "Bad"), "subscription", "wrong", "event_datagram"),
        ("event_subscribe", MiError(400, "Bad"), "own INVITEs", "wrong", "create_dialog()"),
        ("event_subscribe", SILENCE, "subscription", "wrong", "no answer"),
        ("ul_dump", {"Domains": []}, "phones", "warning", "register"),
        ("ul_dump", MISSING, "phones", "warning", "not known: -32601"),
    ],
)
def test_what_is_missing_is_told_with_its_remedy(
    method: str, answer: object, check: str, state: str, words: str
) -> None:
    @in_virtual_time
    async def story() -> None:
        found = await examined(lambda proxy: proxy.answers(method, answer))

        assert found[check].state == state
        assert words in f"{found[check].told}: {found[check].remedy}"

    story()


@pytest.mark.parametrize(
    ("statuses", "states"),
    [
        ({"INVITE": "404 Not Found"}, {"own INVITEs": "wrong", "delivery": "warning"}),
        ({"INVITE": "408 Request Timeout"}, {"own INVITEs": "wrong", "delivery": "warning"}),
        ({"NOTIFY": "481 No", "made": ""}, {"NOTIFY": "wrong", "BYE": "ok"}),
        ({"BYE": "483 Too Many Hops", "made": ""}, {"NOTIFY": "ok", "BYE": "wrong"}),
    ],
)
def test_what_the_proxy_says_to_its_own_requests_is_judged(
    statuses: dict[str, str], states: dict[str, str]
) -> None:
    @in_virtual_time
    async def story() -> None:
        def change(proxy: ScriptedProxy) -> None:
            answer = sip(proxy, **statuses)
            proxy.answers("t_uac_dlg", lambda params: answer(params) if params else LACKS)

        found = await examined(change)

        assert {check: found[check].state for check in states} == states

    story()


@in_virtual_time
async def test_where_nobody_takes_sip_requests_the_rest_is_not_tried() -> None:
    def change(proxy: ScriptedProxy) -> None:
        proxy.answers("t_uac_dlg", lambda params: SILENCE if params else LACKS)

    found = await examined(change)

    assert "sip.uri has to be" in found["own INVITEs"].remedy
    assert "NOTIFY" not in found
    assert "BYE" not in found


@in_virtual_time
async def test_a_dialog_that_is_counted_but_not_told_of_is_a_fault_of_the_delivery() -> None:
    def change(proxy: ScriptedProxy) -> None:
        answer = sip(proxy, INVITE="404 Not Found")
        proxy.answers("t_uac_dlg", lambda params: answer(params) if params else LACKS)
        proxy.answers("get_statistics", *({"dialog:processed_dialogs": n} for n in (7, 8)))

    found = await examined(change)

    assert found["own INVITEs"].state == "ok"
    assert found["delivery"].state == "wrong"
    assert "udp:127.0.0.1:9" in found["delivery"].told


@in_virtual_time
async def test_a_proxy_that_is_silent_is_asked_nothing_more() -> None:
    found = await examined(lambda proxy: proxy.answers("uptime", SILENCE))

    assert list(found) == ["reachable"]
    assert found["reachable"].state == "wrong"
    assert found["reachable"].told == "no answer"


@in_virtual_time
async def test_what_it_sends_concerns_nobody() -> None:
    sent: list[dict[str, Any]] = []

    def change(proxy: ScriptedProxy) -> None:
        answer = sip(proxy, INVITE="404 Not Found", made="yes")

        def keep(params: dict[str, Any]) -> object:
            sent.append(params)
            return answer(params) if params else LACKS

        proxy.answers("t_uac_dlg", keep)

    await examined(change)

    methods = {params["method"]: params for params in sent if params}
    assert methods["INVITE"]["ruri"] == "sip:call-api-doctor@proxy:5060"
    assert methods["NOTIFY"]["ruri"] == methods["BYE"]["ruri"] == "sip:proxy:5060"
    assert {params["next_hop"] for params in methods.values()} == {"sip:proxy:5060"}


@in_virtual_time
async def test_what_mi_http_cannot_do_is_told() -> None:
    found = await examined(lambda _: None, waits_beside=False)

    assert found["CallStart"].state == "warning"
    assert "mi_datagram.so" in found["CallStart"].remedy


@in_virtual_time
async def test_the_subscription_that_was_tried_is_ended() -> None:
    proxies: list[ScriptedProxy] = []

    await examined(proxies.append)

    expire = [params["expire"] for name, params in proxies[0].asked if name == "event_subscribe"]
    assert expire == [20, 0]
