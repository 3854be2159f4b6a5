import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_api.backends.opensips import requests
from call_api.backends.opensips.dialogs import Dialog
from call_api.backends.opensips.mi import MiRequest
from call_api.errors import InvalidParams
from call_api.model import CallId, LegName, SipUri

ALICE, BOB, PROXY = map(SipUri, ("sip:alice@10.0.0.1", "sip:bob@10.0.0.1", "sip:10.0.0.1:5060"))
A, B = CallId("call-a@host"), CallId("call-b")
KNOWN_A = Dialog(id="1.2", callid=A, state=4)
KNOWN_B = Dialog(
    id="3.4",
    callid=B,
    state=4,
    caller="sip:cindy@h",
    callee="sip:dave@h",
    caller_tag="tag-c",
    callee_tag="tag-d",
)

BAD_URIS = [
    "sip:bob@h\r\nX-Evil: 1",
    "sip:bob@h\\r\\nX-Evil: 1",  # the proxy makes a line break of these four characters
    "sip:bob@h>;x=<sip:x@h",
    "sip:bob@h?Replaces=x",
    "sip:bob@h;osid=5.6",  # would tell this command what belongs to another call
    "sip:bob@h;OSID=5.6",
    'sip:"bob"@h',
    "sip:bob @h",
    "tel:+49",
    "bob",
    "",
]


def test_the_invite_comes_from_the_callee_and_through_the_proxy() -> None:
    request = requests.invite(ALICE, BOB, A, PROXY)

    assert request.method == "t_uac_dlg"
    assert request.params["ruri"] == ALICE
    assert request.params["next_hop"] == PROXY
    assert request.params["headers"] == (
        "From: <sip:bob@10.0.0.1>\r\n"
        "To: <sip:alice@10.0.0.1>\r\n"
        "Contact: <sip:10.0.0.1:5060>\r\n"
        "Call-ID: call-a@host\r\n"
        "CSeq: 1 INVITE\r\n"
        "Content-Type: application/sdp\r\n"
    )
    assert request.params["body"].startswith("v=0\r\n")


@pytest.mark.parametrize("bad", BAD_URIS)
def test_no_uri_adds_a_header_or_a_route_to_a_sip_message(bad: str) -> None:
    uri = SipUri(bad)

    makers: list[Callable[[], object]] = [
        lambda: requests.invite(uri, BOB, A, PROXY),
        lambda: requests.invite(ALICE, uri, A, PROXY),
        lambda: requests.refer(A, "caller", uri),
        lambda: requests.refer_to_leg(KNOWN_A, "caller", KNOWN_B, "callee", uri),
        lambda: requests.refer_again(KNOWN_A, "caller", uri),
    ]
    for make in makers:
        with pytest.raises(InvalidParams):
            make()


def test_the_error_names_the_parameter() -> None:
    with pytest.raises(InvalidParams) as caught:
        requests.invite(ALICE, SipUri("sip:bob@h;osid=1.2"), A, PROXY)

    assert caught.value.data == {
        "param": "callee",
        "problem": "has the parameter osid, which is the proxy's own",
    }


@pytest.mark.parametrize("bad", ["a\r\nRoute: <sip:x>", "a\\r\\nRoute: <sip:x>", 'a"b', "a<b>", ""])
def test_no_call_id_adds_a_header(bad: str) -> None:
    with pytest.raises(InvalidParams):
        requests.invite(ALICE, BOB, CallId(bad), PROXY)

    requests.invite(ALICE, BOB, requests.header_callid(CallId(bad)), PROXY)


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_every_command_gets_a_call_id_that_a_header_can_hold(wanted: str) -> None:
    made = requests.header_callid(CallId(wanted))

    assert made == requests.header_callid(CallId(wanted))
    headers = requests.invite(ALICE, BOB, made, PROXY).params["headers"]
    assert headers.count("\r\n") == 6
    assert "\\" not in headers


def test_what_a_header_can_hold_stays_as_it_was_wanted() -> None:
    assert requests.header_callid(A) == A


def test_requests_on_calls_use_the_names_that_every_version_knows() -> None:
    assert requests.cancel(A) == MiRequest("t_uac_cancel", {"callid": A, "cseq": "1"})
    assert requests.end(A) == MiRequest("dlg_end_dlg", {"dialog_id": A})
    assert requests.uptime() == MiRequest("uptime", {})
    assert requests.dialog_of(A) == MiRequest("dlg_list", {"callid": A})
    assert requests.dialog_of(A, with_values=True) == MiRequest("dlg_list_ctx", {"callid": A})
    assert requests.dialogs(20, 10) == MiRequest("dlg_list_ctx", {"index": 20, "counter": 10})
    assert requests.subscribe("E_CALL_HOLD", "udp:127.0.0.1:9", 60) == MiRequest(
        "event_subscribe",
        {"event": "E_CALL_HOLD", "socket": "udp:127.0.0.1:9", "expire": 60},
    )
    assert requests.refer(A, "caller", BOB) == MiRequest(
        "call_transfer",
        {"callid": A, "leg": "caller", "destination": BOB},
    )


def test_both_legs_on_hold_need_no_leg_which_opensips_3_does_not_know() -> None:
    assert requests.change_hold(A, ("caller", "callee"), hold=True) == MiRequest(
        "call_hold", {"callid": A}
    )
    assert requests.change_hold(A, ("callee",), hold=False) == MiRequest(
        "call_unhold",
        {"callid": A, "leg": "callee"},
    )


@pytest.mark.parametrize(
    ("dialog", "uri", "destination", "expected"),
    [
        (KNOWN_A, "sip:dave@h", None, "sip:dave@h;osid=1.2"),
        (KNOWN_A, "sip:dave@h", BOB, f"{BOB};osid=1.2"),
        (KNOWN_A, "sip:dave@h;osid=7.8", None, "sip:dave@h;osid=1.2"),  # of a transfer before
        (KNOWN_A, "sip:da>ve@h", None, None),  # a phone's own; callops takes it as it is
        (Dialog(id="", callid=A, state=4), "sip:dave@h", None, "sip:dave@h"),
        (Dialog(id="", callid=A, state=4), "sip:dave@h", BOB, BOB),
    ],
)
def test_the_destination_of_an_attended_transfer_is_passed_on_with_callops_mark(
    dialog: Dialog, uri: str, destination: SipUri | None, expected: str | None
) -> None:
    other = Dialog(id="3.4", callid=B, state=4, callee=uri)
    params = {"callid": A, "leg": "caller", "transfer_callid": B, "transfer_leg": "callee"}
    if expected is not None:
        params["destination"] = expected

    assert requests.refer_to_leg(dialog, "caller", other, "callee", destination).params == params


def test_a_second_refer_goes_past_callops_with_its_mark() -> None:
    request = requests.refer_again(KNOWN_A, "callee", BOB)

    assert request == MiRequest(
        "dlg_send_sequential",
        {
            "callid": A,
            "method": "REFER",
            "body": "none",
            "mode": "callee",
            "headers": "Refer-To: <sip:bob@10.0.0.1;osid=1.2>\r\n",
        },
    )


@pytest.mark.parametrize(
    ("leg", "destination", "expected"),
    [
        (
            "callee",
            None,
            "<sip:dave@h;osid=1.2?Replaces=call-b%3Bto-tag%3Dtag-d%3Bfrom-tag%3Dtag-c>",
        ),
        (
            "caller",
            None,
            "<sip:cindy@h;osid=1.2?Replaces=call-b%3Bto-tag%3Dtag-c%3Bfrom-tag%3Dtag-d>",
        ),
        ("callee", BOB, f"<{BOB};osid=1.2?Replaces=call-b%3Bto-tag%3Dtag-d%3Bfrom-tag%3Dtag-c>"),
    ],
)
def test_a_second_attended_refer_names_the_call_that_it_replaces(
    leg: str, destination: SipUri | None, expected: str
) -> None:
    other: LegName = "caller" if leg == "caller" else "callee"
    request = requests.refer_to_leg_again(KNOWN_A, "caller", KNOWN_B, other, destination)

    assert request.params["headers"] == f"Refer-To: {expected}\r\n"
    assert request.params["mode"] == "caller"


def test_a_call_id_is_escaped_inside_a_uri() -> None:
    other = Dialog(
        id="",
        callid="a@b;c=<d>",
        state=4,
        callee="sip:dave@h",
        caller_tag="1",
        callee_tag="2",
    )
    headers = requests.refer_to_leg_again(KNOWN_A, "caller", other, "callee", None).params[
        "headers"
    ]

    assert "Replaces=a%40b%3Bc%3D%3Cd%3E%3Bto-tag" in headers


@pytest.mark.parametrize("tag", ["", "a;b", "a>b", "a\r\nb", "a%3Bb?"])
def test_tags_that_are_none_are_not_passed_on(tag: str) -> None:
    other = Dialog(id="", callid="b", state=4, callee="sip:d@h", caller_tag=tag, callee_tag="x")

    with pytest.raises(InvalidParams):
        requests.refer_to_leg_again(KNOWN_A, "caller", other, "callee", None)


def test_a_call_id_that_the_proxy_takes_for_a_dialog_of_its_own_is_known() -> None:
    assert requests.looks_like_dialog_id(CallId("8da.38234e11"))
    assert requests.looks_like_dialog_id(CallId("8DA.1"))
    for other in ("8da.38234e1g", "8da.", ".1", ".", "1.2.3", "123456789.1", "1.123456789", A):
        assert not requests.looks_like_dialog_id(CallId(other))


def test_no_pattern_lets_a_line_end_through() -> None:
    assert not re.search(r"\r|\n", requests.header_callid(CallId("a\n")))
