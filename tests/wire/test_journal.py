"""Commands survive the daemon: what had ended is told again, word for word."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from call_api.backends.base import StartStep
from call_api.config import Journal
from call_api.model import CallId
from tests.fakes.scripted_backend import ScriptedBackend
from tests.wire.api import ALICE, BOB, JsonClient, running

TALK = {"caller": ALICE, "callee": BOB}
STEPS = (
    StartStep(state="answered", callid=CallId("x")),
    StartStep(state="start", callid=CallId("x")),
    StartStep(state="ok", callid=CallId("x")),
)


@asynccontextmanager
async def client_of(
    folder: Path, backend: ScriptedBackend, path: str = "/call-api"
) -> AsyncIterator[JsonClient]:
    """A daemon with its journal in a folder, and a client of it."""
    journal = Journal(path=str(folder / "journal.db"))
    async with running(backend, journal=journal) as daemon, await JsonClient.to(daemon, path) as it:
        yield it


async def test_a_restarted_daemon_answers_a_retry_with_what_was_and_does_nothing(
    tmp_path: Path,
) -> None:
    async with client_of(tmp_path, ScriptedBackend(*STEPS), "/call-api/v2") as client:
        cmd_id, told = await client.story("CallStart", TALK)

    backend = ScriptedBackend()
    async with client_of(tmp_path, backend, "/call-api/v2") as client:
        again = await client.story("CallStart", {**TALK, "cmd_id": cmd_id})
        status = await client.answer("CommandStatus", {"cmd_id": cmd_id})
        other = await client.answer("CallStart", {**TALK, "cmd_id": cmd_id, "caller": BOB})

    assert again == (cmd_id, told)
    assert len(told) == 5
    assert (status["result"]["state"], status["result"]["outcome"]) == ("ended", "ok")
    assert other["error"]["code"] == -32004
    assert backend.asked == []


async def test_a_client_that_comes_back_to_a_restarted_daemon_hears_the_rest(
    tmp_path: Path,
) -> None:
    async with client_of(tmp_path, ScriptedBackend(*STEPS)) as client:
        cmd_id, told = await client.story("CallStart", TALK)

    async with client_of(tmp_path, ScriptedBackend()) as client:
        answer = await client.answer("CommandAttach", {"cmd_id": cmd_id, "after": 3})
        rest = [await client.json() for _ in told[3:]]

    assert answer["result"] == {"cmd_id": cmd_id, "state": "ended", "seq": len(told)}
    assert rest == told[3:]
