"""What phones do at the proxy by themselves: its configuration has to let them."""

import pytest

from tests.live.calls import start, talk
from tests.live.client import Client
from tests.live.phones import Phone
from tests.live.test_phones import (  # noqa: F401  they are tests of the example too
    PAIRS,
    call,
    test_a_call_to_nobody_is_refused,
    test_a_caller_that_hangs_up_while_it_rings_stops_the_ringing,
    test_a_phone_holds_a_call_and_takes_it_back,
    test_a_phone_that_signs_off_cannot_be_called_until_it_is_back,
    test_a_refer_to_nobody_is_told_and_the_call_goes_on,
    test_a_refusal_reaches_the_caller,
    test_commands_work_on_a_call_that_a_phone_made,
    test_phones_call_each_other_through_the_registrar,
)


@PAIRS
@pytest.mark.parametrize("who", ["caller", "callee"])
async def test_a_phone_hears_of_a_transfer_of_its_own(
    phones: dict[str, Phone], carol: Phone, one: str, other: str, who: str
) -> None:
    """No call of a command: the NOTIFYs are for the other phone."""
    near, far = await call(phones[one], phones[other])
    referrer, stays = (one, other) if who == "caller" else (other, one)
    callid = near if who == "caller" else far

    await phones[referrer].ask("transfer", callid=callid, to=carol.uri)

    await phones[referrer].until(lambda state: state.calls[0].transfer[-1:] == [200] or None)
    await phones[referrer].ask("hangup_all")
    await phones[stays].until(lambda state: len(state.calls) == 1 or None)
    await talk(phones[stays], carol)


async def test_a_phone_refers_a_call_that_a_command_made(
    v2: Client, alice: Phone, bob: Phone, carol: Phone
) -> None:
    callid = await start(v2, alice, bob)

    await alice.ask("transfer", callid=callid, to=carol.uri)

    await alice.until(lambda state: state.calls[0].transfer[-1:] == [200] or None)
    await alice.ask("hangup_all")
    await bob.until(lambda state: len(state.calls) == 1 or None)
    await talk(bob, carol)
