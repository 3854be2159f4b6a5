from typing import Any

import pytest

from call_api.backends.opensips.bye import bye
from call_api.model import CallId

ROUTE = "<sip:127.0.0.1;lr;ftag=533c-bd45;did=613.241d8793>"
ANSWER: dict[str, Any] = {
    "Status": "200 OK",
    "RURI": "sip:alice@127.0.0.1:5071;ob",
    "Next-hop": "sip:127.0.0.1;lr;ftag=533c-bd45;did=613.241d8793",
    "Routes": [ROUTE],
    "Message": (
        "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKd438.6ae19f81.0\r\n"
        f"Record-Route: {ROUTE}\r\n"
        "Call-ID: bye-1\r\n"
        "From: <sip:bob@127.0.0.1>;tag=533c-bd45\r\n"
        "To: <sip:alice@127.0.0.1>;tag=9DDu\r\n"
        "CSeq: 1 INVITE\r\n"
        "Content-Length:   0\r\n\r\n"
    ),
}
"""As OpenSIPS 4.1 answers the INVITE of ``t_uac_dlg``, less what is not read."""


def test_the_bye_takes_the_way_that_the_answer_tells() -> None:
    request = bye(ANSWER, CallId("bye-1"))

    assert request is not None
    assert request.method == "t_uac_dlg"
    assert request.params == {
        "method": "BYE",
        "ruri": "sip:alice@127.0.0.1:5071;ob",
        "next_hop": "sip:127.0.0.1;lr;ftag=533c-bd45;did=613.241d8793",
        "headers": (
            "From: <sip:bob@127.0.0.1>;tag=533c-bd45\r\n"
            "To: <sip:alice@127.0.0.1>;tag=9DDu\r\n"
            "Call-ID: bye-1\r\n"
            "CSeq: 100 BYE\r\n"
            f"Route: {ROUTE}\r\n"
        ),
    }


def test_a_call_past_the_proxy_has_no_route() -> None:
    straight = {name: ANSWER[name] for name in ("RURI", "Message")}
    request = bye(straight, CallId("bye-1"))

    assert request is not None
    assert "Route" not in request.params["headers"]
    assert "next_hop" not in request.params


@pytest.mark.parametrize(
    "result",
    [
        None,
        "OK",
        {},
        ANSWER | {"RURI": None},
        ANSWER | {"RURI": ""},
        ANSWER | {"Message": None},
        ANSWER | {"Message": "no SIP at all"},
        ANSWER | {"Routes": ["<sip:h>\r\nX-Evil: 1"]},
        ANSWER | {"RURI": "sip:h\\r\\nX-Evil: 1"},
    ],
)
def test_an_answer_that_tells_too_little_or_too_much_makes_no_bye(result: object) -> None:
    assert bye(result, CallId("bye-1")) is None
