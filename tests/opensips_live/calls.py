"""What tests here ask and arrange beyond what the live tests of the embedded back end do."""

from tests.live.client import Client, Command
from tests.live.phones import Phone

NOBODY = "sip:nobody@localhost"


async def begin(client: Client, caller: str, callee: str) -> Command:
    return await client.begin("CallStart", {"caller": caller, "callee": callee})


async def transfer(client: Client, callid: str, leg: str, destination: str) -> Command:
    params = {"callid": callid, "leg": leg, "destination": destination}
    return await client.begin("CallBlindTransfer", params)


async def succeeds(command: Command) -> str:
    """Wait for a good end; return what the call is called now."""
    frames = await command.end()
    events = [frame["params"]["event"] for frame in frames]
    assert "Error" not in events, frames
    member = "details" if command.client.dialect == "v1" else "data"
    callids = [frame["params"].get(member, {}).get("callid") for frame in frames]
    return str(next((callid for callid in reversed(callids) if callid), ""))


async def call_of(client: Client) -> str:
    """Return the Call-ID of the one call there is, as soon as there is only one."""
    for _ in range(100):
        calls = (await client.result("CallList"))["calls"]
        if len(calls) == 1:
            return str(calls[0]["callid"])
    raise AssertionError(f"there is not one call, but {calls}")


async def endings(phone: Phone) -> list[int]:
    """Return the last SIP status of every call of a phone that has none any more."""
    return [ending.status for ending in (await phone.idle()).endings]
