import pytest

from tests.fakes.call_cmd import call_cmd, said
from tests.fakes.scripted_daemon import CALLID, ScriptedDaemon


@pytest.mark.parametrize("leg", [[], ["--leg", "caller"]])
def test_a_call_is_put_on_hold(daemon: ScriptedDaemon, leg: list[str]) -> None:
    assert said("hold", "1fc8", *leg) == [
        "holding the call",
        "asking the caller to hold",
        "the caller is on hold",
    ]
    params = daemon.requests[-1]["params"]
    del params["cmd_id"]
    assert params == {"callid": CALLID, **({"leg": "caller"} if leg else {})}


def test_a_leg_is_caller_or_callee(daemon: ScriptedDaemon) -> None:
    assert call_cmd("hold", CALLID, "--leg", "alice").exit_code == 2
    assert daemon.requests == []
