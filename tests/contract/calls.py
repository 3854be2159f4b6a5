"""Calls that a test needs before it begins."""

from call_api.model import CallId
from tests.contract.acting import run
from tests.contract.lab import Lab, LabPhone


async def started(lab: Lab, caller: LabPhone, callee: LabPhone) -> CallId:
    """Have two phones called and joined; return what commands call the call."""
    steps = await run(lab.backend.start(caller.uri, callee.uri))
    await talk(caller, callee)
    return steps[-1].callid


async def talk(*phones: LabPhone) -> None:
    for phone in phones:
        await phone.talks()


async def silent(*phones: LabPhone) -> None:
    for phone in phones:
        await phone.is_silent()


async def idle(*phones: LabPhone) -> None:
    for phone in phones:
        await phone.is_idle()
