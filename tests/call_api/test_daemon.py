import asyncio
import errno
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec import structs

from call_api.backends.base import Backend
from call_api.config import Commands, Config, Journal, Log, WsServer
from call_api.daemon import CannotStart, Daemon, OpenBackend, run, serving
from call_api.errors import ProxyUnreachable
from call_api.logs import LogFile
from tests.fakes.records import record
from tests.fakes.scripted_backend import ScriptedBackend

HERE = Config(ws_server=WsServer(host="127.0.0.1", port=0), shutdown_within=0.1)


def opener(backend: Backend | None = None, problem: Exception | None = None) -> OpenBackend:
    @asynccontextmanager
    async def open_backend(_: Config) -> AsyncIterator[Backend]:
        if problem is not None:
            raise problem
        async with asyncio.TaskGroup():  # as back ends have one
            yield backend or ScriptedBackend()

    return open_backend


class WithAddress(ScriptedBackend):
    host = "127.0.0.1"
    port = 5070


async def test_a_daemon_says_where_it_is_and_that_it_is_ready() -> None:
    async with serving(HERE, opener(WithAddress())) as daemon:
        first, second = daemon.urls
        assert first.startswith("ws://127.0.0.1:")
        assert second == "sip:127.0.0.1:5070"
        assert daemon.is_ready() is None
    assert daemon.is_ready() == "the daemon shuts down"


async def test_the_back_end_and_the_journal_have_a_say_in_readiness() -> None:
    class Deaf(ScriptedBackend):
        def is_ready(self) -> str | None:
            return "no answer"

    async with serving(HERE, opener(Deaf())) as daemon:
        assert daemon.is_ready() == "no answer"
    full = structs.replace(HERE, commands=Commands(running=1))
    async with serving(full, opener()) as daemon:
        await daemon.journal.claim(record())
        assert daemon.is_ready() == "too many commands run"


async def test_with_a_path_commands_survive_the_daemon(tmp_path: Path) -> None:
    durable = structs.replace(HERE, journal=Journal(path=str(tmp_path / "journal.db")))
    async with serving(durable, opener()) as daemon:
        await daemon.journal.claim(record())

    async with serving(durable, opener()) as daemon:
        assert [one.record.cmd_id for one in await daemon.journal.commands(None)] == ["a"]


async def test_a_path_that_cannot_be_a_journal_is_refused_by_the_name_of_its_key() -> None:
    durable = structs.replace(HERE, journal=Journal(path="/nowhere/journal.db"))

    with pytest.raises(CannotStart) as caught:
        async with serving(durable, opener()):
            pass

    assert caught.value.key == "journal.path"
    assert str(caught.value).startswith("a file that can be written, /nowhere/journal.db: No such")


@pytest.mark.parametrize(
    ("problem", "message", "key"),
    [
        (
            OSError(errno.EADDRINUSE, "Address already in use"),
            "back end embedded, 127.0.0.1:5060: another program has this port",
            None,
        ),
        (
            socket.gaierror(-2, "Name or service not known"),
            "back end embedded, 127.0.0.1:5060: Name or service not known",
            None,
        ),
        (
            ProxyUnreachable("silence"),
            "back end embedded, 127.0.0.1:5060: no answer from the SIP proxy: silence",
            None,
        ),
        (OSError("two\nlines"), "back end embedded, 127.0.0.1:5060: two lines", None),
        (OSError(), "back end embedded, 127.0.0.1:5060: OSError", None),
        (ValueError("mi.url: expected a port"), "a port", "mi.url"),
    ],
)
async def test_a_back_end_that_cannot_be_opened_is_one_line(
    problem: Exception, message: str, key: str | None
) -> None:
    with pytest.raises(CannotStart) as caught:
        async with serving(HERE, opener(problem=problem)):
            pass

    assert (str(caught.value), caught.value.key) == (message, key)


async def test_a_back_end_without_an_address_is_named_alone() -> None:
    config = structs.replace(HERE, backend="opensips")

    with pytest.raises(CannotStart, match=r"^back end opensips: no$"):
        async with serving(config, opener(problem=OSError("no"))):
            pass


async def test_a_port_that_is_taken_is_one_line_also_through_the_back_ends_tasks() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        config = structs.replace(HERE, ws_server=WsServer(host="127.0.0.1", port=port))
        with pytest.raises(CannotStart) as caught:
            await run(config, opener())

    assert str(caught.value) == (
        f"ws_server: cannot listen on 127.0.0.1:{port}: another program has this port"
    )


async def test_a_back_end_that_fails_later_is_no_failed_start() -> None:
    @asynccontextmanager
    async def failing(_: Config) -> AsyncIterator[Backend]:
        async with asyncio.TaskGroup():
            yield ScriptedBackend()
            raise KeyError("bug")

    with pytest.raises(ExceptionGroup):
        await run(HERE, failing, on_ready=lambda _: os.kill(os.getpid(), signal.SIGTERM))


async def ends(daemon_runs: Awaitable[None]) -> None:
    async with asyncio.timeout(10):
        await daemon_runs


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it(number: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    await ends(run(HERE, opener(), on_ready=lambda _: os.kill(os.getpid(), number)))

    lines = [record.getMessage() for record in caplog.records]
    assert signal.Signals(number).name in lines
    assert lines[-1] == "stopped"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def test_hangup_reopens_the_log_file_and_nothing_else(tmp_path: Path) -> None:
    log_file = LogFile(tmp_path / "api.log")
    seen: list[bool] = []

    def rotate(_: Daemon) -> None:
        (tmp_path / "api.log").rename(tmp_path / "api.log.1")
        os.kill(os.getpid(), signal.SIGHUP)
        asyncio.get_running_loop().call_later(0.05, look)

    def look() -> None:
        seen.append((tmp_path / "api.log").exists())
        os.kill(os.getpid(), signal.SIGTERM)

    try:
        await ends(run(HERE, opener(), log_file=log_file, on_ready=rotate))
    finally:
        log_file.close()

    assert seen == [True]


async def test_hangup_without_a_log_file_does_nothing() -> None:
    def hang_up(_: Daemon) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)

    await ends(run(HERE, opener(), on_ready=hang_up))


async def test_what_runs_beside_starts_before_it_is_ready_and_stops_first() -> None:
    order: list[str] = []

    @asynccontextmanager
    async def beside(daemon: Daemon) -> AsyncIterator[None]:
        order.append("begins")
        yield
        order.append(f"ends, daemon ready: {daemon.is_ready() is None}")

    def on_ready(_: Daemon) -> None:
        order.append("ready")
        os.kill(os.getpid(), signal.SIGTERM)

    await ends(run(HERE, opener(), beside=beside, on_ready=on_ready))

    assert order == ["begins", "ready", "ends, daemon ready: True"]


async def test_what_runs_beside_may_fail_to_start() -> None:
    def beside(_: Daemon) -> "asyncio.Timeout":
        raise OSError(errno.EMFILE, "Too many open files")

    failing: Callable[[Daemon], asyncio.Timeout] = beside
    with pytest.raises(CannotStart, match="demo: Too many open files"):
        await run(HERE, opener(), beside=failing)


def test_the_settings_for_logs_are_not_the_daemons_business() -> None:
    assert Config().log == Log()
