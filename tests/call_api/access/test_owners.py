from collections.abc import Callable
from datetime import UTC, datetime

from call_api.access.owners import Owners
from call_api.backends.base import CallChange, CallInfo
from call_api.model import CallChangeName, CallId
from tests.fakes.scripted_backend import ScriptedBackend

STARTED = datetime(2026, 1, 2, tzinfo=UTC)


def change(event: CallChangeName, callid: str, *names: str) -> CallChange:
    call = CallInfo(
        callid=CallId(callid), state="answered", caller="sip:a@b", callee="sip:c@d", started=STARTED
    )
    return CallChange(event=event, call=call, names=[CallId(name) for name in names])


class Office:
    def __init__(self, most: int = 100) -> None:
        self.backend = ScriptedBackend()
        self.soon: list[Callable[[], None]] = []
        self.owners = Owners(self.backend, self.soon.append, most=most)

    def own(self, callid: str, token: str = "desk") -> None:
        self.owners.own(CallId(callid), token)

    def tell(self, *its: CallChange) -> None:
        for one in its:
            self.backend.tell(one)

    def turn(self) -> None:
        for call in self.soon:
            call()
        self.soon.clear()

    def who(self, *callids: str) -> list[str | None]:
        return [self.owners.owner(CallId(callid)) for callid in callids]


def test_a_call_belongs_to_who_made_it_under_all_its_names() -> None:
    office = Office()
    office.own("a")
    office.tell(change("created", "a", "a"), change("answered", "a", "a", "b-leg"))

    assert office.who("a", "b-leg", "x") == ["desk", "desk", None]
    assert office.owners.calls_of("desk") == {"a"}
    assert office.owners.calls_of("shop") == set()


def test_a_call_that_is_called_otherwise_goes_on_belonging_to_it() -> None:
    office = Office()
    office.own("a")
    office.tell(change("transferred", "new", "a", "c-leg"))
    office.own("a", "shop")

    assert office.who("a", "new", "c-leg") == ["desk", "desk", "desk"]
    assert office.owners.calls_of("desk") == {"new"}
    office.owners.rename(CallId("new"), CallId("newer"))
    office.owners.rename(CallId("nothing"), CallId("something"))
    assert office.owners.calls_of("desk") == {"newer"}
    assert office.who("something") == [None]


def test_with_its_end_it_is_forgotten_once_all_have_heard_of_it() -> None:
    office = Office()
    office.own("a")
    office.tell(change("answered", "a", "b-leg"))

    office.tell(change("ended", "a", "a", "b-leg"))
    assert office.who("a", "b-leg") == ["desk", "desk"]
    office.turn()

    assert office.who("a", "b-leg") == [None, None]
    assert len(office.owners) == 0
    assert office.backend.watchings == []


def test_a_call_that_went_into_another_one_ends_without_it() -> None:
    office = Office()
    office.own("a", "desk")
    office.own("b", "shop")
    office.tell(change("answered", "b", "b-leg"))
    office.tell(change("transferred", "a", "b", "b-leg", "a"))
    assert office.who("a", "b", "b-leg") == ["desk", "desk", "desk"]
    assert office.owners.calls_of("shop") == set()

    office.tell(change("ended", "b", "b", "b-leg"))
    office.turn()
    assert office.who("a") == ["desk"]
    office.tell(change("ended", "a"))
    office.turn()
    assert len(office.owners) == 0


def test_a_call_of_which_a_part_went_elsewhere_keeps_the_rest() -> None:
    office = Office()
    office.own("a", "desk")
    office.own("b", "shop")
    office.tell(change("answered", "b", "b-leg"))
    office.tell(change("transferred", "a", "b-leg"))

    assert office.who("b", "b-leg") == ["shop", "desk"]
    office.owners.forget(CallId("b"))
    assert office.who("b", "b-leg") == [None, "desk"]


def test_calls_that_nobody_owns_are_not_looked_at() -> None:
    office = Office()
    assert office.backend.watchings == []
    office.own("a")
    assert len(office.backend.watchings) == 1

    office.tell(change("created", "phone-call"), change("ended", "phone-call"))
    assert office.soon == []
    office.owners.forget(CallId("phone-call"))
    office.owners.forget(CallId("a"))

    assert office.backend.watchings == []


def test_of_too_many_calls_the_oldest_are_nobodys() -> None:
    office = Office(most=2)
    for callid in "abc":
        office.own(callid)

    assert office.who("a", "b", "c") == [None, "desk", "desk"]
    assert len(office.owners) == 2


def test_where_everybody_sees_all_calls_are_nobodys_and_not_watched() -> None:
    backend = ScriptedBackend()
    owners = Owners(backend, lambda call: None, are_needed=lambda: False)

    owners.own(CallId("a"), "chief")

    assert (len(owners), backend.watchings) == (0, [])
