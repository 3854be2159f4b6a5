import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from call_api.config import CmdConfig, CmdSip, Config, Embedded, Sip, WsServer
from call_api.settings import ConfigError, load, search_path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "call-api.yml"


def refused(file: Path, text: str | bytes, **environ: str) -> str:
    """Return the error without the file's name."""
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        load(Config, file, environ)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(file), "FILE")


def test_what_the_file_says_replaces_the_defaults(file: Path) -> None:
    file.write_text("ws_server:\n  port: 7000\nembedded:\n  users: {alice: s3cret}\n")

    read = load(Config, file, {})

    assert read.config == Config(
        ws_server=WsServer(port=7000), embedded=Embedded(users={"alice": "s3cret"})
    )
    assert read.path == file
    assert read.origins == {"ws_server.port": f"{file}:2", "embedded.users": f"{file}:4"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "sip:\nlog:\n  file_path:\n", "~"])
def test_a_file_that_says_nothing_means_the_defaults(file: Path, text: str) -> None:
    file.write_text(text)

    assert load(Config, file, {}).config == Config()


def test_a_byte_order_mark_and_crlf_do_no_harm(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfws_server:\r\n  port: 7000\r\n")

    assert load(Config, file, {}).config.ws_server.port == 7000


def test_files_of_the_go_implementation_load_unchanged(file: Path) -> None:
    file.write_text(
        "ws_server:\n  host: localhost\n  port: 5059\n  http_path: /call-api\n\n"
        "mi:\n  url: 127.0.0.1:8080\n\nlog:\n  #file_path: /var/log/x\n  level: INFO\n"
    )
    assert load(Config, file, {}).config.backend_name == "opensips"

    file.write_text(
        "mi:\n  url: 127.0.0.1:8080\nsip:\n  #uri: sip:127.0.0.1\nlog:\n  level: DEBUG\n"
    )
    assert load(CmdConfig, file, {}).config.mi.url == "127.0.0.1:8080"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wsserver:\n  port: 1", "FILE:1: wsserver: no such key, expected ws_server"),
        (
            "x: 1",
            (
                "FILE:1: x: no such key, expected one of ws_server, auth, limits, audit, client, "
                "backend, mi, events, sip, embedded, commands, journal, log, shutdown_within"
            ),
        ),
        ("ws_server:\n  prot: 1", "FILE:2: ws_server.prot: no such key, expected port"),
        ("events:\n  x: 1", "FILE:2: events.x: no such key, expected one of url"),
        ('events:\n  "a\\nb": 1', "FILE:2: events.a\\nb: no such key, expected one of url"),
        ("embeded: {port: 1}", "FILE:1: embeded: no such key, expected embedded"),
        ("embedded.port: 1", "FILE:1: embedded.port: no such key, expected embedded"),
        (
            "log:\n  level: INFO\n  level: DEBUG",
            "FILE:3: expected the key 'level' once, the first is on line 2",
        ),
        ("log: {}\nmi:\nlog: {}", "FILE:3: expected the key 'log' once, the first is on line 1"),
        (
            "ws_server:\n  port: http",
            "FILE:2: ws_server.port: expected a whole number from 0 to 65535, not 'http'",
        ),
        (
            "ws_server:\n  dialect: v3",
            "FILE:2: ws_server.dialect: expected one of v1, v2, not 'v3'",
        ),
        (
            "embedded:\n  domains:\n    - a\n    - b c",
            "FILE:4: embedded.domains[1]: expected a host name or an IP address, not 'b c'",
        ),
        (
            "embedded:\n  users:\n    alice: 1234",
            (
                "FILE:3: embedded.users.alice: expected a password on one line; put a number or a "
                "word like true in quotes"
            ),
        ),
        (
            "embedded:\n  port: 5060\n  host: 0.0.0.0",
            (
                "FILE:2: embedded.users: expected at least one name and password, because a host "
                "that is not loopback lets strangers in"
            ),
        ),
        (
            "ws_server:\n  port: 1\n  http_path: /healthz",
            "FILE:3: ws_server.http_path: expected another path, /healthz is taken",
        ),
        ("ws_server: 5059", "FILE:1: ws_server: expected keys, indented, below it"),
        ("ws_server: [1]", "FILE:1: ws_server: expected keys, indented, below it"),
        ("- a", "FILE:1: expected keys, such as ws_server:"),
        ("hello", "FILE:1: expected keys, such as ws_server:"),
        ("a: 1\n---\nb: 1", "FILE:2: found a second document"),
        ("a: &a [*a]", "FILE:1: found an anchor or an alias"),
        (
            "shutdown_within: [1]",
            ("FILE:1: shutdown_within: expected a number from 0 to 3600, not a list"),
        ),
    ],
)
def test_what_is_wrong_is_named_in_one_line(file: Path, text: str, message: str) -> None:
    assert refused(file, text) == message


def test_tabs_are_refused_on_their_line(file: Path) -> None:
    assert refused(file, "ws_server:\n\tport: 1").startswith("FILE:2: found character")


def test_binary_content_is_refused(file: Path) -> None:
    assert refused(file, b"a: 1\n\x7fELF\xff\xfe") == "FILE:2: expected UTF-8 text"
    assert refused(file, b"\x00\x01").startswith("FILE:1: found the character '\\x00'")
    assert refused(file, "log:\n".encode("utf-16")) == "FILE:1: expected UTF-8 text"


def test_a_huge_file_is_refused(file: Path) -> None:
    assert refused(file, b"#" * 2_000_000) == "FILE: expected a file of at most 1048576 bytes"


def test_a_device_without_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="/dev/zero: expected a file of at most"):
        load(Config, Path("/dev/zero"), {})


def test_a_directory_a_missing_file_and_an_impossible_name_are_refused(tmp_path: Path) -> None:
    for path, why in [
        (tmp_path, "Is a directory"),
        (tmp_path / "missing.yml", "No such file or directory"),
        (tmp_path / ("x" * 300), "File name too long"),
        (Path("a\0b"), "embedded null byte"),
    ]:
        with pytest.raises(ConfigError, match=f"expected a file that can be read: {why}"):
            load(Config, path, {})


def test_an_unreadable_file_is_refused_and_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".call-api.yml").mkdir()

    with pytest.raises(ConfigError, match=r"\.call-api\.yml: expected a file that can be read"):
        load(Config, None, {"HOME": str(tmp_path)})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.binary(max_size=60)
    | st.lists(
        st.sampled_from([*"{}[]:-,'\"&*!|>%@#? \n\t1", "log", "level", "mi", "url", "INFO"])
    ).map(lambda words: "".join(words).encode())
)
def test_any_file_is_read_or_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    try:
        said = repr(load(Config, file, {}))
    except ConfigError as exc:
        said = str(exc)

    assert "\n" not in said


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("WS_SERVER_PORT", "7000", Config(ws_server=WsServer(port=7000))),
        ("WS_SERVER_HOST", "::1", Config(ws_server=WsServer(host="::1"))),
        ("SHUTDOWN_WITHIN", "0.5", Config(shutdown_within=0.5)),
        ("BACKEND", "embedded", Config(backend="embedded")),
        ("SIP_URI", "sip:10.0.0.1", Config(sip=Sip(uri="sip:10.0.0.1"))),
        ("EMBEDDED_DOMAINS", "[a, b]", Config(embedded=Embedded(domains=("a", "b")))),
        ("EMBEDDED_USERS", "{al: x}", Config(embedded=Embedded(users={"al": "x"}))),
    ],
)
def test_a_variable_overrides_one_setting(name: str, text: str, expected: Config) -> None:
    read = load(Config, Path("/dev/null"), {f"CALL_API_{name}": text})

    assert read.config == expected
    assert list(read.origins.values()) == [f"CALL_API_{name}"]


def test_a_variable_wins_over_the_file(file: Path) -> None:
    file.write_text("ws_server:\n  port: 7000\n  host: ::1\n")

    read = load(Config, file, {"CALL_API_WS_SERVER_PORT": "8000"})

    assert read.config.ws_server == WsServer(port=8000, host="::1")
    assert read.origins["ws_server.port"] == "CALL_API_WS_SERVER_PORT"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "CALL_API_WS_SERVER_PORT",
            "http",
            (
                "CALL_API_WS_SERVER_PORT: ws_server.port: expected a whole number from 0 to 65535, "
                "not 'http'"
            ),
        ),
        (
            "CALL_API_WS_SERVER_PROT",
            "1",
            "CALL_API_WS_SERVER_PROT: no such setting, expected CALL_API_WS_SERVER_PORT",
        ),
        (
            "CALL_API_NONSENSE",
            "1",
            "CALL_API_NONSENSE: no such setting, expected one of docs/config.md",
        ),
        (
            "CALL_API_EMBEDDED_HOST",
            "0.0.0.0",
            (
                "CALL_API_EMBEDDED_HOST: embedded.users: expected at least one name and password, "
                "because a host that is not loopback lets strangers in"
            ),
        ),
    ],
)
def test_a_wrong_variable_is_named_in_one_line(
    file: Path, name: str, text: str, message: str
) -> None:
    assert refused(file, "", **{name: text}) == message


def test_a_variable_that_is_no_yaml_is_named(file: Path) -> None:
    message = refused(file, "", CALL_API_EMBEDDED_USERS="{alice: s3cret")

    assert message.startswith("CALL_API_EMBEDDED_USERS: embedded.users: ")
    assert "s3cret" not in message


@pytest.mark.parametrize(
    "name",
    [
        "CALL_API_SIP_DOMAIN",
        "CALL_API_SERVICE_HOST",
        "CALL_API_SERVICE_PORT_WS",
        "CALL_API_PORT",
        "CALL_API_PORT_5059_TCP",
        "CALL_API_PORT_5059_TCP_ADDR",
        "CALLER",
    ],
)
def test_variables_of_others_are_left_alone(name: str) -> None:
    """Those of call-cmd, and what a container beside a service "call-api" finds set."""
    assert load(Config, Path("/dev/null"), {name: "tcp://10.0.0.1:5059"}).config == Config()


def test_the_first_file_of_the_search_path_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = {"HOME": str(tmp_path / "home")}
    (tmp_path / "home").mkdir()
    assert load(Config, None, home).path is None

    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "call-api.yml").write_text("shutdown_within: 1")
    assert load(Config, None, home).config.shutdown_within == 1

    (tmp_path / "home" / ".call-api.yml").write_text("shutdown_within: 2")
    assert load(Config, None, home).config.shutdown_within == 2


def test_both_programs_are_looked_for_under_their_own_name() -> None:
    assert search_path(CmdConfig, {"HOME": "/home/me"}) == [
        Path("/home/me/.call-cmd.yml"),
        Path("config/call-cmd.yml"),
        Path("/etc/call-cmd.yml"),
        Path("/etc/call-api/call-cmd.yml"),
    ]
    assert search_path(Config, {})[0] == Path("config/call-api.yml")


def test_the_environment_of_the_process_counts_by_default(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("CALL_API_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CALL_API_SIP_DOMAIN", "example.com")
    file.write_text("")

    assert load(CmdConfig, file).config == CmdConfig(sip=CmdSip(domain="example.com"))


def test_later_checks_name_the_place_of_a_setting(file: Path) -> None:
    file.write_text("ws_server:\n  port: 7000\n")
    read = load(Config, file, {"CALL_API_MI_URL": "a:1"})

    assert str(read.error("ws_server.port", "x")) == f"{file}:2: ws_server.port: expected x"
    assert str(read.error("mi.url", "x")) == "CALL_API_MI_URL: mi.url: expected x"
    assert str(read.error("backend", "x")) == f"{file}: backend: expected x"


def test_the_same_file_is_read_again(file: Path) -> None:
    file.write_text("log: {level: ERROR}")
    settings = load(Config, file, {})
    file.write_text("log: {level: WARN}")

    assert settings.reread().log.level == "WARN"
    file.write_text("log: {level: X}")
    with pytest.raises(ConfigError, match=r":1: log\.level: expected one of"):
        settings.reread()


def test_an_error_of_a_setting_that_is_found_late_is_one_line(file: Path) -> None:
    file.write_text("auth: {mode: none}")
    settings = load(Config, file, {})

    wrong = settings.late_error(ValueError("auth.mode: expected a: b"))

    assert str(wrong) == f"{file}:1: auth.mode: expected a: b"
