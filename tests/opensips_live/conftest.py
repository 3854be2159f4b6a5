"""One OpenSIPS, one daemon and some phones for all tests of a worker.

Collected only where the two variables say which OpenSIPS it is (``make test-opensips``). With
OPENSIPS_RUNS every test runs as often as it says.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.live import baresip
from tests.live.client import Client, connected
from tests.live.conftest import (  # noqa: F401  fixtures
    alice,
    bob,
    carol,
    client,
    dave,
    fixture,
    one_more,
    v1,
    v2,
)
from tests.live.daemon import DOMAIN
from tests.live.phones import Phone, start_phone
from tests.opensips_live.daemon import ProxyDaemon
from tests.opensips_live.opensips import BIN, MODULES, OpenSips

HERE = Path(__file__).parent
UDP_PHONES = ("alice", "bob", "carol", "dave")
TCP_PHONES = ("tina", "tom")
RING_FOR = 2.5
"""Seconds a phone may ring; long for what is done meanwhile, short for who waits for its end."""
RUNS = int(os.environ.get("OPENSIPS_RUNS") or 1)

collect_ignore_glob = [] if BIN and MODULES else ["test_*.py"]
if not baresip.BIN:
    collect_ignore_glob.append("test_baresip.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests here share one loop: that of the pipes of proxy, daemon and phones."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.opensips)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def pytest_report_header() -> str | None:
    """Say what is examined."""
    if not BIN:
        return None
    without = "" if baresip.BIN else ", without baresip, which is not there"
    return f"opensips: {BIN}, every test {RUNS} times{without}"


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Something measured, to be shown in the summary."""
    return lambda text: record_property("told", text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "told":
                terminalreporter.write_line(str(text))


@pytest.fixture(autouse=True, params=range(1, RUNS + 1))
def run(request: pytest.FixtureRequest) -> int:
    """Which time it is that the test runs."""
    number: int = request.param
    return number


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("opensips")


@pytest.fixture(scope="session")
def users() -> dict[str, str]:
    """Nobody needs a password here."""
    return dict.fromkeys((*UDP_PHONES, *TCP_PHONES, "gina"), "")


@fixture(scope="session", name="proxy_of_all")
async def _proxy_of_all(folder: Path) -> AsyncIterator[OpenSips]:
    proxy = OpenSips(folder)
    try:
        await proxy.launch()
        yield proxy
    finally:
        await proxy.end()


@fixture(scope="session", name="daemon_of_all")
async def _daemon_of_all(folder: Path, proxy_of_all: OpenSips) -> AsyncIterator[ProxyDaemon]:
    daemon = ProxyDaemon(folder, proxy_of_all)
    try:
        await daemon.launch({}, sip={"ring_for": RING_FOR})
        yield daemon
    finally:
        status = await daemon.end()
    assert status == 0
    assert daemon.complaints() == []


@fixture(scope="session", name="phones_of_all")
async def _phones_of_all(proxy_of_all: OpenSips, folder: Path) -> AsyncIterator[dict[str, Phone]]:
    phones: dict[str, Phone] = {}
    try:
        for name in (*UDP_PHONES, *TCP_PHONES):
            phones[name] = await start_phone(
                name,
                registrar=proxy_of_all.registrar,
                domain=DOMAIN,
                transport="tcp" if name in TCP_PHONES else "udp",
                log=folder / f"{name}.log",
            )
        for phone in phones.values():
            await phone.until(lambda state: state.registration == 200)
        yield phones
    finally:
        for phone in phones.values():
            await phone.close()


@fixture()
async def phones(
    proxy_of_all: OpenSips, daemon_of_all: ProxyDaemon, phones_of_all: dict[str, Phone]
) -> AsyncIterator[dict[str, Phone]]:
    """The phones, on their usual behaviour and without calls."""
    for phone in phones_of_all.values():
        await phone.behave()
    yield phones_of_all
    for phone in phones_of_all.values():
        await phone.ask("hangup_all")
    for phone in phones_of_all.values():
        await phone.idle()
    await proxy_of_all.has_only()
    async with connected(daemon_of_all.url, "v2") as watching:
        await no_command_is_left(watching)


async def no_command_is_left(client: Client) -> None:  # noqa: F811  the fixture's name fits
    """See that no command runs any more."""
    commands = (await client.result("CommandList"))["commands"]
    assert [command for command in commands if command["state"] != "ended"] == []


@pytest.fixture
def daemon(daemon_of_all: ProxyDaemon, phones: dict[str, Phone]) -> Iterator[ProxyDaemon]:
    """The daemon, seen to be sound after the test too."""
    yield daemon_of_all
    assert daemon_of_all.complaints() == []


@fixture()
async def mortal(proxy: OpenSips, folder: Path) -> AsyncIterator[Phone]:
    """A phone of the test's own, that may die of it."""
    phone = await start_phone(
        "mort",
        registrar=proxy.registrar,
        domain=DOMAIN,
        transport="udp",
        log=folder / "mort.log",
    )
    try:
        await phone.until(lambda state: state.registration == 200)
        yield phone
    finally:
        await phone.close()
        await proxy.ask("ul_rm", table_name="location", aor="mort")


@pytest.fixture
def proxy(proxy_of_all: OpenSips, daemon: ProxyDaemon) -> OpenSips:
    return proxy_of_all
