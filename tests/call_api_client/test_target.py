from pathlib import Path

import click
import pytest

from call_api.config import CmdConfig, Config, WsServer
from call_api.config_access import Client, Tls
from call_api_client.target import BadCommandLine, Target, read_settings


def url(target: Target, dialect: str | None = None, **settings: object) -> str:
    server = WsServer(**settings)  # type: ignore[arg-type]  # a test's own settings
    return target.websocket_url(Config(ws_server=server), dialect)


def test_the_configuration_says_where_the_daemon_is() -> None:
    assert url(Target()) == "ws://localhost:5059/call-api"
    assert url(Target(), host="10.0.0.1", port=80, http_path="/x/y") == "ws://10.0.0.1:80/x/y"


def test_the_command_line_overrides_it() -> None:
    assert url(Target(wshost="h", wsport=7), host="x", port=80) == "ws://h:7/call-api"
    assert url(Target(wshost="[::1]")) == url(Target(wshost="::1")) == "ws://[::1]:5059/call-api"


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("0.0.0.0", "127.0.0.1"),
        ("::", "localhost"),
        ("::1", "[::1]"),
        ("fe80::1%eth0", "[fe80::1%eth0]"),
    ],
)
def test_every_host_the_daemon_can_listen_on_can_be_reached(host: str, shown: str) -> None:
    assert url(Target(), host=host) == f"ws://{shown}:5059/call-api"


def test_a_daemon_on_a_free_port_has_to_be_told_where() -> None:
    with pytest.raises(BadCommandLine, match="say with -wsport"):
        url(Target(), port=0)
    assert url(Target(wsport=4711), port=0) == "ws://localhost:4711/call-api"


def test_tls_is_part_of_the_url() -> None:
    wss = "wss://localhost:5059/call-api"

    assert url(Target(ca_file=Path("ca.pem"))) == wss
    assert url(Target(), tls=Tls(certificate="x.pem")) == wss
    for client in (Client(tls=True), Client(ca_file="x"), Client(certificate="x")):
        assert Target().websocket_url(CmdConfig(client=client)) == wss
    assert Target().websocket_url(CmdConfig()) == "ws://localhost:5059/call-api"


def test_the_dialect_is_part_of_the_path() -> None:
    assert url(Target(dialect="v1"), "v2") == "ws://localhost:5059/call-api/v1"
    assert url(Target(), "v2") == "ws://localhost:5059/call-api/v2"
    assert url(Target(dialect="v2"), http_path="/") == "ws://localhost:5059/v2"


@pytest.mark.parametrize(
    ("given", "dialect", "used"),
    [
        ("ws://h/x", None, "ws://h/x"),
        ("ws://h/x", "v2", "ws://h/x/v2"),
        ("ws://h/x/", "v2", "ws://h/x/v2"),
        ("ws://h/x/v2", "v2", "ws://h/x/v2"),
        ("ws://h/x?a=b/c", "v1", "ws://h/x/v1?a=b/c"),
        ("ws://h", "v1", "ws://h/v1"),
    ],
)
def test_a_url_is_used_as_it_is_but_for_a_dialect_that_was_asked_for(
    given: str, dialect: str | None, used: str
) -> None:
    config = Config(ws_server=WsServer(host="other", port=0), client=Client(tls=True))

    assert Target(url=given, dialect=dialect).websocket_url(config, "v2") == used


def test_a_url_of_another_dialect_is_a_contradiction() -> None:
    with pytest.raises(BadCommandLine, match="-dialect v1 contradicts -url, which ends in /v2"):
        url(Target(url="ws://h/x/v2", dialect="v1"))


def test_another_command_line_needs_the_same_options() -> None:
    target = Target(wshost="a b", wsport=7, config=Path("x.yml"), timeout=5, dialect="v1")

    assert target.words == "-wshost 'a b' -wsport 7 -config x.yml"
    assert Target().words == ""


def test_one_command_has_one_target() -> None:
    ctx = click.Context(click.Command("x"))

    assert Target.of(ctx) is Target.of(click.Context(click.Command("y"), parent=ctx))


def test_settings_are_read_or_their_fault_is_a_usage_error(tmp_path: Path) -> None:
    file = tmp_path / "x.yml"
    file.write_text("sip: {domain: example.org}\n")

    assert read_settings(CmdConfig, file).sip.domain == "example.org"
    with pytest.raises(BadCommandLine, match=r"x\.yml:1: sip\.domain") as caught:
        read_settings(Config, file)
    assert caught.value.exit_code == 2
