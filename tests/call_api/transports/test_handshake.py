import gc
import weakref

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from call_api.access.standing import Standing
from call_api.config import WsServer
from call_api.errors import TooManyRequests, Unauthorized
from call_api.model import DialectName
from call_api.transports.handshake import Admission, Gate, anybody, let_go, new_protocol
from call_api.transports.listener import Admit

HERE = "127.0.0.1"


def gate(
    http_path: str = "/call-api",
    dialect: DialectName = "v1",
    problem: str | None = None,
    full: str | None = None,
    **parts: str,
) -> Gate:
    return Gate(
        WsServer(http_path=http_path, dialect=dialect),
        is_ready=lambda: problem,
        has_room=lambda: full,
        parts=lambda: parts,
    )


def request(path: str, method: str = "GET") -> Request:
    return Request(path, Headers({"Host": "localhost:5059"}), method)


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


def from_page(*origins: str, host: str = "localhost:5059") -> Request:
    headers = Headers({"Host": host})
    for origin in origins:
        headers["Origin"] = origin
    return Request("/call-api", headers, "GET")


@pytest.mark.parametrize(
    "origins",
    [
        ["http://evil.example"],
        ["https://localhost.evil.example"],
        ["http://localhost@evil.example"],
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

    assert (status, body) == (403, b"no page from there: see ws_server.origins\n")


@pytest.mark.parametrize(
    "origin", ["http://localhost:5059", "https://127.0.0.1", "http://[::1]:80", "http://PBX.home"]
)
def test_pages_of_the_daemons_own_host_may_in(origin: str) -> None:
    own = judge(WsServer(host="pbx.home"))

    assert spoken_by(own.decide(from_page(origin), HERE)) == "v1"
    assert spoken_by(own.decide(from_page(), HERE)) == "v1", "programs are no pages"


def test_where_origins_are_named_pages_come_from_there_alone() -> None:
    named = judge(WsServer(origins=("https://Desk.example.com", "http://localhost:8080")))

    for origin in ("https://desk.example.com", "http://localhost:8080"):
        assert spoken_by(named.decide(from_page(origin), HERE)) == "v1"
    for origin in ("http://desk.example.com", "https://desk.example.com:1", "http://localhost"):
        assert page(named.decide(from_page(origin), HERE))[0] == 403


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:5059",
        "localhost.:80",
        "127.0.0.1:1",
        "10.1.2.3",
        "[::1]",
        "[fe80::1]:5059",
        "pbx.home",
        "Other.example.com:5059",
    ],
)
def test_clients_ask_for_the_daemon_by_a_name_of_its_own_or_by_an_address(host: str) -> None:
    named = judge(WsServer(host="pbx.home", hosts=("other.example.com",)))

    assert spoken_by(named.decide(from_page(host=host), HERE)) == "v1"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:5059",
        "localhost.evil.example",
        "evil.example@localhost",
        "localhost/evil.example",
        "localhost:x",
        "[evil]",
        "[127.0.0.1",
        "",
        " localhost",
    ],
)
def test_a_page_that_leads_its_own_name_to_the_daemon_may_not_in(host: str) -> None:
    page_of_it = from_page("http://localhost", host=host)

    assert page(gate().decide(page_of_it, HERE)) == (
        403,
        b"no such host here: see ws_server.hosts\n",
    )


def test_a_request_says_once_which_host_it_asks_for() -> None:
    request_ = from_page(host="localhost")
    request_.headers["Host"] = "localhost"

    assert page(gate().decide(request_, HERE))[0] == 403
    assert page(gate().decide(Request("/call-api", Headers(), "GET"), HERE))[0] == 403


def test_the_settings_may_change() -> None:
    changing = judge(WsServer())
    changing.adapt(WsServer(hosts=("new.example",), origins=("https://new.example",)))

    assert spoken_by(changing.decide(from_page("https://new.example", host="new.example"), HERE))
    assert page(changing.decide(from_page("http://localhost"), HERE))[0] == 403


def judge(settings: WsServer, admit: Admit = anybody) -> Gate:
    return Gate(settings, is_ready=lambda: None, has_room=lambda: None, admit=admit)


def with_headers(*headers: tuple[str, str]) -> Request:
    return Request("/call-api", Headers([("Host", "localhost"), *headers]))


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ([("Authorization", "Bearer good")], "good"),
        ([("Authorization", "bearer  good ")], "good"),
        ([("Authorization", "Basic good")], None),
        ([("Authorization", "Basic x"), ("Authorization", "Bearer good")], "good"),
        ([("Sec-WebSocket-Protocol", "call-api, call-api.token.good")], "good"),
        ([("Sec-WebSocket-Protocol", "call-api.token.good")], "good"),
        ([("Sec-WebSocket-Protocol", "x"), ("Sec-WebSocket-Protocol", "call-api.token.g")], "g"),
        ([("Sec-WebSocket-Protocol", "call-api")], None),
        ([("Authorization", "Bearer a"), ("Sec-WebSocket-Protocol", "call-api.token.b")], "a"),
        ([], None),
    ],
)
def test_a_token_comes_in_a_header_or_among_the_subprotocols(
    headers: list[tuple[str, str]], token: str | None
) -> None:
    heard: list[tuple[str | None, str]] = []

    def admit(token: str | None, address: str) -> Standing:
        heard.append((token, address))
        return Standing()

    assert spoken_by(judge(WsServer(), admit).decide(with_headers(*headers), HERE))
    assert heard == [(token, HERE)]


def test_a_token_in_the_url_is_none() -> None:
    heard: list[str | None] = []

    def admit(token: str | None, address: str) -> Standing:
        heard.append(token)
        raise Unauthorized

    asked = Request("/call-api?token=good&access_token=good", Headers({"Host": "localhost"}))
    assert page(judge(WsServer(), admit).decide(asked, HERE))[0] == 401
    assert heard == [None]


def test_who_has_no_good_token_or_comes_too_often_is_told_so() -> None:
    def admit(token: str | None, address: str) -> Standing:
        raise Unauthorized if token is None else TooManyRequests(1.2, "token.connections")

    busy = judge(WsServer(), admit)
    refused = busy.decide(with_headers(), HERE)
    late = busy.decide(with_headers(("Authorization", "Bearer x")), HERE)

    assert page(refused) == (401, b"a token is needed that is good here\n")
    assert isinstance(refused, Response)
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert page(late) == (429, b"over the limit token.connections\n")
    assert isinstance(late, Response)
    assert late.headers["Retry-After"] == "2"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["call-api", "call-api.token.x"], "call-api"),
        (["call-api.token.x", "call-api"], "call-api"),
        (["other", "call-api.token.x"], "call-api.token.x"),
        (["other"], None),
        ([], None),
    ],
)
def test_one_of_the_offered_subprotocols_is_chosen(offered: list[str], chosen: str | None) -> None:
    upgrade = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ]
    offers = [("Sec-WebSocket-Protocol", ", ".join(offered))] if offered else []
    asked = with_headers(*upgrade, *offers)

    response, admission = judge(WsServer()).greet(new_protocol(1024), asked, HERE)

    assert (response.status_code, response.headers.get("Sec-WebSocket-Protocol")) == (101, chosen)
    assert admission is not None


def test_who_is_let_in_but_makes_no_websocket_is_counted_no_more() -> None:
    left: list[Standing] = []

    def admit(token: str | None, address: str) -> Standing:
        return Standing(on_leave=left.append)

    response, admission = judge(WsServer(), admit).greet(new_protocol(1024), with_headers(), HERE)

    assert (response.status_code, admission, len(left)) == (426, None, 1)


def test_who_is_not_let_in_gets_a_page() -> None:
    response, admission = judge(WsServer()).greet(new_protocol(1024), request("/x"), HERE)

    assert (response.status_code, admission) == (404, None)


@pytest.mark.parametrize("has_hung_up", [True, False])
def test_what_is_let_go_needs_no_garbage_collector(*, has_hung_up: bool) -> None:
    protocol = new_protocol(1024)
    if has_hung_up:
        protocol.receive_eof()
    gone = weakref.ref(protocol)
    gc.disable()
    try:
        let_go(protocol)
        del protocol

        assert gone() is None
    finally:
        gc.enable()
