import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from call_api.check import check_files, explain, listening_problems
from call_api.config import Config, Embedded, Events, Journal, Mi, WsServer
from call_api.config_access import Audit, Auth, Jwt, Tls, Token
from call_api.settings import Settings


def lines(config: Config, *, demo: bool = False, **settings: object) -> dict[str, str]:
    given = {"path": None, "origins": {}} | settings
    read = Settings(config=config, **given)  # type: ignore[arg-type]  # as the caller has it
    text = explain(read, config, demo=demo)
    return {
        name: its.strip() for name, _, its in (line.partition(":") for line in text.splitlines())
    }


def test_the_defaults_are_told_in_words() -> None:
    assert lines(Config()) == {
        "settings": "the defaults",
        "clients": "ws://localhost:5059/call-api, which speaks v1",
        "access": "anybody, without a token",
        "back end": "embedded, phones register at 127.0.0.1:5060 over UDP and TCP; domains: "
        "localhost",
        "users": "anybody, without a password",
        "commands": "end after 300 s at most, are kept for 300 s, have 10 s at shutdown",
        "journal": "in memory",
        "audit": "no log",
        "log": "INFO and above, as text, to stderr",
    }


def test_users_are_named_and_their_passwords_are_not_told() -> None:
    config = Config(embedded=Embedded(users={"bob": "s3cret", "alice": "s3cret"}))
    text = explain(Settings(config=config, path=None, origins={}), config, demo=True)

    assert "alice, bob" in text
    assert "s3cret" not in text
    assert "demo" in text


def test_it_says_who_may_connect_and_how() -> None:
    desk = Token(sha256="a" * 64)
    auth = Auth(tokens={"shop": desk, "desk": desk}, token_file="t.yml")
    server = WsServer(tls=Tls(certificate="a.pem"))

    told = lines(Config(auth=auth, ws_server=server))

    assert told["access"] == "tokens: desk, shop; t.yml"
    assert told["clients"].startswith("wss://")
    assert "a" * 64 not in str(told)
    signed = Config(auth=Auth(jwt=Jwt(algorithm="HS256", secret="s" * 32)))
    assert lines(signed)["access"] == "tokens: JWT"


def test_a_proxy_is_named_without_its_credentials() -> None:
    config = Config(
        mi=Mi(url=("http://me:s3cret@10.0.0.1:8888/mi", "10.0.0.2:8080")),
        events=Events(url="tcp:10.0.0.9:7000"),
    )

    told = lines(config)

    assert told["back end"] == (
        "opensips, MI at http://10.0.0.1:8888/mi, 10.0.0.2:8080, events by tcp:10.0.0.9:7000"
    )
    assert "users" not in told


def test_it_says_where_the_settings_come_from() -> None:
    origins = {"log.level": "CALL_API_LOG_LEVEL", "ws_server.port": "a.yml:3"}

    told = lines(Config(), path=Path("a.yml"), origins=origins)

    assert told["settings"] == "a.yml, then CALL_API_LOG_LEVEL"


async def test_the_addresses_are_tried_and_what_is_only_busy_is_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        busy = WsServer(host="127.0.0.1", port=other.getsockname()[1])
        elsewhere = Embedded(host="203.0.113.9", users={"alice": "x"})

        first, second = await listening_problems(Config(ws_server=busy, embedded=elsewhere))

    assert (first.is_busy, first.port) == (True, busy.port)
    assert (second.is_busy, second.host) == (False, "203.0.113.9")


async def test_addresses_that_do_are_free_again_and_a_proxy_s_are_not_ours_to_try() -> None:
    free = WsServer(host="127.0.0.1", port=0)

    assert await listening_problems(Config(ws_server=free, embedded=Embedded(port=0))) == []
    elsewhere = Embedded(host="203.0.113.9", users={"alice": "x"})
    proxy = Config(ws_server=free, mi=Mi(url="127.0.0.1:8080"), embedded=elsewhere)
    assert await listening_problems(proxy) == []


async def test_one_port_for_clients_and_for_phones_is_told() -> None:
    with socket.socket() as reserved:  # bound and not listening: others may, if they say so too
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        both = WsServer(host="127.0.0.1", port=port)

        (told,) = await listening_problems(Config(ws_server=both, embedded=Embedded(port=port)))

    assert (told.host, told.port, told.is_busy) == ("127.0.0.1", port, True)


def test_files_that_can_be_written_are_looked_at_and_not_made(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.touch()

    for path in (old, new):
        check_files(Config(journal=Journal(path=str(path)), audit=Audit(file_path=str(path))))

    assert not new.exists()


@pytest.mark.parametrize(
    ("name", "problem"),
    [(".", "Is a directory"), ("no/file", "No such file or directory")],
)
def test_a_file_that_cannot_be_written_is_named_by_its_key(
    tmp_path: Path, name: str, problem: str
) -> None:
    with pytest.raises(ValueError, match=f"^journal.path: expected .*: {problem}$"):
        check_files(Config(journal=Journal(path=str(tmp_path / name))))


@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_folder_that_is_closed_to_us_is_told(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    try:
        with _not_as_root(), pytest.raises(ValueError, match=r"^audit\.file_path: .*: Permission"):
            check_files(Config(audit=Audit(file_path=str(tmp_path / "audit.log"))))
    finally:
        tmp_path.chmod(0o700)


@contextmanager
def _not_as_root() -> Iterator[None]:
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)
