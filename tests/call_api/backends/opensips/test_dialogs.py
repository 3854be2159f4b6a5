import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_api.backends.opensips.dialogs import (
    Dialog,
    parse_dialog,
    parse_dialogs,
    without_osid,
)

ENTRY: dict[str, Any] = {
    "ID": "346.b04e99e1",
    "db_id": "6885345977355",
    "state": 4,
    "user_flags": "",
    "timestart": 1795391377,
    "datestart": "2026-11-22 23:49:37",
    "callid": "FuTuSBLvfbywOKgEYVTaeBDTMotnjDbd",
    "from_uri": "sip:alice@127.0.0.1",
    "to_uri": "sip:bob@127.0.0.1;osid=112.5",
    "caller_tag": "qwtK",
    "CALLEES": [{"callee_tag": "uxxh", "callee_contact": "sip:bob@127.0.0.1:5072;ob"}],
    "context": {"values": [{"call_hold_callee": 12}, {"call_transfer_leg": ""}]},
}
"""As OpenSIPS 4.1 lists it, less what is not read."""


def test_a_dialog_is_read_as_opensips_lists_it() -> None:
    dialog = parse_dialog({"Dialog": ENTRY})

    assert dialog is not None
    assert dialog == Dialog(
        id="346.b04e99e1",
        callid="FuTuSBLvfbywOKgEYVTaeBDTMotnjDbd",
        state=4,
        caller="sip:alice@127.0.0.1",
        callee="sip:bob@127.0.0.1;osid=112.5",
        caller_tag="qwtK",
        callee_tag="uxxh",
        started=1795391377.0,
        values={"call_hold_callee": 12, "call_transfer_leg": ""},
    )
    assert dialog.call_state == "answered"
    assert not dialog.is_over


def test_a_dialog_in_a_list_is_taken_as_well() -> None:
    assert parse_dialog({"Dialogs": [ENTRY]}) == parse_dialog({"Dialog": ENTRY})
    assert len(parse_dialogs({"count": 2, "Dialogs": [ENTRY, ENTRY]})) == 2


@pytest.mark.parametrize("result", [None, "OK", [], {}, {"Dialogs": "x"}, {"Dialogs": [5]}])
def test_an_answer_without_a_dialog_holds_none(result: object) -> None:
    assert parse_dialog(result) is None
    assert parse_dialogs(result) == []


@pytest.mark.parametrize(
    "odd",
    [
        {"state": "4", "timestart": "now", "CALLEES": ["x"], "context": {"values": [5]}},
        {"callid": 5, "CALLEES": [], "context": []},
        {"CALLEES": 5, "context": {"values": {}}},
        {},
    ],
)
def test_odd_members_count_as_missing(odd: dict[str, Any]) -> None:
    dialog = parse_dialog({"Dialog": odd})

    assert dialog is not None
    assert (dialog.state, dialog.callid, dialog.callee_tag, dialog.values) == (0, "", "", {})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*ENTRY, "Dialog", "Dialogs"]), inner, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_no_answer_does_any_harm(result: object) -> None:
    json.dumps(result)
    parse_dialog(result)


@pytest.mark.parametrize(
    ("state", "expected"),
    [(1, "created"), (2, "ringing"), (3, "answered"), (4, "answered"), (5, "ended"), (9, "ended")],
)
def test_a_state_is_told_in_the_words_of_the_api(state: int, expected: str) -> None:
    assert Dialog(id="", callid="a", state=state).call_state == expected


def with_values(**values: object) -> Dialog:
    return Dialog(id="1.2", callid="a", state=4, values=values)


def test_what_callops_noted_of_a_transfer_is_told_from_nothing_at_all() -> None:
    assert with_values().transfer_leg is None
    assert with_values(call_transfer_leg="").transfer_leg == ""
    assert with_values(call_transfer_leg="caller").transfer_leg == "caller"
    assert with_values().transfer_callid is None
    assert with_values(call_transfer_callid="").transfer_callid is None
    assert with_values(call_transfer_callid="b").transfer_callid == "b"


@pytest.mark.parametrize(
    ("values", "held"),
    [
        ({}, ()),
        ({"call_hold_caller": 12, "call_hold_callee": 12}, ("caller", "callee")),
        ({"call_hold_caller": 8, "call_hold_callee": 4}, ("caller",)),
        ({"call_hold_caller": 4, "call_hold_callee": 8}, ("callee",)),
        ({"call_hold_caller": 0, "call_hold_callee": 0}, ()),
        ({"call_hold_caller": "hold", "call_hold_callee": ""}, ("caller",)),  # OpenSIPS 3
    ],
)
def test_the_legs_on_hold_are_known_in_every_version(
    values: dict[str, object], held: tuple[str, ...]
) -> None:
    assert with_values(**values).held == held


def test_the_marks_of_both_legs_are_told() -> None:
    assert with_values(call_hold_caller=4).marks == {"caller": 4, "callee": None}


def test_the_new_call_of_a_transfer_is_known_by_the_mark_in_its_uri() -> None:
    dialog = parse_dialog({"Dialog": ENTRY})

    assert dialog is not None
    assert dialog.replaces("112.5")
    assert not dialog.replaces("112")
    assert not with_values().replaces("112.5")
    assert without_osid(dialog.callee) == "sip:bob@127.0.0.1"
    assert without_osid("sip:bob@h;osid=1.2;ob") == "sip:bob@h;ob"
