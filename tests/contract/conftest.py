"""Each test gets a back end with phones, and leaves nothing behind."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import pytest

from call_api.backends.base import ACTING
from call_api.errors import UnknownCall
from tests.contract.acting import Right
from tests.contract.lab import WITHIN, Lab, LabPhone
from tests.contract.labs import LABS


def others() -> set[asyncio.Task[object]]:
    """All tasks but the one that asks: the parts of a fixture and its test have one each."""
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


@pytest.fixture(params=sorted(LABS))
async def lab(request: pytest.FixtureRequest) -> AsyncIterator[Lab]:
    before = others()
    ACTING.set(Right())  # for what a test asks for outside of a command of its own
    async with LABS[request.param]() as opened:
        idle = others()
        yield opened
        for call in (await opened.backend.calls(1000, None)).calls:
            with contextlib.suppress(UnknownCall):  # it may be ending by itself
                await opened.backend.end(call.callid)
        for phone in opened.phones.values():
            await phone.is_idle()
        assert (await opened.backend.calls(1000, None)).calls == []
        ending = others() - idle  # a BYE may still be on its way
        if ending:
            await asyncio.wait(ending, timeout=WITHIN)
        assert others() <= idle
    assert others() <= before


@pytest.fixture
def phones(lab: Lab) -> Mapping[str, LabPhone]:
    return lab.phones


@pytest.fixture
def alice(phones: Mapping[str, LabPhone]) -> LabPhone:
    return phones["alice"]


@pytest.fixture
def bob(phones: Mapping[str, LabPhone]) -> LabPhone:
    return phones["bob"]


@pytest.fixture
def carol(phones: Mapping[str, LabPhone]) -> LabPhone:
    return phones["carol"]


@pytest.fixture
def dave(phones: Mapping[str, LabPhone]) -> LabPhone:
    return phones["dave"]
