import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from call_api.access.token_file import read_tokens
from call_api.access.tokens import digest_of
from call_api.cli import call_api


@pytest.fixture(autouse=True)
def _nobodys_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CALL_API_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CALL_API_AUTH_TOKEN_FILE", "tokens.yml")
    monkeypatch.chdir(tmp_path)


def call(*words: str, **env: str | None) -> Result:
    runner = CliRunner(catch_exceptions=False)
    return runner.invoke(call_api, ["token", *words], prog_name="call-api", env=env)


def test_a_new_token_is_printed_once_and_kept_as_a_digest(tmp_path: Path) -> None:
    result = call("new", "desk")

    token = result.stdout.strip()
    assert result.exit_code == 0
    assert re.fullmatch(r"callapi_[\w-]{43}", token)
    assert result.stderr == "desk is in tokens.yml; SIGHUP makes a daemon read it\n"
    assert token not in (tmp_path / "tokens.yml").read_text()
    assert read_tokens(tmp_path / "tokens.yml")["desk"].sha256 == digest_of(token)
    assert token != call("new", "other").stdout.strip()


def test_what_it_may_is_said_by_options(tmp_path: Path) -> None:
    words = "-scope read --scope CallEnd:all --expires 2999-01-31 --caller *@a --callee b@c"
    call("new", "desk", *words.split())
    call("new", "soon", "--expires", "30m")

    tokens = read_tokens(tmp_path / "tokens.yml")
    desk, soon = tokens["desk"], datetime.fromisoformat(tokens["soon"].expires)
    assert (desk.scopes, desk.expires) == (("read", "CallEnd:all"), "2999-01-31")
    assert (desk.callers, desk.callees) == (("*@a",), ("b@c",))
    assert timedelta(minutes=29) < soon - datetime.now(UTC) <= timedelta(minutes=30)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["a b"], "NAME: expected a name of 1 to 64 letters, digits and . _ @ -, not 'a b'"),
        (["a", "--scope", "x"], "a.scopes: expected a method, read, control or all"),
        (["a", "--expires", "soon"], "--expires: expected a day like 2027-01-31"),
        (["a", "--expires", "2027-02-31"], "a.expires: expected a day that there is"),
        (["a", "--expires", "2020-01-01"], "--expires: expected a time to come, not '2020-01-01'"),
        (["a", "--expires", "0m"], "--expires: expected a time to come"),
        (["a", "--caller", "x"], "--caller: expected user@host"),
        (["a", "--callee", "a@b:c"], "a.callees: expected user@host"),
    ],
)
def test_what_is_wrong_is_one_line_and_status_2(
    tmp_path: Path, words: list[str], problem: str
) -> None:
    result = call("new", *words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"call-api: {problem}")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "tokens.yml").exists()


def test_a_name_is_used_once(tmp_path: Path) -> None:
    (tmp_path / "my.yml").write_text(
        f"auth: {{tokens: {{old: {{sha256: {'a' * 64}}}}}, token_file: tokens.yml}}"
    )
    call("new", "desk")

    again, old = call("new", "desk"), call("new", "old", "-config", "my.yml")

    assert (again.exit_code, old.exit_code) == (1, 1)
    assert again.stderr == "call-api: desk: tokens.yml has one of this name; revoke it first\n"
    assert old.stderr == "call-api: old: auth.tokens has one of this name\n"
    assert again.stdout == old.stdout == ""
    taken = call("revoke", "old", "-config", "my.yml")
    assert "it is in auth.tokens of call-api.yml" in taken.stderr


def test_a_token_that_is_revoked_is_gone(tmp_path: Path) -> None:
    for name in ("desk", "shop", "other"):
        call("new", name)

    result = call("revoke", "desk", "shop")

    assert (result.exit_code, result.stdout) == (0, "")
    assert list(read_tokens(tmp_path / "tokens.yml")) == ["other"]
    missing = call("revoke", "other", "desk")
    assert (missing.exit_code, missing.stderr) == (
        1,
        "call-api: desk: no such token in tokens.yml\n",
    )
    assert list(read_tokens(tmp_path / "tokens.yml")) == ["other"]


def test_tokens_are_listed_for_people_and_for_scripts(tmp_path: Path) -> None:
    (tmp_path / "my.yml").write_text(
        f"auth: {{tokens: {{old: {{sha256: {'a' * 64}}}}}, token_file: tokens.yml}}"
    )
    made = call("new", "desk", "--expires", "2999-01-31", "--callee", "*@b", "--scope", "read")

    shown = call("list", "-config", "my.yml")
    rows = [json.loads(line) for line in call("list", "--json").stdout.splitlines()]

    assert [line.split() for line in shown.stdout.splitlines()] == [
        ["desk", "until", "2999-01-31", "scopes", "read,", "callees", "*@b"],
        ["old", "for", "ever", "scopes", "control"],
    ]
    assert rows == [
        {
            "name": "desk",
            "expires": "2999-01-31",
            "scopes": ["read"],
            "callers": [],
            "callees": ["*@b"],
        }
    ]
    assert made.stdout.strip() not in shown.stdout


def test_a_token_that_has_expired_is_listed_as_such() -> None:
    auth = f"{{gone: {{sha256: {'a' * 64}, expires: 2020-01-01}}}}"

    assert call("list", CALL_API_AUTH_TOKENS=auth).stdout.split()[:3] == [
        "gone",
        "ended",
        "2020-01-01",
    ]


def test_without_any_token_that_is_said() -> None:
    for env in ("", "none.yml"):
        result = call("list", CALL_API_AUTH_TOKEN_FILE=env)
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no tokens\n")


def test_the_file_may_be_another_one(tmp_path: Path) -> None:
    result = call("new", "desk", "--file", "other.yml")

    assert result.stderr == "desk is in other.yml; auth.token_file has to name it\n"
    assert list(read_tokens(tmp_path / "other.yml")) == ["desk"]
    assert call("list", "--file", "other.yml").stdout.startswith("desk")
    assert not (tmp_path / "tokens.yml").exists()


def test_a_file_that_is_none_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "tokens.yml").write_text("no tokens\n")

    for words in (["new", "desk"], ["revoke", "desk"], ["list"]):
        result = call(*words)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith(f"call-api: {'' if words == ['list'] else tmp_path}")
    assert (tmp_path / "tokens.yml").read_text() == "no tokens\n"


def test_without_a_file_it_is_said_how_to_name_one() -> None:
    for words in (["new", "desk"], ["revoke", "desk"]):
        result = call(*words, CALL_API_AUTH_TOKEN_FILE="")
        assert result.exit_code == 2
        assert "auth.token_file in call-api.yml, or --file" in result.stderr


def test_a_wrong_setting_is_one_line() -> None:
    result = call("list", CALL_API_AUTH_MODE="x")

    assert result.exit_code == 2
    assert result.stderr.startswith("call-api: CALL_API_AUTH_MODE: auth.mode: expected one of")
