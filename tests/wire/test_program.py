"""The daemon as a process: what it prints, its exit statuses, its signals."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.fakes.programs import BIN, LIMIT, Program, environment, run, running
from tests.wire.api import ALICE, BOB, JsonClient

FREE = {
    "CALL_API_WS_SERVER_HOST": "127.0.0.1",
    "CALL_API_WS_SERVER_PORT": "0",
    "CALL_API_EMBEDDED_PORT": "0",
}


def ready(program: Program) -> tuple[str, int]:
    """Return where the daemon listens, which is the first thing that it says."""
    words = program.line().split()
    assert words[0] == "ready"
    assert words[2].startswith("sip:127.0.0.1:")
    host, _, port = words[1].removeprefix("ws://").removesuffix("/call-api").rpartition(":")
    return host, int(port)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(tmp_path: Path, number: int) -> None:
    with running(tmp_path, "call-api", env=FREE) as program:
        ready(program)
        program.process.send_signal(number)
        ended = program.end()

    assert (ended.status, ended.out) == (0, "")
    assert "Traceback" not in ended.err
    assert ended.err.splitlines()[-1].endswith(" INFO  - stopped")


async def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with running(tmp_path, "call-api", env=FREE) as program:
        address = ready(program)
        async with await JsonClient.open(address) as stubborn:
            program.process.terminate()
            assert (await stubborn.closed())[0] == 1001  # it waits for our answer
            program.process.terminate()
            ended = await asyncio.to_thread(program.end)

    assert ended.status == 128 + signal.SIGTERM
    assert ended.err.splitlines()[-1].endswith(" WARN  - stopped at once, by a second signal")


async def test_real_frames_come_from_the_real_program(tmp_path: Path) -> None:
    with running(tmp_path, "call-api", env=FREE) as program:
        address = ready(program)
        async with await JsonClient.open(address, "/call-api/v2") as client:
            _, told = await client.story("CallStart", {"caller": ALICE, "callee": BOB})
            assert [frame["params"]["event"] for frame in told] == ["Error", "Ended"]
            program.process.terminate()
            assert await client.closed() == (1001, "the daemon shuts down")
        assert program.end().status == 0


def test_hangup_reopens_the_log_file(tmp_path: Path) -> None:
    log, moved = tmp_path / "api.log", tmp_path / "api.log.1"
    env = {**FREE, "CALL_API_LOG_FILE_PATH": str(log), "CALL_API_LOG_FORMAT": "json"}
    with running(tmp_path, "call-api", env=env) as program:
        ready(program)
        log.rename(moved)
        program.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 10
        while not log.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        program.process.terminate()
        ended = program.end()

    assert (ended.status, ended.err) == (0, "")
    said = [
        [json.loads(line)["message"] for line in f.read_text().splitlines()] for f in (moved, log)
    ]
    assert any(message.startswith("ready: ws://") for message in said[0])
    assert said[1][-1] == "stopped"


def test_a_taken_port_is_one_line_and_status_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        log = tmp_path / "api.log"
        env = {**FREE, "CALL_API_WS_SERVER_PORT": port, "CALL_API_LOG_FILE_PATH": str(log)}
        ended = run(tmp_path, "call-api", **env)

    line = f"ws_server: cannot listen on 127.0.0.1:{port}: another program has this port"
    assert (ended.status, ended.out, ended.err) == (1, "", f"call-api: {line}\n")
    assert log.read_text().splitlines()[-1].endswith(f" ERROR - {line}")


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_taken_sip_port_is_one_line_and_status_1(tmp_path: Path, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            other.listen()
        port = other.getsockname()[1]
        env = {**FREE, "CALL_API_EMBEDDED_PORT": str(port), "CALL_API_LOG_LEVEL": "ERROR"}
        ended = run(tmp_path, "call-api", **env)

    assert (ended.status, ended.out) == (1, "")
    line = f"back end embedded, 127.0.0.1:{port}: another program has this port"
    assert ended.err == f"call-api: {line}\n"


@pytest.mark.parametrize(
    ("variable", "host"),
    [
        ("CALL_API_WS_SERVER_HOST", "no-such-host.invalid"),
        ("CALL_API_WS_SERVER_HOST", "192.0.2.1"),
    ],
)
def test_a_host_that_is_not_ours_is_one_line_and_status_1(
    tmp_path: Path, variable: str, host: str
) -> None:
    env = {"CALL_API_AUTH_MODE": "none", "CALL_API_LOG_LEVEL": "ERROR", variable: host}
    ended = run(tmp_path, "call-api", **{**FREE, **env})

    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"call-api: ws_server: cannot listen on {host}:0: ")
    assert ended.err.count("\n") == 1


def test_a_demo_says_what_to_type_and_tells_the_phones_packets(tmp_path: Path) -> None:
    with running(tmp_path, "call-api", "--demo", env=FREE) as program:
        _, port = ready(program)
        text = "".join(program.line() for _ in range(12))
        assert f"export CALL_API_WS_SERVER_PORT={port}" in text
        env = {"CALL_API_WS_SERVER_HOST": "127.0.0.1", "CALL_API_WS_SERVER_PORT": str(port)}
        assert run(tmp_path, "call-cmd", "start", "alice", "bob", **env).status == 0
        program.process.terminate()
        ended = program.end()

    assert ended.status == 0
    assert " alice received " in ended.err
    assert " bob received " in ended.err


def test_the_default_is_loopback_alone(tmp_path: Path) -> None:
    env = {"CALL_API_WS_SERVER_PORT": "0", "CALL_API_EMBEDDED_PORT": "0"}
    with running(tmp_path, "call-api", env=env) as program:
        words = program.line().split()
        program.process.terminate()
        program.end()

    hosts = {word.split("//")[1].rpartition(":")[0] for word in words if word.startswith("ws:")}
    assert hosts <= {"127.0.0.1", "[::1]"}


def test_nobody_reading_stdout_does_no_harm(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    reading, writing = os.pipe()
    os.close(reading)
    env = environment(tmp_path, **FREE, CALL_API_LOG_FILE_PATH=str(log))
    process = subprocess.Popen([BIN / "call-api"], stdout=writing, env=env, cwd=tmp_path)
    os.close(writing)
    deadline = time.monotonic() + LIMIT
    while not (log.exists() and "ready: " in log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.terminate()

    assert process.wait(LIMIT) == 0
