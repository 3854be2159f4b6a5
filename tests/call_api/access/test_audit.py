import json
import time
from typing import Any

from call_api.access.audit import MAX_PARAMS, REFUSALS_AT_ONCE, Audit
from call_api.errors import CallFailed, Forbidden, InvalidParams, Unauthorized
from call_api.model import CmdId

DESK = ("desk", "10.0.0.1:4711")


class Office:
    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.now = 100.0
        self.audit = Audit(self._write, lambda: self.now)

    def _write(self, line: bytes) -> None:
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        self.lines.append(json.loads(line))


def test_a_line_says_who_did_what_to_what_and_how_it_went() -> None:
    office = Office()
    params = b'{"caller":"sip:a@b","callee":"sip:c@d"}'

    office.now = 102.5
    office.audit.tell(DESK, "CallStart", params, cmd_id=CmdId("x"), began=100.0)
    office.audit.tell(DESK, "CallList", {"limit": 5}, outcome=Forbidden("the scopes"))
    office.audit.tell(DESK, "connect")

    start, list_, connect = office.lines
    assert start.pop("time").endswith("Z")
    assert start == {
        "token": "desk",
        "peer": "10.0.0.1:4711",
        "did": "CallStart",
        "cmd_id": "x",
        "params": {"caller": "sip:a@b", "callee": "sip:c@d"},
        "outcome": "ok",
        "seconds": 2.5,
    }
    assert (list_["outcome"], list_["problem"]) == ("Forbidden", "forbidden: the scopes")
    assert list_["params"] == {"limit": 5}
    assert "params" not in connect


def test_of_wrong_parameters_it_is_said_which_and_why() -> None:
    office = Office()
    for param in ("leg", None):
        office.audit.tell(DESK, "CallHold", {}, outcome=InvalidParams(param, "expected caller"))

    assert [line["problem"] for line in office.lines] == [
        "Invalid params: leg: expected caller",
        "Invalid params: expected caller",
    ]


def test_the_outcome_is_always_said() -> None:
    office = Office()
    office.audit.tell(DESK, "Echo", {}, outcome="retry")
    office.audit.tell(DESK, "Echo", {})

    assert [line["outcome"] for line in office.lines] == ["retry", "ok"]


def test_passwords_in_uris_are_not_written_down() -> None:
    office = Office()
    office.audit.tell(
        DESK, "CallStart", {"caller": "sip:alice:s3cret@10.0.0.1", "callee": "SIPS:b:p:w@c"}
    )

    params = office.lines[0]["params"]
    assert params == {"caller": "sip:alice:***@10.0.0.1", "callee": "SIPS:b:***@c"}


def test_no_text_hides_a_password_or_takes_long_to_be_looked_through() -> None:
    office = Office()
    odd = {"a": 'sip:b"o\\b:s3"cr\\et@h', "b": "sip:" * 16_000, "c": "sip:" * 1000}
    began = time.process_time()
    office.audit.tell(DESK, "Echo", {"b": odd.pop("b")})
    office.audit.tell(DESK, "CallStart", odd)
    seconds = time.process_time() - began

    assert office.lines[0]["params_bytes"] == 64_008
    assert office.lines[1]["params"] == {"a": 'sip:b"o\\b:***@h', "c": odd["c"]}
    assert seconds < 0.3  # it took 1.6 s when it tried each "sip:" up to the end of the text


def test_an_address_without_a_password_is_left_alone() -> None:
    office = Office()
    office.audit.tell(DESK, "CallEnd", {"a": "sip:bob@10.0.0.1:5060", "b": "x@y:z@w"})

    assert office.lines[0]["params"] == {"a": "sip:bob@10.0.0.1:5060", "b": "x@y:z@w"}


def test_of_long_parameters_only_the_length_is_written_down() -> None:
    office = Office()
    office.audit.tell(DESK, "Echo", {"a": "x" * MAX_PARAMS})

    assert office.lines[0]["params_bytes"] == MAX_PARAMS + 8
    assert "params" not in office.lines[0]


def test_what_json_cannot_say_does_no_harm() -> None:
    office = Office()
    office.audit.tell(DESK, "CallEnd", {"a": "\ud800"}, outcome=CallFailed(486, "no \udcff"))

    assert "params" not in office.lines[0]
    assert office.lines[0]["problem"] == "486 no \\udcff"


def test_too_many_refused_clients_are_counted_instead() -> None:
    office = Office()
    for _ in range(REFUSALS_AT_ONCE + 7):
        office.audit.refuse("10.0.0.9", Unauthorized())
    assert len(office.lines) == REFUSALS_AT_ONCE
    office.now += 1
    office.audit.refuse("10.0.0.9", Unauthorized())
    office.audit.refuse("10.0.0.9", Unauthorized())

    last, again = office.lines[-2:]
    assert last.pop("time")
    assert last == {
        "token": "",
        "peer": "10.0.0.9",
        "did": "refuse",
        "outcome": "Unauthorized",
        "problem": "unauthorized",
        "skipped": 7,
    }
    assert "skipped" not in again
