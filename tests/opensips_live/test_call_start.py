"""CallStart: who does not answer, who goes away, who does not let itself be referred."""

import asyncio

import pytest

from tests.live.calls import talk
from tests.live.client import Client
from tests.live.phones import Phone
from tests.live.test_call_start import (  # noqa: F401  they are tests of this back end too
    test_a_busy_phone_of_a_user_leaves_the_others_ringing,
    test_a_callee_that_is_not_registered_releases_the_caller,
    test_a_callee_that_never_answers_is_given_up_and_the_caller_released,
    test_a_callee_that_refuses_after_ringing_fails_it,
    test_a_callee_that_refuses_releases_the_caller,
    test_a_caller_that_hangs_up_while_the_callee_rings_ends_it,
    test_a_caller_that_is_not_registered_is_told_as_such,
    test_a_caller_that_never_answers_is_given_up_and_cancelled,
    test_a_caller_that_refuses_fails_it_and_the_callee_never_rings,
    test_a_cancelled_start_stops_the_callee_ringing_and_releases_the_caller,
    test_a_cancelled_start_stops_the_caller_ringing,
    test_a_client_that_leaves_changes_nothing_and_another_one_sees_it_all,
    test_a_phone_that_is_dead_does_not_hang_the_command,
    test_a_retry_with_its_cmd_id_starts_no_second_call,
    test_a_start_cancelled_at_any_event_leaves_nobody_in_a_call,
    test_a_start_cancelled_at_any_time_ends_and_leaves_all_or_nothing,
    test_all_phones_of_a_user_ring_and_the_first_answer_wins,
    test_phones_talk_over_tcp_and_over_both,
    test_phones_without_a_common_codec_are_not_joined,
    test_the_ceiling_of_a_command_ends_it_in_time,
)
from tests.opensips_live.calls import NOBODY, begin, call_of, endings, succeeds
from tests.opensips_live.opensips import OpenSips


async def test_nothing_is_left_of_the_first_call(
    client: Client, proxy: OpenSips, alice: Phone, bob: Phone
) -> None:
    callid = await succeeds(await begin(client, alice.uri, bob.uri))

    await proxy.has_only(callid)
    await alice.until(lambda state: [call.callid for call in state.calls] == [callid] or None)
    await bob.until(lambda state: [call.callid for call in state.calls] == [callid] or None)
    assert await call_of(client) == callid
    await talk(alice, bob)


async def test_a_callee_that_is_nobody_is_told_with_the_true_status(
    client: Client, proxy: OpenSips, alice: Phone
) -> None:
    command = await begin(client, alice.uri, NOBODY)

    error = await command.error()
    assert (error["name"], error["status"], error["reason"]) == ("CallFailed", 404, "Not Found")
    await alice.idle()
    await proxy.has_only()


@pytest.mark.parametrize(("status", "reason"), [(603, "Decline"), (405, "Method Not Allowed")])
async def test_a_caller_that_refuses_the_refer_is_told_with_its_own_words(
    client: Client, proxy: OpenSips, alice: Phone, bob: Phone, status: int, reason: str
) -> None:
    await alice.behave(refer=status)

    command = await begin(client, alice.uri, bob.uri)

    error = await command.error()
    assert (error["name"], error["status"], error["reason"]) == ("CallFailed", status, reason)
    await alice.idle()
    assert (await bob.state()).endings == []
    await proxy.has_only()


async def test_a_caller_that_never_answers_the_refer_ends_in_time(
    client: Client, proxy: OpenSips, mortal: Phone, bob: Phone
) -> None:
    command = await begin(client, mortal.uri, bob.uri)
    await command.event("CallerAnswered")
    mortal.die()

    error = await command.error()

    assert (error["name"], error["status"]) == ("CallFailed", 408)
    assert (await bob.state()).endings == []
    await proxy.has_only()


@pytest.mark.parametrize("wait", [0.0, 0.005, 0.015, 0.025, 0.05])
async def test_a_caller_that_hangs_up_soon_after_answering_ends_it(
    client: Client, proxy: OpenSips, alice: Phone, bob: Phone, wait: float
) -> None:
    await bob.behave(answer=0)
    command = await begin(client, alice.uri, bob.uri)
    await command.event("CallerAnswered")
    await asyncio.sleep(wait)

    await alice.ask("hangup_all")

    assert (await command.error())["name"] == "CallFailed"
    await alice.idle()
    await bob.idle()
    await proxy.has_only()


async def test_two_starts_at_once_do_not_mix(client: Client, phones: dict[str, Phone]) -> None:
    alice, bob, carol, dave = (phones[name] for name in ("alice", "bob", "carol", "dave"))

    one = await begin(client, alice.uri, bob.uri)
    other = await begin(client, carol.uri, dave.uri)

    callids = [await succeeds(one), await succeeds(other)]
    assert [(await phone.in_call(callids[0])).callid for phone in (alice, bob)]
    assert [(await phone.in_call(callids[1])).callid for phone in (carol, dave)]
    await talk(alice, bob, carol, dave)


async def test_a_failed_start_leaves_another_one_alone(
    client: Client, phones: dict[str, Phone]
) -> None:
    alice, bob, carol, dave = (phones[name] for name in ("alice", "bob", "carol", "dave"))
    await dave.behave(answer=486)
    await bob.behave(after=0.4)

    one = await begin(client, alice.uri, bob.uri)
    other = await begin(client, carol.uri, dave.uri)

    assert (await other.error())["status"] == 486
    await succeeds(one)
    await talk(alice, bob)
    assert await endings(dave) == [486]
