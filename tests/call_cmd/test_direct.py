import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest

from call_api.config import CmdConfig, CmdSip, Mi
from call_api_client.messages import Answer, Step
from call_cmd.direct import connector
from tests.fakes.call_cmd import call_cmd, told
from tests.fakes.proxy import FakeProxy


@contextmanager
def proxy_in_a_thread() -> Iterator[FakeProxy]:
    """A proxy that runs while this thread waits for something else."""
    running, done = threading.Event(), threading.Event()
    proxies: list[FakeProxy] = []

    async def story() -> None:
        async with FakeProxy() as proxy:
            proxies.append(proxy)
            running.set()
            await asyncio.get_running_loop().run_in_executor(None, done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(story()))
    thread.start()
    assert running.wait(5.0)
    try:
        yield proxies[0]
    finally:
        done.set()
        thread.join(5.0)


def settings(proxy: FakeProxy) -> CmdConfig:
    return CmdConfig(mi=Mi(url=proxy.mi_url), sip=CmdSip(uri="sip:127.0.0.1:5060"))


async def test_a_command_tells_what_it_tells_through_a_daemon() -> None:
    async with FakeProxy() as proxy, connector(settings(proxy))() as client:
        messages = [
            message
            async for message in client.call(
                "CallStart", caller="sip:alice@127.0.0.1", callee="sip:bob@127.0.0.1"
            )
        ]

        assert isinstance(messages[0], Answer)
        events = [message.event for message in messages[1:] if isinstance(message, Step)]
        assert [event for event in events if event != "TransferPending"] == [
            "CallerAnswered",
            "Transferring",
            "TransferStart",
            "CalleeAnswered",
            "Ended",
        ]
        listed = await client.ask("CallList")
        assert isinstance(listed, dict)
        assert len(listed["calls"]) == 1


async def test_who_leaves_ends_the_command_and_nothing_is_left() -> None:
    async with FakeProxy() as proxy:
        async with connector(settings(proxy))() as client:
            messages = client.call(
                "CallStart", caller="sip:alice@127.0.0.1", callee="sip:bob@127.0.0.1"
            )
            assert isinstance(await anext(messages), Answer)

        async with connector(settings(proxy))() as client:
            assert await client.ask("CallList") == {"calls": [], "next": None}


def test_the_shape_for_programs_and_the_exit_status_are_those_of_a_daemon(home: Path) -> None:
    with proxy_in_a_thread() as proxy:
        (home / ".call-cmd.yml").write_text(f"mi: {{url: '{proxy.mi_url}'}}\n")

        lines = told("--direct", "start", "sip:alice@127.0.0.1", "sip:bob@127.0.0.1")
        unknown = call_cmd("end", "no-such-call", "--direct", "--json")

    assert (lines[0]["event"], lines[-1]["event"]) == ("Started", "Ended")
    assert lines[-1]["outcome"] == "ok"
    assert unknown.exit_code == 1
    assert '"UnknownCall"' in unknown.stdout


def test_the_proxy_of_the_daemons_settings_is_taken_if_there_is_no_other(home: Path) -> None:
    with proxy_in_a_thread() as proxy:
        # A daemon has the port for the events: another one is taken.
        (home / ".call-api.yml").write_text(
            f"mi: {{url: '{proxy.mi_url}'}}\nevents: {{url: 'udp:127.0.0.1:1'}}\n"
        )

        assert told("--direct", "list") == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "--direct needs mi.url in call-cmd.yml or call-api.yml"),
        ("mi: {url: nonsense}\n", "mi.url: expected"),
    ],
)
def test_without_a_proxy_it_is_a_usage_error(home: Path, text: str, problem: str) -> None:
    (home / ".call-cmd.yml").write_text(text)

    ended = call_cmd("--direct", "list")

    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert problem in ended.stderr


async def test_a_wrong_setting_is_told_as_such() -> None:
    config = CmdConfig(mi=Mi(url=("127.0.0.1:1", "127.0.0.1:2")))

    with pytest.raises(click.ClickException, match="expected 2 URIs"):
        async with connector(config)():
            pass
