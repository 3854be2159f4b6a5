from pathlib import Path

import pytest

from call_api_client.target import BadCommandLine, Target
from call_cmd.effective import effective


def shown(target: Target) -> dict[str, tuple[object, str]]:
    return {value.key: (value.value, value.origin) for value in effective(target)}


def test_each_setting_tells_where_it_comes_from(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / ".call-cmd.yml"
    file.write_text("sip:\n  domain: pbx.example\ncontacts: {boss: alice}\n")
    monkeypatch.setenv("CALL_API_WS_SERVER_HTTP_PATH", "/x")

    values = shown(Target(wsport=99))

    assert values["sip.domain"] == ("pbx.example", f"{file}:2")
    assert values["contacts"] == ({"boss": "alice"}, f"{file}:3")
    assert values["ws_server.http_path"] == ("/x", "CALL_API_WS_SERVER_HTTP_PATH")
    assert values["ws_server.port"] == (99, "-wsport")
    assert values["ws_server.host"] == ("localhost", "default")
    assert values["url"] == ("ws://localhost:99/x/v2", "ws_server")


def test_a_url_that_was_given_is_the_one(home: Path) -> None:
    assert shown(Target(url="ws://h:1/p"))["url"] == ("ws://h:1/p", "-url")


def test_a_setting_that_is_wrong_is_said(home: Path) -> None:
    (home / ".call-cmd.yml").write_text("sip: {domian: x}\n")

    with pytest.raises(BadCommandLine, match="no such key, expected domain"):
        effective(Target())
