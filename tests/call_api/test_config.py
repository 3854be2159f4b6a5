import itertools
import re
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import structs

from call_api.config import TOOLS, CmdConfig, Config, Embedded, Mi, WsServer
from call_api.config_types import Section
from call_api.settings import ConfigError, leaves, load, variables

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", [Config, CmdConfig])
def test_the_shipped_file_says_the_defaults(kind: type[Section]) -> None:
    tool = next(name for name, its in TOOLS.items() if its is kind)

    assert load(kind, ROOT / "config" / f"{tool}.yml", {}).config == kind()


@pytest.mark.parametrize("kind", [Config, CmdConfig])
def test_the_shipped_file_has_every_setting_with_a_comment(kind: type[Section]) -> None:
    tool = next(name for name, its in TOOLS.items() if its is kind)
    text = (ROOT / "config" / f"{tool}.yml").read_text()
    assert set(_keys(yaml.safe_load(text), leaves(kind))) == set(leaves(kind))
    lines = text.splitlines()
    for above, line in itertools.pairwise(lines):
        if re.match(r"\s*[a-z_]+: \S", line):
            assert above.strip().startswith("#"), line


def _keys(settings: dict[str, Any], known: Container[str], head: str = "") -> Iterator[str]:
    for name, value in settings.items():
        key = head + name
        if isinstance(value, dict) and key not in known:
            yield from _keys(value, known, f"{key}.")
        else:
            yield key


@pytest.mark.parametrize("kind", [Config, CmdConfig])
def test_the_documentation_has_every_setting(kind: type[Section]) -> None:
    documented = (ROOT / "docs" / "config.md").read_text()

    for variable, key in variables(kind).items():
        assert f"`{key}`" in documented
        assert variable.startswith("CALL_API_")


@pytest.mark.parametrize("kind", [Config, CmdConfig])
def test_no_two_settings_have_the_same_variable(kind: type[Section]) -> None:
    assert len(variables(kind)) == len(leaves(kind))


def test_the_defaults_are_those_of_the_wire_contract() -> None:
    config = Config()

    server = config.ws_server
    assert (server.host, server.port, server.http_path) == ("localhost", 5059, "/call-api")
    assert (server.dialect, server.max_message) == ("v1", 65536)
    assert (server.ping_every, server.silent_for, server.handshake_within) == (20, 20, 10)
    assert (config.embedded.host, config.embedded.port) == ("127.0.0.1", 5060)
    assert (config.embedded.domains, config.embedded.ring_for) == (("localhost",), 60)
    assert config.commands.keep_for == 300
    assert CmdConfig().sip.domain == "localhost"


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (Config(), "embedded"),
        (Config(mi=Mi(url="127.0.0.1:8080")), "opensips"),
        (Config(mi=Mi(url=("10.0.0.1:8080", "10.0.0.2:8080"))), "opensips"),
        (Config(mi=Mi(url="127.0.0.1:8080"), backend="embedded"), "embedded"),
    ],
)
def test_the_back_end_follows_from_the_settings(config: Config, name: str) -> None:
    assert config.backend_name == name


@pytest.mark.parametrize(
    ("url", "is_one"),
    [
        ("", True),
        ("127.0.0.1:8080", True),
        ("udp:proxy-1.example.com:8080", True),
        ("[::1]:8080", True),
        ("unix:/run/opensips/mi", True),
        ("http://127.0.0.1:8888/mi", True),
        ("127.0.0.1", False),
        ("tcp:127.0.0.1:8080", False),
        ("unix:relative", False),
        ("https://x/mi", False),
        ("127.0.0.1:8080 ", False),
    ],
)
def test_an_mi_url_is_told_from_what_is_none(url: str, is_one: bool) -> None:
    environ = {"CALL_API_MI_URL": url}
    if is_one:
        assert load(Config, Path("/dev/null"), environ).config.mi.url == url
        return
    with pytest.raises(ConfigError, match="expected host:port, udp:host:port, unix:/path or http"):
        load(Config, Path("/dev/null"), environ)


def test_strangers_may_register_on_loopback_only() -> None:
    Embedded(host="127.0.0.1", users={})
    Embedded(host="0.0.0.0", users={"alice": "secret"})

    with pytest.raises(ValueError, match=r"^users: expected at least one name and password"):
        Embedded(host="0.0.0.0", users={})
    with pytest.raises(ValueError, match=r"^algorithms: expected at least one"):
        Embedded(algorithms=())


def test_the_path_of_the_probes_is_taken() -> None:
    with pytest.raises(ValueError, match=r"^http_path: expected another path"):
        WsServer(http_path="/readyz")


def test_passwords_are_not_shown() -> None:
    config = structs.replace(Config(), embedded=Embedded(users={"alice": "s3cret"}))

    assert "s3cret" not in repr(config)
    assert "alice" in repr(config)
