"""Backend.remains and its like, as far as every back end knows its own calls."""

from call_api.model import CallId
from tests.contract.acting import acting, begin
from tests.contract.calls import idle, silent, started, talk
from tests.contract.lab import Lab, LabPhone


async def test_a_call_that_is_up_is_left_as_it_is(lab: Lab, alice: LabPhone, bob: LabPhone) -> None:
    callid = await started(lab, alice, bob)

    remains = await lab.backend.remains(callid)

    assert (remains.callid, remains.call, list(remains.held)) == (callid, "up", [])
    await begin(lab.backend.hold(callid, ["caller", "callee"]))
    await silent(alice, bob)
    assert set((await lab.backend.remains(callid)).held) == {"caller", "callee"}
    await begin(lab.backend.unhold(callid, ["caller", "callee"]))
    await talk(alice, bob)


async def test_a_call_that_was_made_is_up_by_what_was_told_of_it(
    lab: Lab, alice: LabPhone, bob: LabPhone
) -> None:
    callid = await started(lab, alice, bob)

    async with acting():
        remains = await lab.backend.remains_of_start(callid)

    assert (remains.callid, remains.call) == (callid, "up")
    await talk(alice, bob)


async def test_of_a_call_that_nobody_made_nothing_is_known(lab: Lab, alice: LabPhone) -> None:
    nobodys = CallId("nobody's")

    async with acting():
        found = [
            await lab.backend.remains(nobodys),
            await lab.backend.remains_of_start(None),
            await lab.backend.remains_of_transfer((nobodys,), None),
        ]

    assert {remains.call for remains in found} <= {"gone", "unknown"}
    await idle(alice)
