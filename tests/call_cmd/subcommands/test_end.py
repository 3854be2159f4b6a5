from tests.fakes.call_cmd import said
from tests.fakes.scripted_daemon import CALLID, ScriptedDaemon


def test_a_call_is_ended(daemon: ScriptedDaemon) -> None:
    assert said("end", "1fc8043a") == ["the call has ended"]
    assert daemon.requests[-1]["params"]["callid"] == CALLID
