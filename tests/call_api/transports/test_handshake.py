from http import HTTPStatus

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from call_api.access.standing import Standing
from call_api.errors import TooManyRequests, Unauthorized
from call_api.model import DialectName
from call_api.transports.handshake import Admission, Gate, RequestHead, answer

HERE = "127.0.0.1"


def gate(
    http_path: str = "/call-api",
    dialect: DialectName = "v1",
    problem: str | None = None,
    full: str | None = None,
    **parts: str,
) -> Gate:
    return Gate(
        http_path=http_path,
        dialect=dialect,
        is_ready=lambda: problem,
        has_room=lambda: full,
        parts=lambda: parts,
    )


def request(path: str, method: str = "GET") -> Request:
    return Request(path, Headers(), method)


def spoken_by(decision: Admission | Response) -> DialectName:
    assert isinstance(decision, Admission)
    return decision.dialect


def page(decision: Admission | Response) -> tuple[int, bytes]:
    assert isinstance(decision, Response)
    return decision.status_code, bytes(decision.body)


@pytest.mark.parametrize(
    ("http_path", "dialect", "path", "spoken"),
    [
        ("/call-api", "v1", "/call-api", "v1"),
        ("/call-api", "v2", "/call-api", "v2"),
        ("/call-api", "v1", "/call-api/v1", "v1"),
        ("/call-api", "v1", "/call-api/v2", "v2"),
        ("/call-api", "v2", "/call-api/v1", "v1"),
        ("/call-api", "v1", "/call-api?token=x", "v1"),
        ("/", "v2", "/", "v2"),
        ("/", "v1", "/v2", "v2"),
        ("/a/b", "v1", "/a/b/v2", "v2"),
    ],
)
def test_the_path_says_the_dialect(
    http_path: str, dialect: DialectName, path: str, spoken: str
) -> None:
    assert spoken_by(gate(http_path, dialect).decide(request(path), HERE)) == spoken


@pytest.mark.parametrize(
    "path", ["/", "/call-api/", "/call-api/v3", "/CALL-API", "/call-api/v1/x", "*", "/%63all-api"]
)
def test_any_other_path_is_not_found(path: str) -> None:
    status, body = page(gate().decide(request(path), HERE))

    assert (status, body) == (404, b"no such path, clients connect to /call-api\n")


def test_probes_are_answered_by_plain_http() -> None:
    assert page(gate(problem="no proxy").decide(request("/healthz"), HERE)) == (200, b"ok\n")
    assert page(gate().decide(request("/readyz"), HERE)) == (200, b"ok\n")
    assert page(gate(problem="no proxy").decide(request("/readyz"), HERE)) == (503, b"no proxy\n")


def test_readyz_tells_which_of_several_proxies_is_up() -> None:
    one_down = gate(a="up", b="no answer")

    assert page(one_down.decide(request("/readyz"), HERE)) == (200, b"ok\na: up\nb: no answer\n")
    assert page(one_down.decide(request("/healthz"), HERE)) == (200, b"ok\n")


def test_a_head_request_gets_the_same_head_alone() -> None:
    get = gate(problem="no proxy").decide(request("/readyz"), HERE)
    head = gate(problem="no proxy").decide(request("/readyz", "HEAD"), HERE)

    assert isinstance(get, Response)
    assert isinstance(head, Response)
    assert (head.status_code, head.body) == (503, b"")
    assert list(head.headers.raw_items()) == list(get.headers.raw_items())
    assert head.headers["Content-Length"] == "9"
    assert page(gate().decide(request("/other", "HEAD"), HERE)) == (404, b"")


def test_probes_take_no_other_method() -> None:
    response = gate().decide(request("/healthz", "POST"), HERE)

    assert isinstance(response, Response)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")


def test_a_full_daemon_says_so_but_still_answers_probes() -> None:
    full = gate(full="there are 7 clients already")

    status, body = page(full.decide(request("/call-api"), HERE))

    assert (status, body) == (503, b"there are 7 clients already\n")
    assert page(full.decide(request("/healthz"), HERE))[0] == 200


def test_a_page_closes_the_connection_and_is_not_kept() -> None:
    response = answer(HTTPStatus.NOT_FOUND, "no")

    assert response.headers["Connection"] == "close"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Length"] == "3"


def from_page(*origins: str) -> Request:
    headers = Headers()
    for origin in origins:
        headers["Origin"] = origin
    return Request("/call-api", headers, "GET")


@pytest.mark.parametrize(
    "origins",
    [
        ["http://evil.example"],
        ["https://localhost.evil.example"],
        ["null"],
        [""],
        ["file://"],
        ["http://[::1"],
        ["ftp://localhost"],
        ["http://localhost", "http://evil.example"],
    ],
)
def test_pages_of_other_hosts_may_not_in(origins: list[str]) -> None:
    status, body = page(gate().decide(from_page(*origins), HERE))

    assert (status, body) == (403, b"pages of other hosts may not connect\n")


@pytest.mark.parametrize(
    "origin", ["http://localhost:5059", "https://127.0.0.1", "http://[::1]:80", "http://PBX.home"]
)
def test_pages_of_the_daemons_own_host_may_in(origin: str) -> None:
    own = Gate(
        http_path="/call-api",
        dialect="v1",
        is_ready=lambda: None,
        has_room=lambda: None,
        host="pbx.home",
    )

    assert spoken_by(own.decide(from_page(origin), HERE)) == "v1"
    assert spoken_by(own.decide(from_page(), HERE)) == "v1", "programs are no pages"


def test_a_token_goes_to_who_judges_it_and_a_refusal_is_a_page() -> None:
    heard: list[tuple[str | None, str]] = []

    def admit(token: str | None, address: str) -> Standing:
        heard.append((token, address))
        if token == "good":
            return Standing()
        raise Unauthorized if token is None else TooManyRequests(retry_after=2.5)

    judge = Gate(
        http_path="/call-api",
        dialect="v1",
        is_ready=lambda: None,
        has_room=lambda: None,
        admit=admit,
    )

    def come(*values: str) -> Admission | Response:
        headers = Headers([("Authorization", value) for value in values])
        return judge.decide(Request("/call-api", headers), "10.0.0.1")

    assert spoken_by(come("bearer good")) == "v1"
    assert page(come())[0] == 401
    assert page(come("Basic good"))[0] == 401
    assert page(come("Bearer bad"))[0] == 429
    assert heard == [
        ("good", "10.0.0.1"),
        (None, "10.0.0.1"),
        (None, "10.0.0.1"),
        ("bad", "10.0.0.1"),
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_a_request_ends_at_its_empty_line_however_it_is_cut(size: int) -> None:
    head, whole = RequestHead(), b"GET / HTTP/1.1\r\nA: b\r\n\r\nrest"
    request = rest = b""

    for start in range(0, len(whole), size):
        more, rest = head.split(whole[start : start + size])
        request += more
        if request.endswith(b"\r\n\r\n"):
            break

    assert request == b"GET / HTTP/1.1\r\nA: b\r\n\r\n"
    assert whole.startswith(request + rest)
    assert head.size_bytes == len(request)
