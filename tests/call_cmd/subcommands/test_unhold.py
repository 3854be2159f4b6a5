from tests.fakes.call_cmd import call_cmd
from tests.fakes.scripted_daemon import CALLID, ScriptedDaemon


def test_a_phone_that_refuses_is_named(daemon: ScriptedDaemon) -> None:
    ended = call_cmd("unhold", CALLID, "-leg", "caller")

    assert ended.exit_code == 1
    assert ended.stdout == "resuming the call\nasking the caller to resume\n"
    assert ended.stderr == "call-cmd: the caller: 488 Not Acceptable Here (CallFailed)\n"
    params = daemon.requests[-1]["params"]
    del params["cmd_id"]
    assert params == {"callid": CALLID, "leg": "caller"}
