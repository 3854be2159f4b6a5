"""What phones and proxies send: SIP messages, the values of their headers, descriptions."""

import contextlib
from collections.abc import Callable

from call_api.sip.digest import ALGORITHMS, BadDigest, Challenge, DigestClient, DigestServer
from call_api.sip.grammar import BadHeader, parse_params, split_list
from call_api.sip.headers import CSeq, NameAddr, Via
from call_api.sip.message import Request, Response
from call_api.sip.parser import BadMessage, parse_message
from call_api.sip.sdp import BadSdp, Origin, Sdp, held_answer, make_answer
from call_api.sip.stream_parser import KeepAlive, StreamParser
from call_api.sip.uri import BadUri, Uri, parse_target

KEY = b"0123456789abcdef"


def message(data: bytes) -> None:
    """A message can be read, answered and written; written, it is the same message."""
    try:
        parsed = parse_message(data)
    except BadMessage as exc:
        _refused(exc)
        return
    _ = parsed.callid, parsed.cseq, parsed.from_tag, parsed.to_tag, parsed.top_via.sent_by
    written = parsed.encode()
    again = parse_message(written)
    assert again.encode() == written
    assert again.body == parsed.body
    assert _lines(again) == _lines(parsed)
    for name in ("Contact", "Route", "Record-Route"):
        assert again.addresses(name) == parsed.addresses(name)
    if isinstance(parsed, Request):
        answer = parse_message(parsed.response(200, to_tag="t").encode())
        assert isinstance(answer, Response)
        assert (answer.cseq, answer.callid) == (parsed.cseq, parsed.callid)


def _refused(problem: BadMessage) -> None:
    if problem.request is not None:
        answer = problem.request.response(problem.status, to_tag="t").encode()
        assert answer.startswith(f"SIP/2.0 {problem.status} ".encode())


def _lines(parsed: Request | Response) -> list[tuple[str, str]]:
    return [line for line in parsed.headers if line[0] != "Content-Length"]


def stream(data: bytes) -> None:
    """What a stream holds does not depend on how it is cut; the first byte says how."""
    size, data = 1 + (data[0] if data else 0), data[1:]
    whole, pieces = StreamParser(max_bytes=500), StreamParser(max_bytes=500)
    found = [_said(one) for one in whole.feed(data)]
    later = []
    for at in range(0, len(data), size):
        later += [_said(one) for one in pieces.feed(data[at : at + size])]
    assert later == found
    assert (pieces.is_broken, pieces.is_amid) == (whole.is_broken, whole.is_amid)


def _said(one: Request | Response | KeepAlive | BadMessage) -> object:
    if isinstance(one, Request | Response):
        return one.encode()
    return (one.problem, one.status) if isinstance(one, BadMessage) else "keep-alive"


def value(data: bytes) -> None:
    """The value of a header is read or refused, and means the same once written."""
    text = data.decode("utf-8", "surrogateescape")
    parsers: tuple[Callable[[str], object], ...] = (
        NameAddr.parse,
        Via.parse,
        CSeq.parse,
        Uri.parse,
    )
    for parse in parsers:
        with contextlib.suppress(BadHeader, BadUri):
            read = parse(text)
            assert parse(str(read)) == read
    with contextlib.suppress(BadUri):
        target = str(parse_target(text))
        assert not set(target) & set('\r\n <>"')
    with contextlib.suppress(BadUri):
        uri = Uri.parse(text)
        assert uri.matches(uri)
        assert uri.aor == Uri.parse(str(uri)).aor
    with contextlib.suppress(BadHeader):
        parse_params(text)
    assert "".join("".join(split_list(text)).split()).replace(",", "") == "".join(
        text.split()
    ).replace(",", "")


def digest(data: bytes) -> None:
    """Challenges and credentials are read or refused; nobody gets in by them."""
    text = "Digest " + data.decode("utf-8", "surrogateescape")
    with contextlib.suppress(BadDigest):
        challenge = Challenge.parse(text)
        if challenge.algorithm in ALGORITHMS and challenge.offers_auth:
            assert Challenge.parse(str(challenge)) == challenge
    client = DigestClient("alice", "secret", lambda: "cnonce")
    if client.accept([text]):
        authorization = client.authorization("REGISTER", "sip:localhost")
        assert authorization is not None
        assert "\r" not in authorization or "\r" in text
    server = DigestServer("localhost", {"alice": "secret"}, KEY)
    assert server.verify("REGISTER", "sip:localhost", [text], 1.0).user is None


def description(data: bytes) -> None:
    """A session description is the same once written, and can be answered and held."""
    try:
        sdp = Sdp.parse(data)
    except BadSdp:
        return
    assert Sdp.parse(sdp.encode()) == sdp
    assert Sdp.parse(sdp.with_direction("inactive").encode()).direction == "inactive"
    held = Sdp.parse(held_answer(sdp, Origin(1, "127.0.0.1")))
    assert len(held.media) == len(sdp.media)
    assert held.direction == "inactive"
    assert len(sdp.as_answer_to(sdp).media) == len(sdp.media)
    answer = make_answer(sdp, "127.0.0.1", 4000)
    if answer is not None:
        assert len(Sdp.parse(answer.encode()).media) == len(sdp.media)
