import json
import re
from pathlib import Path

from call_cmd.watching import Wanted, title
from tests.fakes.api_script import API, CALLS
from tests.fakes.call_cmd import call_cmd, said, told
from tests.fakes.scripted_daemon import (
    CALLID,
    ScriptedDaemon,
    change,
    daemon_in_a_thread,
    die,
    refusal,
    result,
)


def test_a_call_that_is_not_there_is_waited_for_and_that_is_said(home: Path) -> None:
    script = {
        "CallWatch": [result({"callid": "x"}), change("ended", {**CALLS[0], "callid": "x"})],
        "CallList": [result({"calls": CALLS, "next": None})],
    }
    with daemon_in_a_thread(script) as daemon:
        ended = call_cmd("-url", daemon.url, "watch", "x")

    assert (ended.exit_code, ended.stderr) == (0, "no call x is listed: waiting for one\n")
    assert re.match(r"\d\d:\d\d:\d\d  x  ended", ended.stdout)


def test_a_back_end_that_cannot_list_is_watched_all_the_same(home: Path) -> None:
    script = {**API, "CallList": [refusal(-32030, "cannot list")]}
    with daemon_in_a_thread(script) as daemon:
        ended = call_cmd("-url", daemon.url, "watch", CALLID)

    assert (ended.exit_code, ended.stderr, len(ended.stdout.splitlines())) == (0, "", 3)


def test_only_the_changes_of_one_user_are_told(daemon: ScriptedDaemon) -> None:
    assert len(said("watch", CALLID, "--user", "carol")) == 1  # who refused
    assert len(told("watch", CALLID, "--user", "alice")) == 4
    assert len(told("watch", CALLID, "--user", "nobody")) == 1


def test_a_list_is_told_again_as_it_changes(home: Path) -> None:
    script = {
        "CallWatch": [result({"callid": None}), change("ended", {**CALLS[0], "state": "ended"})],
        "CallList": [result({"calls": CALLS, "next": None}), die()],
    }
    with daemon_in_a_thread(script) as daemon:
        people = call_cmd("-url", daemon.url, "list", "--watch")
    with daemon_in_a_thread(script) as daemon:
        programs = call_cmd("-url", daemon.url, "list", "--watch", "--json")

    assert (people.exit_code, programs.exit_code) == (3, 3)
    states = ["answered", "ringing", "ended"]
    assert [line.split()[1] for line in people.stdout.splitlines()] == states
    assert not any(line.endswith(" ") for line in people.stdout.splitlines())
    assert [json.loads(line)["state"] for line in programs.stdout.splitlines()] == states


def test_what_is_watched_has_a_title() -> None:
    assert title(Wanted()) == "all calls"
    assert title(Wanted(user="alice")) == "all calls of alice"
    assert title(Wanted(callid="x", user="alice")) == "x of alice"
