"""A phone that takes part in no call without a session timer (RFC 4028, ``Require: timer``)."""

import pytest

from tests.live.calls import keep_silent, start, talk
from tests.live.client import Client
from tests.live.conftest import MakePhone
from tests.live.phones import Phone


@pytest.mark.parametrize("leg", ["caller", "callee"])
async def test_it_is_called_held_and_taken_back_by_commands(
    v2: Client, alice: Phone, one_more: MakePhone, leg: str
) -> None:
    gina = await one_more("gina", requires_timer=True)
    callid = await start(v2, *((gina, alice) if leg == "caller" else (alice, gina)))
    await talk(alice, gina)

    await v2.run("CallHold", {"callid": callid})
    await keep_silent(alice, gina)
    await v2.run("CallUnhold", {"callid": callid})

    await talk(alice, gina)


async def test_it_calls_by_itself(v2: Client, alice: Phone, one_more: MakePhone) -> None:
    gina = await one_more("gina", requires_timer=True)

    await gina.dial(alice.uri)

    await gina.in_call()
    await alice.in_call()
    await talk(alice, gina)
    (call,) = (await v2.result("CallList"))["calls"]
    await v2.run("CallEnd", {"callid": call["callid"]})
    await gina.idle()
