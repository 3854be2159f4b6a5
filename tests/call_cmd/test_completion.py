from pathlib import Path

import click
import pytest

from call_api_client.target import Target
from call_cmd import completion
from tests.fakes.api_script import NEW_CALLID
from tests.fakes.scripted_daemon import (
    CALLID,
    CMD_ID,
    ScriptedDaemon,
    daemon_in_a_thread,
    refusal,
    result,
)


def context(url: str | None = None) -> click.Context:
    made = click.Context(click.Command("call-cmd"))
    Target.of(made).url = url
    return made


def test_a_callid_is_offered_with_who_talks(daemon: ScriptedDaemon) -> None:
    items = completion.callids(context(), "1fc8")

    assert [(item.value, item.help) for item in items] == [(CALLID, "alice -> bob, answered")]
    assert [item.value for item in completion.callids(context(), "")] == [CALLID, NEW_CALLID]


def test_commands_are_offered_newest_first(daemon: ScriptedDaemon) -> None:
    items = completion.cmd_ids(context(), "")

    assert [(item.value, item.help) for item in items] == [
        ("order-1", "CallStart, running"),
        (CMD_ID, "CallStart, error"),
    ]


def test_contacts_and_those_who_talk_are_offered(daemon: ScriptedDaemon, home: Path) -> None:
    file = home / ".call-cmd.yml"
    file.write_text(file.read_text() + "contacts: {boss: 'sip:1001@hq.example'}\n")

    items = completion.parties(context(), "b")

    assert [(item.value, item.help) for item in items] == [
        ("bob", "in a call"),
        ("boss", "sip:1001@hq.example"),
    ]


def test_what_would_hurt_a_shell_is_not_offered(home: Path) -> None:
    calls = [{"callid": callid} for callid in ("a;b", "a\x1b[1m", "a$(id)", "a,b", "good")]
    with daemon_in_a_thread({"CallList": [result({"calls": calls, "next": None})]}) as daemon:
        items = completion.callids(context(daemon.url), "")

    assert [item.value for item in items] == ["good"]


@pytest.mark.parametrize("settings", ["", "no yaml: [", "ws_server: {port: 1}"])
def test_nothing_is_offered_and_nothing_said_when_something_is_wrong(
    settings: str, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (home / ".call-cmd.yml").write_text(settings)

    assert completion.callids(context("ws://127.0.0.1:1/call-api"), "") == []
    assert completion.parties(context(), "zz") == []
    assert capfd.readouterr() == ("", "")


def test_a_daemon_that_refuses_offers_nothing(home: Path) -> None:
    with daemon_in_a_thread({"CallList": [refusal(-32030, "cannot list")]}) as daemon:
        assert completion.callids(context(daemon.url), "") == []
