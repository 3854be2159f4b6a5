"""How long CallStart waits from the caller's ACK to the REFER, as the caller's phone sees it."""

import statistics
from collections.abc import Callable

from tests.live.client import Client
from tests.live.phones import Phone
from tests.opensips_live.calls import begin, succeeds

CALLS = 30
MOST = 0.050


async def test_a_start_adds_less_than_fifty_milliseconds(
    v2: Client, alice: Phone, bob: Phone, tell: Callable[[str], None]
) -> None:
    await bob.behave(after=0.0)
    waits = []
    for _ in range(CALLS):
        await alice.behave()
        callid = await succeeds(await begin(v2, alice.uri, bob.uri))
        first = await alice.until(lambda state: state.endings)
        waits.append(first[0].referred_at - first[0].confirmed_at)
        await succeeds(await v2.begin("CallEnd", {"callid": callid}))
        await alice.idle()
        await bob.idle()

    waits.sort()
    tell(
        f"CallStart waits from ACK to REFER: median {statistics.median(waits) * 1000:.1f} ms, "
        f"{waits[0] * 1000:.1f} to {waits[-1] * 1000:.1f} ms in {CALLS} calls"
    )
    assert statistics.median(waits) < MOST
