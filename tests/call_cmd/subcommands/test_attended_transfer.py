from tests.fakes.api_script import NEW_CALLID
from tests.fakes.call_cmd import call_cmd, said
from tests.fakes.scripted_daemon import CALLID, ScriptedDaemon

LEGS = ("--leg-a", "caller", "-leg-b", "callee")


def test_a_party_of_each_call_stays(daemon: ScriptedDaemon) -> None:
    assert said("attended-transfer", "1fc8", "77d1", *LEGS) == [
        "joining the two calls",
        "calling carol",
        "transferred to carol",
        f"callid {NEW_CALLID}",
    ]
    params = daemon.requests[-1]["params"]
    del params["cmd_id"]
    assert params == {
        "callid_a": CALLID,
        "leg_a": "caller",
        "callid_b": NEW_CALLID,
        "leg_b": "callee",
    }


def test_a_destination_may_be_named(daemon: ScriptedDaemon) -> None:
    said("attended-transfer", CALLID, NEW_CALLID, "carol", *LEGS)

    assert daemon.requests[-1]["params"]["destination"] == "sip:carol@localhost"


def test_both_parties_have_to_be_said(daemon: ScriptedDaemon) -> None:
    assert call_cmd("attended-transfer", CALLID, NEW_CALLID, "-leg-a", "caller").exit_code == 2
    assert daemon.requests == []
