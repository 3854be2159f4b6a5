from tests.fakes.call_cmd import call_cmd, said, told
from tests.fakes.scripted_daemon import CALLID, ScriptedDaemon


def test_a_call_is_made_and_its_call_id_is_the_last_word(daemon: ScriptedDaemon) -> None:
    lines = said("start", "alice", "bob@localhost")

    assert lines[:2] == ["calling alice", "alice answered"]
    assert lines[-1] == f"callid {CALLID}"
    [request] = daemon.requests
    assert request["method"] == "CallStart"
    assert request["params"].keys() == {"caller", "callee", "cmd_id"}
    assert request["params"]["caller"] == "sip:alice@localhost"
    assert request["params"]["callee"] == "sip:bob@localhost"


def test_a_program_finds_the_call_id_in_the_last_line(daemon: ScriptedDaemon) -> None:
    lines = told("start", "alice", "bob")

    assert lines[-1]["callid"] == CALLID
    assert [line["event"] for line in lines] == [
        "Started",
        "CallerAnswered",
        "Transferring",
        "TransferStart",
        "TransferPending",
        "CalleeAnswered",
        "Ended",
    ]


def test_every_call_has_a_command_of_its_own(daemon: ScriptedDaemon) -> None:
    said("start", "alice", "bob")
    said("start", "alice", "bob")

    first, second = (request["params"]["cmd_id"] for request in daemon.requests)
    assert first != second


def test_two_parties_are_needed(daemon: ScriptedDaemon) -> None:
    ended = call_cmd("start", "alice")

    assert ended.exit_code == 2
    assert "Missing argument 'B'" in ended.stderr
