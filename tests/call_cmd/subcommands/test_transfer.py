from tests.fakes.api_script import NEW_CALLID
from tests.fakes.call_cmd import call_cmd, said
from tests.fakes.scripted_daemon import CALLID, ScriptedDaemon


def test_a_party_goes_to_somebody_else(daemon: ScriptedDaemon) -> None:
    assert said("transfer", "1fc8", "carol", "--leg", "caller") == [
        "transferring to carol",
        "calling carol",
        "transferred to carol",
        f"callid {NEW_CALLID}",
    ]
    params = daemon.requests[-1]["params"]
    del params["cmd_id"]
    assert params == {"callid": CALLID, "leg": "caller", "destination": "sip:carol@localhost"}


def test_which_party_has_to_be_said(daemon: ScriptedDaemon) -> None:
    assert "Missing option '--leg'" in call_cmd("transfer", CALLID, "carol").stderr
    assert call_cmd("transfer", CALLID, "carol", "-leg", "both").exit_code == 2
    assert daemon.requests == []
