"""SIP messages to feed to what is tested."""

from call_api.sip.message import Request, Response
from call_api.sip.parser import parse_message

ALICE = "<sip:alice@192.0.2.1>;tag=a1"
BOB = "<sip:bob@192.0.2.2>"


def make_request(
    method: str = "INVITE",
    *,
    uri: str = "sip:bob@192.0.2.2",
    branch: str = "z9hG4bK1",
    number: int = 1,
    to: str = BOB,
    callid: str = "c1",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> Request:
    """Return a request of alice's to bob, as the parser would."""
    lines = [
        ("Via", f"SIP/2.0/UDP 192.0.2.1:5060;branch={branch}"),
        ("Max-Forwards", "70"),
        ("From", ALICE),
        ("To", to),
        ("Call-ID", callid),
        ("CSeq", f"{number} {method}"),
        ("Contact", "<sip:alice@192.0.2.1:5060>"),
        *headers,
    ]
    return Request(method, uri, lines, body)


def as_request(data: bytes | None) -> Request:
    assert data is not None
    message = parse_message(data)
    assert isinstance(message, Request)
    return message


def as_response(data: bytes | None) -> Response:
    assert data is not None
    message = parse_message(data)
    assert isinstance(message, Response)
    return message
