"""A machine that runs out of disk or of descriptors, and one that stops the daemon under load."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.fakes.opensips.manners import Manner
from tests.fakes.opensips.trouble import Trouble
from tests.fakes.programs import run
from tests.fakes.proxy import FakeProxy
from tests.faults.crash import stop_under_load
from tests.faults.outside import FREE, Outside, daemon, until
from tests.faults.proxy_trouble import ALICE, BOB, Patient, troubled
from tests.faults.sockets import connect
from tests.faults.test_proxy import readiness
from tests.wire.api import JsonClient

UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
V2 = "/call-api/v2"


def names(told: list[Any]) -> list[str]:
    return [one["params"]["event"] for one in told]


async def fill(client: JsonClient) -> dict[str, Any]:
    """Send commands until one is refused; return the refusal."""
    for number in range(1000):
        frame = await client.answer("Echo", {"x": "y" * 2000}, id=f"fill-{number}")
        if "error" in frame:
            assert frame["id"] == f"fill-{number}"
            error: dict[str, Any] = frame["error"]
            return error
        while frame.get("method") is None or frame["params"]["event"] != "Ended":
            frame = await client.json()
    raise AssertionError("the disk is endless")


def first_leg(proxy: FakeProxy) -> str:
    headers: str = proxy.asked_of("t_uac_dlg")[0]["headers"]
    return headers.partition("Call-ID: ")[2].split()[0]


async def ready(outside: Outside) -> None:
    async with asyncio.timeout(5):
        while await asyncio.to_thread(readiness, outside) != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_a_full_disk_refuses_commands_holds_back_steps_and_loses_nothing(
    tmp_path: Path,
) -> None:
    path = str(tmp_path / "journal.db")
    async with (
        troubled(
            Trouble(),
            may_log="the journal cannot be written",
            CALL_API_JOURNAL_PATH=path,
            CALL_API_MI_REPLY_WITHIN="5",
        ) as (proxy, outside),
        await Patient.open(outside.address, V2) as calls,
        await Patient.open(outside.address, V2) as others,
    ):
        proxy.switch.phones["bob"] = Manner(answers="")
        started = await calls.answer("CallStart", {"caller": BOB, "callee": ALICE})
        cmd_id = started["result"]["cmd_id"]
        await until(lambda: bool(proxy.asked_of("t_uac_dlg")))

        resource.prlimit(outside.pid, resource.RLIMIT_FSIZE, (65536, resource.RLIM_INFINITY))
        refused = await fill(others)
        assert refused["code"] == -32006
        assert refused["data"]["reason"] in ("disk I/O error", "database or disk is full")
        assert await asyncio.to_thread(readiness, outside) == 503
        error = (await others.answer("CallEnd", {"callid": "x"}))["error"]
        assert error["code"] == -32006
        assert proxy.asked_of("dlg_end_dlg") == [], "done although it is not kept"

        proxy.switch.decline(first_leg(proxy))  # the phone refuses while nothing can be kept
        await asyncio.sleep(0.5)
        status = (await others.answer("CommandStatus", {"cmd_id": cmd_id}))["result"]
        assert (status["state"], status["seq"]) == ("running", 0)

        resource.prlimit(outside.pid, resource.RLIMIT_FSIZE, UNLIMITED)
        told = [await calls.json(), await calls.json()]
        assert names(told) == ["Error", "Ended"]
        assert told[0]["params"]["error"]["status"] == 603
        await ready(outside)
        _, again = await others.story("Echo", {"x": 1})
        assert names(again) == ["Reply", "Ended"]


@contextmanager
def few_descriptors(outside: Outside, spare: int) -> Iterator[None]:
    """Let the daemon open only so many more files and sockets."""
    before = resource.prlimit(outside.pid, resource.RLIMIT_NOFILE)
    few = outside.descriptors + spare
    resource.prlimit(outside.pid, resource.RLIMIT_NOFILE, (few, before[1]))
    try:
        yield
    finally:
        resource.prlimit(outside.pid, resource.RLIMIT_NOFILE, before)


async def test_without_descriptors_clients_that_are_there_are_served_and_others_later(
    tmp_path: Path,
) -> None:
    with daemon(
        may_log="out of system resource", CALL_API_JOURNAL_PATH=str(tmp_path / "journal.db")
    ) as outside:
        async with await JsonClient.open(outside.address, V2) as client:
            with few_descriptors(outside, spare=5):
                crowd = [connect(outside.address) for _ in range(30)]
                await until(lambda: outside.descriptors >= outside.descriptors_at_first + 6)
                for _ in range(20):
                    _, told = await client.story("Echo", {"x": 1})
                    assert names(told) == ["Reply", "Ended"]
                before = outside.cpu_seconds
                await asyncio.sleep(1.0)
                assert outside.cpu_seconds - before < 0.5, "it turns round and round"
                for one in crowd:
                    one.close()
                await until(lambda: outside.descriptors == outside.descriptors_at_first + 1)
                await outside.still_serves()
        await outside.has_let_go()


async def test_sigterm_under_load_ends_every_command_and_the_next_daemon_knows_them_all() -> None:
    await stop_under_load("opensips", rounds=2, seed=3)


def test_a_second_daemon_on_the_same_journal_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "journal.db")
    with daemon(CALL_API_JOURNAL_PATH=path):
        ended = run(tmp_path, "call-api", **FREE, CALL_API_JOURNAL_PATH=path)

    assert ended.status == 2
    assert "journal.path: expected a file that no other daemon uses" in ended.err
