import re
from pathlib import Path

from tests.fakes.api_script import CALLS, CAROL
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


def test_one_call_is_watched_until_it_ends(daemon: ScriptedDaemon) -> None:
    held, failed, ended = said("watch", "1fc8")

    assert re.fullmatch(
        rf"\d\d:\d\d:\d\d  {CALLID}  held           alice -> bob  on hold: caller", held
    )
    assert failed.endswith("branch_failed  alice -> bob  carol  486  on hold: caller")
    assert ended.rstrip().endswith("ended          alice -> bob")
    watched = [one["params"] for one in daemon.requests if one["method"] == "CallWatch"]
    assert watched == [{"callid": CALLID}]


def test_a_program_gets_an_object_for_each_change(daemon: ScriptedDaemon) -> None:
    begun, held, failed, ended = told("watch", CALLID)

    assert begun == {"event": "Watching", "callid": CALLID}
    assert held == {"callid": CALLID, "event": "held", "call": CALLS[0]}
    assert (failed["target"], failed["status"]) == (CAROL, 486)
    assert ended["call"]["state"] == "ended"


def test_the_method_by_its_name_does_the_same(daemon: ScriptedDaemon) -> None:
    assert [one["event"] for one in told("CallWatch", f"callid={CALLID}")][-1] == "ended"
    assert len(said("CallWatch", "callid=1fc8")) == 3


def test_all_calls_are_watched_until_the_daemon_is_gone(home: Path) -> None:
    script = {
        "CallWatch": [result({"callid": None}), change("ended", CALLS[0]), die()],
    }
    with daemon_in_a_thread(script) as daemon:
        ended = call_cmd("-url", daemon.url, "watch")

    assert daemon.requests[-1]["params"] == {}
    assert len(ended.stdout.splitlines()) == 1
    assert ended.exit_code == 3
    assert ended.stderr.startswith("call-cmd: lost the daemon")


def test_time_may_be_up(home: Path) -> None:
    with daemon_in_a_thread({"CallWatch": [result({"callid": None})]}) as daemon:
        ended = call_cmd("-url", daemon.url, "-timeout", "0.3", "watch")

    assert ended.exit_code == 5


def test_the_daemon_may_refuse(home: Path) -> None:
    with daemon_in_a_thread({"CallWatch": [refusal(-32003, "too many requests")]}) as daemon:
        ended = call_cmd("-url", daemon.url, "watch", "--json")

    assert (ended.exit_code, ended.stdout) == (4, "")
    assert ended.stderr == "call-cmd: too many requests (TooManyRequests)\n"


def test_a_beginning_that_several_calls_have_is_not_enough(home: Path) -> None:
    calls = [{**CALLS[0], "callid": "1fc8" + last * 28} for last in "ab"]
    script = {"CallList": [result({"calls": calls, "next": None})]}
    with daemon_in_a_thread(script) as daemon:
        ended = call_cmd("-url", daemon.url, "watch", "1fc8")

    assert ended.exit_code == 2
    assert "is the beginning of 2 Call-IDs" in ended.stderr
