"""A proxy that loses and doubles what is said, dies and comes back, before a daemon process."""

import time
import urllib.error
import urllib.request

from tests.fakes.opensips.manners import Manner
from tests.fakes.opensips.trouble import Trouble
from tests.faults.outside import Outside, until
from tests.faults.proxy_trouble import ALICE, BOB, Patient, ends, experiment, troubled


async def test_every_command_ends_whatever_is_lost_and_doubled() -> None:
    trouble = Trouble(loss=0.1, doubling=0.1, delay=0.02, seed=4)
    async with troubled(trouble) as (proxy, outside):
        await until(lambda: readiness(outside) == 200)  # who subscribes may be unlucky
        outcomes = await experiment(proxy, outside, 40)
        # The proxy refuses the copy of what it has done already, and that answer may come first.
        refused = {"UnknownCall", "CallBusy", "ProxyRefused"}
        assert set(outcomes.by_name) <= {"ok", "ProxyUnreachable", *refused}
        assert outcomes.by_name["ok"] > 20
        trouble.calm()
        assert (await experiment(proxy, outside, 10)).by_name.keys() == {"ok"}


def readiness(outside: Outside) -> int:
    """Return the HTTP status of /readyz."""
    host, port = outside.address
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/readyz", timeout=5.0) as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code


async def test_a_proxy_that_is_killed_ends_what_runs_and_is_used_again_when_it_is_back() -> None:
    async with troubled(Trouble()) as (proxy, outside):
        callid = proxy.switch.call(ALICE, BOB).callid
        async with await Patient.open(outside.address, "/call-api/v2") as client:
            proxy.switch.phones["bob"] = Manner(rings_for=8.0)
            answer = await client.answer("CallStart", {"caller": BOB, "callee": ALICE})
            cmd_id = answer["result"]["cmd_id"]
            await until(lambda: bool(proxy.asked_of("t_uac_dlg")))
            proxy.die()
            began = time.monotonic()
            error, ended = await client.json(), await client.json()
            assert error["params"]["error"]["name"] == "ProxyUnreachable"
            assert (ended["params"]["event"], ended["params"]["cmd_id"]) == ("Ended", cmd_id)
            assert await ends(client, "CallEnd", {"callid": callid}) == "ProxyUnreachable"
            assert time.monotonic() - began < 8.0
            assert readiness(outside) == 503

            proxy.revive()
            await until(lambda: readiness(outside) == 200)
            again = proxy.switch.call(ALICE, BOB).callid
            assert await ends(client, "CallEnd", {"callid": again}) == "ok"
