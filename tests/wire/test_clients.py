"""Clients of every kind, on one daemon: rude ones, slow ones, many at once."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest
from websockets.asyncio.client import connect

from call_api.backends.base import StartStep
from call_api.model import CallId
from tests.fakes.scripted_backend import ScriptedBackend
from tests.wire.api import ALICE, BOB, JsonClient, address, running
from tests.wire.raw_client import BINARY, CLOSE, CONT, PING, PONG, TEXT, RawClient, frame


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(BINARY, b"{}"), 1003),
        (frame(TEXT, b'{"\xff":1}'), 1007),
        (frame(TEXT, b" " * 65537), 1009),
        (frame(TEXT, b"{}", masked=False), 1002),
    ],
)
async def test_a_rude_client_is_closed_and_the_others_do_not_notice(data: bytes, code: int) -> None:
    async with (
        running() as daemon,
        await JsonClient.to(daemon) as other,
        await JsonClient.to(daemon) as rude,
    ):
        rude.write(data)

        assert (await rude.closed())[0] == code
        _, told = await other.story("Echo")
        assert told[-1]["method"] == "Ended"


async def test_a_request_may_come_in_fragments_as_long_as_the_longest_message() -> None:
    async with running() as daemon, await JsonClient.to(daemon) as client:
        request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "Echo", "params": {"x": "é"}})
        text = request.encode().ljust(65536)
        client.send(TEXT, text[:70], fin=False)
        client.send(PING, b"between")
        client.send(CONT, text[70:65000], fin=False)
        client.send(CONT, text[65000:])

        assert await client.next() == (PONG, b"between")
        assert (await client.json())["result"]["status"] == "Started"


async def test_a_client_that_reads_nothing_is_turned_away_and_finds_all_of_it_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    long_text = "x" * 60_000
    async with running(ws_server={"max_queue": 65536, "silent_for": 1.0}) as daemon:
        slow = await JsonClient.to(daemon)
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it can read, too
        for number in range(200):
            slow.ask("Echo", {"cmd_id": f"c{number}", "text": long_text})
        async with asyncio.timeout(20):
            while "does not read" not in caplog.text:  # noqa: ASYNC110  # nothing else tells
                await asyncio.sleep(0.01)
        slow.writer.transport.resume_reading()  # type: ignore[attr-defined]  # likewise
        assert await slow.closed() == (1013, "does not read")
        slow.send(CLOSE, (1013).to_bytes(2))
        await slow.gone()
        await slow.close()

        async with await JsonClient.to(daemon) as back:
            await back.answer("CommandAttach", {"cmd_id": "c0"})
            assert (await back.json())["params"]["details"]["text"] == long_text
            assert (await back.json())["method"] == "Ended"


async def test_a_client_that_vanished_without_a_word_is_found_by_ping() -> None:
    async with running(ws_server={"ping_every": 0.1, "silent_for": 0.1}) as daemon:
        client = await JsonClient.to(daemon)

        assert await client.next() == (PING, b"")
        await client.gone()
        await client.close()


async def test_another_implementations_client_is_served() -> None:
    async with running() as daemon, connect(f"{daemon.urls[0]}/v2") as client:
        await client.send(json.dumps({"id": 1, "method": "Echo", "params": {"x": 1}}))
        told = [json.loads(await client.recv()) for _ in range(3)]

    assert [said.get("params", {}).get("event", "Started") for said in told] == [
        "Started",
        "Reply",
        "Ended",
    ]


async def test_answer_precedes_notifications_and_seq_has_no_gap_for_many_at_once() -> None:
    steps = [StartStep(state=s, callid=CallId("c")) for s in ("answered", "transferring")]
    steps += [StartStep(state=s, callid=CallId("c")) for s in ("start", "ok")]
    async with running(ScriptedBackend(*steps)) as daemon, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(await JsonClient.to(daemon)) for _ in range(50)]
        for client in clients:
            for number in range(10):
                client.ask("CallStart", {"caller": ALICE, "callee": BOB}, id=number)
        for client in clients:
            seen: dict[str, list[int]] = {}
            answered = 0
            while answered < 10 or any(seqs[-1:] != [5] for seqs in seen.values()):
                said = await client.json()
                if "result" in said:
                    answered += 1
                    seen[said["result"]["cmd_id"]] = []
                else:
                    seen[said["params"]["cmd_id"]].append(said["params"]["seq"])
            assert list(seen.values()) == [[1, 2, 3, 4, 5]] * 10


async def test_probes_tell_a_daemon_that_lives_from_one_that_works() -> None:
    class Silent(ScriptedBackend):
        def is_ready(self) -> str | None:
            return "no answer from the SIP proxy"

    async def get(path: str, method: str = "GET") -> tuple[str, bytes]:
        async with await RawClient.connect(address(daemon)) as client:
            client.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            return (await client.head()).split("\r\n")[0], await client.rest()

    async with running(Silent()) as daemon:
        assert await get("/healthz") == ("HTTP/1.1 200 OK", b"ok\n")
        assert await get("/readyz") == (
            "HTTP/1.1 503 Service Unavailable",
            b"no answer from the SIP proxy\n",
        )
        assert await get("/readyz", "HEAD") == ("HTTP/1.1 503 Service Unavailable", b"")
    async with running() as daemon:
        assert await get("/readyz") == ("HTTP/1.1 200 OK", b"ok\n")
        assert (await get("/nonsense"))[0] == "HTTP/1.1 404 Not Found"
