"""CallEnd in every state of a call, and CallList, which shows them."""

from tests.live.client import Client
from tests.live.phones import Phone
from tests.live.test_call_end import (  # noqa: F401  they are tests of this back end too
    test_a_call_ends_once_and_is_unknown_after,
    test_a_call_on_hold_is_ended,
    test_a_call_whose_caller_rings_is_ended_too,
    test_a_party_that_hangs_up_ends_the_call,
    test_call_list_shows_every_call_page_by_page,
    test_the_call_id_of_either_leg_names_the_call,
)
from tests.opensips_live.calls import begin
from tests.opensips_live.opensips import OpenSips


async def test_a_call_whose_callee_rings_is_ended_for_everybody(
    client: Client, proxy: OpenSips, alice: Phone, bob: Phone
) -> None:
    await bob.behave(answer=0)
    command = await begin(client, alice.uri, bob.uri)
    ringing = await bob.ringing()

    ended = await client.run("CallEnd", {"callid": ringing.callid})

    assert len(ended) == 1
    assert (await command.error())["name"] == "CallFailed"
    await alice.idle()
    await bob.idle()
    await proxy.has_only()


async def test_the_first_call_of_a_start_may_be_ended_while_the_callee_rings(
    client: Client, proxy: OpenSips, alice: Phone, bob: Phone
) -> None:
    await bob.behave(answer=0)
    command = await begin(client, alice.uri, bob.uri)
    ringing = await bob.ringing()
    (first,) = [callid for callid in await proxy.calls() if callid != ringing.callid]

    await client.run("CallEnd", {"callid": first})
    await client.result("CommandCancel", {"cmd_id": command.cmd_id})

    await command.error()
    await alice.idle()
    await bob.idle()
    await proxy.has_only()
