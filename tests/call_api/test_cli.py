import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from call_api.cli import call_api
from call_api.version import VERSION


@pytest.fixture(autouse=True)
def _nobodys_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CALL_API_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def call(*words: str, **env: str) -> Result:
    return CliRunner(catch_exceptions=False).invoke(call_api, words, prog_name="call-api", env=env)


def test_the_version_is_told() -> None:
    assert call("--version").output == f"call-api {VERSION}\n"


def test_help_tells_options_signals_and_statuses() -> None:
    text = call("--help").output

    for word in ("--config", "--demo", "--check", "--verbose", "SIGTERM", "SIGHUP", "Exit status"):
        assert word in text


def test_check_says_what_would_be_done_and_does_nothing(tmp_path: Path) -> None:
    (tmp_path / "my.yml").write_text(
        f"log: {{file_path: {tmp_path}/x.log}}\nembedded: {{users: {{alice: s3cret}}}}\n"
    )

    result = call("-config", "my.yml", "--check", "-v", CALL_API_WS_SERVER_PORT="7001")

    assert result.exit_code == 0
    assert "settings: my.yml, then CALL_API_WS_SERVER_PORT" in result.stdout
    assert "ws://localhost:7001/call-api" in result.stdout
    assert "DEBUG and above" in result.stdout
    assert "s3cret" not in result.stdout
    assert not (tmp_path / "x.log").exists()


@pytest.mark.parametrize(
    ("env", "problem"),
    [
        ({"CALL_API_WS_SERVER_HOST": "0.0.0.0"}, "WS_SERVER_HOST: ws_server.host: expected loopb"),
        ({"CALL_API_JOURNAL_PATH": "/no/j"}, "JOURNAL_PATH: journal.path: expected a file that c"),
        ({"CALL_API_AUDIT_FILE_PATH": "/"}, "AUDIT_FILE_PATH: audit.file_path: expected a file"),
        ({"CALL_API_AUTH_TOKEN_FILE": "/"}, "AUTH_TOKEN_FILE: auth.token_file: expected a file of"),
        (
            {"CALL_API_WS_SERVER_TLS_CERTIFICATE": "/no.pem"},
            "WS_SERVER_TLS_CERTIFICATE: ws_server.tls.certificate: expected PEM files",
        ),
        ({"CALL_API_MI_URL": "proxy"}, "MI_URL: mi.url: expected host:port"),
        (
            {"CALL_API_MI_URL": "[a:1, b:1]", "CALL_API_SIP_URI": "sip:a"},
            "SIP_URI: sip.uri: expected 2 URIs, one for each",
        ),
    ],
)
def test_check_finds_what_the_daemon_would_not_start_with(
    env: dict[str, str], problem: str
) -> None:
    result = call("--check", **env)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"call-api: CALL_API_{problem}")


def test_check_tries_where_events_come_in() -> None:
    result = call(
        "--check", CALL_API_MI_URL="127.0.0.1:8080", CALL_API_EVENTS_URL="udp:203.0.113.9:77"
    )

    assert result.exit_code == 1
    assert "back end: opensips, MI at 127.0.0.1:8080" in result.stdout
    assert result.stderr == "call-api: events.url: Cannot assign requested address\n"


def test_check_tries_the_addresses() -> None:
    result = call(
        "--check", CALL_API_EMBEDDED_HOST="203.0.113.9", CALL_API_EMBEDDED_USERS="{alice: x}"
    )

    assert result.exit_code == 1
    assert "users:    alice" in result.stdout
    assert "call-api: cannot listen on 203.0.113.9:5060: " in result.stderr


@pytest.mark.parametrize("option", ["-config", "--config"])
def test_a_wrong_setting_is_one_line_and_status_2(tmp_path: Path, option: str) -> None:
    (tmp_path / "bad.yml").write_text("ws_server:\n  port: http\n")

    for words in (["--check"], []):
        result = call(option, "bad.yml", *words)

        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr == (
            "call-api: bad.yml:2: ws_server.port: expected a whole number from 0 to 65535, not "
            "'http'\n"
        )


def test_a_file_that_is_not_there_is_one_line_and_status_2() -> None:
    result = call("--config", "missing.yml")

    assert result.exit_code == 2
    assert result.stderr == (
        "call-api: missing.yml: expected a file that can be read: No such file or directory\n"
    )


def test_a_back_end_that_there_is_not_names_its_place(tmp_path: Path) -> None:
    (tmp_path / "other.yml").write_text("\nbackend: kamailio\n")

    result = call("--config", "other.yml", "--check")

    assert result.exit_code == 2
    assert result.stderr.startswith("call-api: other.yml:2: backend: expected one of embedded")
    assert result.stderr.count("\n") == 1


def test_a_demo_needs_the_embedded_back_end() -> None:
    result = call("--demo", "--check", CALL_API_MI_URL="127.0.0.1:8080")

    assert result.exit_code == 2
    assert result.stderr.startswith("call-api: CALL_API_MI_URL: mi.url: expected ")


def test_a_demo_is_told_by_check() -> None:
    assert "the phones of alice, bob and carol" in call("--demo", "--check").stdout


def test_a_log_file_that_cannot_be_opened_is_a_wrong_setting() -> None:
    result = call(CALL_API_LOG_FILE_PATH="/proc/nobody/api.log")

    assert result.exit_code == 2
    assert result.stderr == (
        "call-api: CALL_API_LOG_FILE_PATH: log.file_path: expected a file to append to: No such "
        "file or directory\n"
    )


def test_a_mistyped_option_is_named_with_status_2() -> None:
    result = call("-confg", "x")

    assert result.exit_code == 2
    assert "-confg" in result.stderr


@pytest.mark.parametrize("words", [["doctor"], ["doctor", "-config", "my.yml"], []])
def test_the_doctor_says_where_there_is_no_proxy(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "my.yml").write_text("backend: embedded\n")

    result = call(*(words or ["-config", "my.yml", "doctor"]))

    assert (result.exit_code, result.stderr) == (0, "")
    assert "no proxy" in result.stdout


def test_the_doctor_finds_a_proxy_that_is_not_there_and_tells_programs(tmp_path: Path) -> None:
    (tmp_path / "my.yml").write_text("mi: {url: 'unix:/nowhere.sock', reply_within: 0.1}\n")

    result = call("doctor", "-config", "my.yml", "--json")

    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["ok"] is False
    assert [check["check"] for check in told["checks"]] == ["reachable"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mi: {url: 'http:nonsense'}\n", "my.yml:1: mi.url: expected"),
        (
            "mi: {url: ['127.0.0.1:1', '127.0.0.1:2']}\n",
            "my.yml: sip.uri: expected 2 URIs, one for each of mi.url",
        ),
        ("mi: {ulr: x}\n", "my.yml:1: mi.ulr: no such key"),
    ],
)
def test_a_wrong_setting_is_told_by_the_doctor_too(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "my.yml").write_text(text)

    result = call("doctor", "-config", "my.yml")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert problem in result.stderr
