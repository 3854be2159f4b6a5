from call_api.command_log import CommandLog
from call_api.errors import CallFailed
from call_api.events import CallHolding, Ended, Error
from call_api.journal import Keeping
from tests.fakes.following import calling
from tests.fakes.records import record


class Desk(Keeping):
    """A journal that remembers what it is told of its logs."""

    def __init__(self) -> None:
        self.untold: list[CommandLog] = []
        self.ended: list[CommandLog] = []

    def wall(self) -> float:
        return 7.0

    def is_untold(self, log: CommandLog) -> None:
        self.untold.append(log)

    def has_ended(self, log: CommandLog) -> None:
        self.ended.append(log)


def test_what_is_kept_later_counts_as_what_was_told_at_once() -> None:
    at_once, later = CommandLog(record(), Desk()), CommandLog(record(), Desk())

    for event, last in (
        (CallHolding(), False),
        (Error.of(CallFailed(486)), False),
        (Ended(), True),
    ):
        at_once.append(event, last=last)
        later.take(at_once.history, 7.0 if last else None)

    assert later.entries == at_once.entries
    assert (later.snapshot().seq, later.snapshot().v1) == (3, 2)
    assert later.snapshot().error == at_once.snapshot().error
    assert later.snapshot().ended == at_once.snapshot().ended == 7.0


def test_the_journal_hears_of_news_only_when_somebody_listens_and_of_the_end_always() -> None:
    keeping = Desk()
    log = CommandLog(record(), keeping)

    log.append(CallHolding())
    log.append(Ended(), last=True)

    assert (keeping.untold, keeping.ended) == ([], [log])
    assert log.on_cancel is None


def test_at_the_end_all_who_listen_are_let_go_at_once_and_who_is_held_hears_it_later() -> None:
    log, heard = CommandLog(record(), Desk()), list[str]()
    one = calling(lambda entry: heard.append("one"))
    held = calling(lambda entry: heard.append("held"))
    for follower in (one, held):
        follower.begin(log, 0)
    held.hold()
    log.append(Ended(), last=True)
    log.tell()

    assert (heard, log.followers) == (["one"], ())
    held.release()
    one.catch_up()
    assert heard == ["one", "held"]
