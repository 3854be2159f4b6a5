"""CallEnd in every state of a call, and CallList, which shows them."""

from datetime import datetime

from tests.live.calls import start
from tests.live.client import Client
from tests.live.phones import Phone


async def test_a_call_that_still_rings_is_ended_for_everybody(
    client: Client, alice: Phone, bob: Phone
) -> None:
    await bob.behave(answer=0)
    command = await client.begin("CallStart", {"caller": alice.uri, "callee": bob.uri})
    await bob.ringing()
    (call,) = (await client.result("CallList"))["calls"]

    ended = await client.run("CallEnd", {"callid": call["callid"]})

    assert len(ended) == 1
    assert (await command.error())["name"] in {"CallFailed", "UnknownCall"}
    await alice.idle()
    await bob.idle()


async def test_a_call_whose_caller_rings_is_ended_too(
    client: Client, alice: Phone, bob: Phone
) -> None:
    await alice.behave(answer=0)
    command = await client.begin("CallStart", {"caller": alice.uri, "callee": bob.uri})
    await alice.ringing()
    (call,) = (await client.result("CallList"))["calls"]

    await client.run("CallEnd", {"callid": call["callid"]})

    await command.error()
    await alice.idle()
    assert (await bob.state()).endings == []


async def test_the_call_id_of_either_leg_names_the_call(
    v2: Client, alice: Phone, bob: Phone
) -> None:
    await start(v2, alice, bob)
    callid_of_bob = (await bob.in_call()).callid

    frames = await v2.run("CallEnd", {"callid": callid_of_bob})

    assert [frame["params"]["event"] for frame in frames] == ["Ended"]
    await alice.idle()


async def test_a_call_ends_once_and_is_unknown_after(
    client: Client, alice: Phone, bob: Phone
) -> None:
    callid = await start(client, alice, bob)

    await client.run("CallEnd", {"callid": callid})
    again = await client.begin("CallEnd", {"callid": callid})

    assert (await again.error())["name"] == "UnknownCall"


async def test_a_call_on_hold_is_ended(v2: Client, alice: Phone, bob: Phone) -> None:
    callid = await start(v2, alice, bob)
    await v2.run("CallHold", {"callid": callid})

    await v2.run("CallEnd", {"callid": callid})

    await alice.idle()
    await bob.idle()


async def test_a_party_that_hangs_up_ends_the_call(v2: Client, alice: Phone, bob: Phone) -> None:
    await start(v2, alice, bob)

    await bob.ask("hangup_all")

    await alice.idle()


async def test_call_list_shows_every_call_page_by_page(
    client: Client, phones: dict[str, Phone]
) -> None:
    first = await start(client, phones["alice"], phones["bob"])
    second = await start(client, phones["carol"], phones["dave"])

    both = await client.result("CallList")
    page = await client.result("CallList", {"limit": 1})
    rest = await client.result("CallList", {"limit": 1, "after": page["next"]})

    assert [call["callid"] for call in both["calls"]] == [first, second]
    assert both["next"] is None
    assert page == {"calls": both["calls"][:1], "next": first}
    assert rest["calls"] == both["calls"][1:]
    call = both["calls"][0]
    assert datetime.fromisoformat(call.pop("started")).utcoffset() is not None
    assert call == {
        "callid": first,
        "state": "answered",
        "caller": phones["alice"].uri,
        "callee": phones["bob"].uri,
        "held": [],
    }
