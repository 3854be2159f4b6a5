"""One daemon and six phones for all tests of a worker; every test begins and ends without calls."""

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol

import pytest
import pytest_asyncio

from tests.fakes.outside import needs
from tests.live.baresip import Baresip
from tests.live.client import Client, connected
from tests.live.daemon import DOMAIN, Daemon
from tests.live.makes import NAMES, AnyPhone, Kind, start_other
from tests.live.phones import Phone, start_phone
from tests.live.sipp_phone import SippPhone

HERE = Path(__file__).parent
UDP_PHONES = ("alice", "bob", "carol", "dave")
TCP_PHONES = ("tina", "tom")
OTHERS = ("gina",)
"""Users whose phone only the test starts that wants it."""
RING_FOR = 2.5
"""Seconds an INVITE may ring; long for what is done meanwhile, short for who waits for its end."""


fixture = functools.partial(pytest_asyncio.fixture, loop_scope="session")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests here are live, and share one loop: that of the daemon's and the phones' pipes."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.live)
            if inspect.iscoroutinefunction(getattr(item, "function", None)):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            for program in ("baresip", "sipp"):
                if item.get_closest_marker(program):
                    item.add_marker(needs(program))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("live")


@pytest.fixture(scope="session")
def users() -> dict[str, str]:
    simple = {name: f"own-{name}" for name in NAMES.values()}  # baresip's takes no blank
    return simple | {name: f"{name}'s own" for name in (*UDP_PHONES, *TCP_PHONES, *OTHERS)}


@fixture(scope="session", name="daemon_of_all")
async def _daemon_of_all(folder: Path, users: dict[str, str]) -> AsyncIterator[Daemon]:
    daemon = Daemon(folder)
    try:
        await daemon.launch(users, embedded={"ring_for": RING_FOR})
        yield daemon
    finally:
        status = await daemon.end()
    assert status == 0
    assert daemon.complaints() == []
    log = daemon.log.read_text("utf-8")
    assert [password for password in users.values() if password in log] == []


@fixture(scope="session", name="phones_of_all")
async def _phones_of_all(
    daemon_of_all: Daemon, users: dict[str, str], folder: Path
) -> AsyncIterator[dict[str, Phone]]:
    phones: dict[str, Phone] = {}
    try:
        for name in (*UDP_PHONES, *TCP_PHONES):
            phones[name] = await start_phone(
                name,
                registrar=daemon_of_all.registrar,
                domain=DOMAIN,
                transport="tcp" if name in TCP_PHONES else "udp",
                password=users[name],
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
    daemon_of_all: Daemon, phones_of_all: dict[str, Phone]
) -> AsyncIterator[dict[str, Phone]]:
    """The phones, on their usual behaviour and without calls."""
    for phone in phones_of_all.values():
        await phone.behave()
    yield phones_of_all
    for phone in phones_of_all.values():
        await phone.ask("hangup_all")
    for phone in phones_of_all.values():
        await phone.idle()
    async with connected(daemon_of_all.url, "v2") as client:
        await no_call_is_left(client)


@fixture(scope="session", name="others_of_all")
async def _others_of_all() -> AsyncIterator[dict[Kind, Baresip | SippPhone]]:
    """Phones that are no PJSIP, each started by the first test that wants one of its kind."""
    others: dict[Kind, Baresip | SippPhone] = {}
    try:
        yield others
    finally:
        for phone in others.values():
            await phone.end()


class TakePhone(Protocol):
    """Gives a test the phone of a kind."""

    async def __call__(self, kind: Kind) -> AnyPhone: ...


@fixture()
async def take(
    daemon: Daemon,
    phones: dict[str, Phone],
    users: dict[str, str],
    folder: Path,
    others_of_all: dict[Kind, Baresip | SippPhone],
) -> AsyncIterator[TakePhone]:
    """Phones of every make, without calls before and after."""

    async def take(kind: Kind) -> AnyPhone:
        name = NAMES[kind]
        if kind.startswith("pjsip"):
            return phones[name]
        if kind not in others_of_all:
            others_of_all[kind] = await start_other(kind, daemon.registrar, users[name], folder)
        await others_of_all[kind].idle()
        return others_of_all[kind]

    yield take
    for phone in phones.values():
        await phone.ask("hangup_all")
    async with connected(daemon.url, "v2") as client:
        for call in (await client.result("CallList"))["calls"]:
            await client.run("CallEnd", {"callid": call["callid"]})
    for other in others_of_all.values():
        await other.idle()


async def no_call_is_left(client: Client) -> None:
    """Wait until the daemon has forgotten every call."""
    for _ in range(500):
        left = (await client.result("CallList"))["calls"]
        if not left:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"calls are left over: {left}")


@pytest.fixture
def daemon(daemon_of_all: Daemon, phones: dict[str, Phone]) -> Iterator[Daemon]:
    """The daemon, seen to be sound after the test too."""
    yield daemon_of_all
    assert daemon_of_all.complaints() == []


class MakePhone(Protocol):
    """Starts one more phone for one test, registered."""

    async def __call__(self, name: str, **options: object) -> Phone: ...


@fixture()
async def one_more(daemon: Daemon, users: dict[str, str], folder: Path) -> AsyncIterator[MakePhone]:
    """Phones of the test's own, which sign off at its end."""
    made: list[Phone] = []

    async def make(name: str, **options: object) -> Phone:
        phone = await start_phone(
            name,
            registrar=daemon.registrar,
            domain=DOMAIN,
            transport="udp",
            password=users[name],
            log=folder / f"{name}.log",
            **options,
        )
        made.append(phone)
        await phone.until(lambda state: state.registration == 200)
        return phone

    yield make
    try:
        for phone in made:
            await phone.ask("hangup_all")
            await phone.idle()
            await phone.ask("register", renew=False)
            await phone.until(lambda state: state.registration <= 0)
    finally:  # one that is left would ring in the tests to come
        for phone in made:
            await phone.close()


@pytest.fixture
def alice(phones: dict[str, Phone]) -> Phone:
    return phones["alice"]


@pytest.fixture
def bob(phones: dict[str, Phone]) -> Phone:
    return phones["bob"]


@pytest.fixture
def carol(phones: dict[str, Phone]) -> Phone:
    return phones["carol"]


@pytest.fixture
def dave(phones: dict[str, Phone]) -> Phone:
    return phones["dave"]


@fixture()
async def v1(daemon: Daemon) -> AsyncIterator[Client]:
    """A client that speaks v1."""
    async with connected(daemon.url, "v1") as client:
        yield client


@fixture()
async def v2(daemon: Daemon) -> AsyncIterator[Client]:
    """A client that speaks v2."""
    async with connected(daemon.url, "v2") as client:
        yield client


@fixture(params=["v1", "v2"])
async def client(daemon: Daemon, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """A client that speaks the one, then the other."""
    async with connected(daemon.url, request.param) as client:
        yield client
