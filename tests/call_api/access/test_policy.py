from pathlib import Path
from typing import Any

import pytest

from call_api.access.policy import check_exposure, read_policy
from call_api.access.token_file import editing
from call_api.access.tokens import digest_of
from call_api.config import Config, WsServer
from call_api.config_access import Auth, Jwt, Limits, Token
from tests.fakes.signing import SECRET, signed

DESK = Token(sha256=digest_of("x"))


def config(host: str = "localhost", **auth: Any) -> Config:
    return Config(ws_server=WsServer(host=host), auth=Auth(**auth))


def test_without_any_token_none_is_wanted() -> None:
    policy = read_policy(config())

    assert not policy.wants_token
    assert policy.limits == Limits()


def test_tokens_come_from_the_settings_and_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "tokens.yml"
    with editing(path) as tokens:
        tokens["shop"] = Token(sha256=digest_of("y"))

    policy = read_policy(config(tokens={"desk": DESK}, token_file=str(path)))

    assert policy.wants_token
    assert policy.tokens.find("x")
    assert policy.tokens.find("y")


def test_a_file_for_tokens_wants_one_though_there_is_none_yet(tmp_path: Path) -> None:
    assert read_policy(config(token_file=str(tmp_path / "none"))).wants_token


def test_signed_tokens_are_tokens(tmp_path: Path) -> None:
    policy = read_policy(config(jwt=Jwt(algorithm="HS256", secret=SECRET)))

    assert policy.wants_token
    assert policy.web_tokens is not None
    assert policy.web_tokens.find(signed({"sub": "c", "exp": 4_000_000_000}))


def test_what_is_wrong_is_said_with_its_key(tmp_path: Path) -> None:
    path = tmp_path / "tokens.yml"
    path.write_text(f"desk: {{sha256: {DESK.sha256}}}")
    no_pem = tmp_path / "key.pem"
    no_pem.write_bytes(b"\xff")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"tokens": {"desk": Token(sha256="", scopes=("x",))}}, "auth.tokens.desk.scopes: expec"),
        ({"token_file": str(tmp_path)}, "auth.token_file: "),
        (
            {"tokens": {"desk": DESK}, "token_file": str(path)},
            "auth.token_file: expected no desk, which auth.tokens has",
        ),
        (
            {"jwt": Jwt(algorithm="ES256", key_file=str(path))},
            "auth.jwt.key_file: expected a key of ES256",
        ),
        (
            {"jwt": Jwt(algorithm="ES256", key_file=str(tmp_path / "no"))},
            "auth.jwt.key_file: expected a PEM file: No such file",
        ),
        (
            {"jwt": Jwt(algorithm="ES256", key_file=str(no_pem))},
            "auth.jwt.key_file: expected a PEM file: it is no PEM",
        ),
    ]
    for auth, problem in wrong:
        with pytest.raises(ValueError, match="expected") as caught:
            read_policy(config(**auth))
        assert str(caught.value).startswith(problem)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_on_loopback_no_token_is_needed(host: str) -> None:
    check_exposure(config(host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "pbx.example.com"])
def test_elsewhere_it_has_to_be_said_who_may_in(host: str) -> None:
    with pytest.raises(ValueError, match=r"^ws_server.host: expected loopback.*`auth: none`"):
        check_exposure(config(host))

    check_exposure(config(host, mode="none"))
    check_exposure(config(host, tokens={"desk": DESK}))
    check_exposure(config(host, token_file="x"))
    check_exposure(config(host, jwt=Jwt(algorithm="HS256", secret=SECRET)))
