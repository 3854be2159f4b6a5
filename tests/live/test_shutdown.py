"""The daemon stops as it is told to, also with calls that still ring."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.live.client import connected
from tests.live.conftest import fixture
from tests.live.daemon import DOMAIN, Daemon
from tests.live.phones import Phone, start_phone


@fixture()
async def mortal(folder: Path) -> AsyncIterator[Daemon]:
    """A daemon for one test."""
    daemon = Daemon(folder)
    try:
        await daemon.launch({"erin": "x"}, shutdown_within=1.0, embedded={"ring_for": 30})
        yield daemon
    finally:
        await daemon.end()


@fixture()
async def erin(mortal: Daemon, folder: Path) -> AsyncIterator[Phone]:
    """Its only phone."""
    phone = await start_phone(
        "erin",
        registrar=mortal.registrar,
        domain=DOMAIN,
        transport="udp",
        password="x",
        behaviour={"answer": 0},
        log=folder / "erin.log",
    )
    try:
        await phone.until(lambda state: state.registration == 200)
        yield phone
    finally:
        await phone.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_running_command_is_cancelled_told_so_and_stops_ringing(
    mortal: Daemon, erin: Phone, number: int
) -> None:
    async with connected(mortal.url, "v2") as client:
        command = await client.begin("CallStart", {"caller": erin.uri, "callee": erin.uri})
        await erin.ringing()

        mortal.transport.send_signal(number)
        error = await command.error()
        code = await client.close_code()

    async with asyncio.timeout(10.0):
        status = await mortal.exited
    assert (error["code"], error["name"]) == (-32022, "CommandCancelled")
    assert code == 1001
    assert status == 0
    assert [ending.status for ending in (await erin.idle()).endings] == [487]
    assert mortal.complaints() == []
