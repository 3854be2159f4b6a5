from call_api.command_log import CommandLog
from call_api.command_logs import CommandLogs
from call_api.journal import Keeping
from call_api.model import CmdId
from tests.fakes.records import STARTED, record


class Nobody(Keeping):
    """A journal that does not care."""

    def wall(self) -> float:
        return 0.0

    def is_untold(self, log: CommandLog) -> None:
        pass

    def has_ended(self, log: CommandLog) -> None:
        pass


def begun(token: str, after: float, cmd_id: str = "a") -> CommandLog:
    return CommandLog(record(cmd_id, token=token, started=STARTED + after), Nobody())


def test_each_token_has_its_own_ids() -> None:
    logs = CommandLogs()
    desk, shop, other = begun("desk", 0), begun("shop", 1), begun("desk", 2, "b")
    for log in (desk, shop, other):
        logs.add(log)

    a = CmdId("a")
    assert (logs.find(a, "desk"), logs.find(a, "shop"), logs.find(a, "")) == (desk, shop, None)
    assert logs.find(a, None) is shop, "the last one that began"
    assert logs.find(CmdId("c"), None) is None
    assert (list(logs), len(logs)) == ([desk, shop, other], 3)


def test_they_go_one_by_one() -> None:
    logs = CommandLogs()
    first, second, third = (begun(token, at) for at, token in enumerate("123"))
    for log in (first, second, third):
        logs.add(log)

    logs.remove(second)
    assert list(logs) == [first, third]
    logs.remove(third)
    assert logs.find(CmdId("a"), None) is first
    logs.remove(first)
    assert (list(logs), len(logs)) == ([], 0)
