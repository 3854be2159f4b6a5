from pathlib import Path

import pytest

from call_api.config import Config
from call_api.config_access import Auth, Client, Jwt, Tls, Token
from call_api.settings import ConfigError, load

DIGEST, SECRET = "a" * 64, "s" * 32


def read(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "call-api.yml"
    path.write_text(text)
    return load(Config, path, {}).config


def problem(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    return str(caught.value).partition("call-api.yml:")[2]


def test_tokens_and_limits_are_read(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        f"""
auth:
  tokens:
    desk: {{sha256: {DIGEST}, scopes: [read], expires: 2027-01-31, callees: ["*@example.com"]}}
  jwt: {{algorithm: HS256, secret: {SECRET}}}
limits:
  token: {{per_second: 5}}
  address: {{loopback: true}}
ws_server:
  origins: ["https://desk.example.com:8443"]
  tls: {{certificate: a.pem}}
""",
    )

    assert config.auth.tokens["desk"] == Token(
        sha256=DIGEST, scopes=("read",), expires="2027-01-31", callees=("*@example.com",)
    )
    assert config.auth.wants_token
    assert (config.limits.token.per_second, config.limits.token.running) == (5, 1000)
    assert config.limits.address.loopback
    assert config.ws_server.tls.certificate == "a.pem"


def test_anybody_is_one_word(tmp_path: Path) -> None:
    assert read(tmp_path, "auth: none").auth == Auth(mode="none")
    assert read(tmp_path, "auth: {mode: none}").auth == Auth(mode="none")
    assert not Auth(mode="none").wants_token
    assert not Auth().wants_token
    assert read(tmp_path, "auth:").auth == Auth()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auth: nobody", "1: auth.mode: expected one of token, none, not 'nobody'"),
        ("auth: [none]", "1: auth.mode: expected one of token, none, not a list"),
        ("limits: none", "1: limits: expected keys, indented, below it"),
        ("auth: {mode: none, token_file: x}", "1: auth.mode: expected token, or no tokens beside"),
        ("auth:\n  tokens: {desk: {}}", "2: auth.tokens.desk.sha256: missing"),
        ("auth:\n  tokens: {a/b: {}}", "2: auth.tokens: expected a name of 1 to 64 letters"),
        ("auth:\n  jwt: {algorithm: none}", "2: auth.jwt.algorithm: expected one of , HS256, R"),
        ("auth:\n  jwt: {algorithm: HS256}", "2: auth.jwt.secret: expected the key of HS256"),
        ("auth:\n  jwt: {algorithm: ES256}", "2: auth.jwt.key_file: expected the key of ES256"),
        ("auth:\n  jwt: {secret: short}", "2: auth.jwt.secret: expected a secret of at least 32"),
        ("ws_server: {origins: [x]}", "1: ws_server.origins[0]: expected an origin like https://"),
        (
            "ws_server: {origins: ['https://x/y']}",
            "1: ws_server.origins[0]: expected an origin like https://",
        ),
        (
            "ws_server:\n  tls: {key: x}",
            "2: ws_server.tls.key: expected a certificate beside it, as tls.certificate",
        ),
        (
            "ws_server:\n  tls: {client_ca: x}",
            "2: ws_server.tls.client_ca: expected a certificate beside it",
        ),
        ("client: {token: a, token_file: b}", "1: client.token: expected either it or token_file"),
        ("client: {token: 'a b'}", "1: client.token: expected a token, of letters"),
        ("limits: {token: {per_second: -1}}", "1: limits.token.per_second: expected a whole numb"),
        ("limits: {address: {loopback: 1}}", "1: limits.address.loopback: expected true or false"),
        ("limits: {token: {x: 1}}", "1: limits.token.x: no such key, expected one of connections"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path: Path, text: str, expected: str) -> None:
    assert problem(tmp_path, text).startswith(expected)


def test_a_token_in_place_of_its_digest_is_not_shown(tmp_path: Path) -> None:
    said = problem(tmp_path, "auth:\n  tokens: {desk: {sha256: callapi_secret}}")

    assert said.startswith("2: auth.tokens.desk.sha256: expected the SHA-256 of a token")
    assert "secret" not in said


def test_nothing_secret_is_in_what_may_end_in_a_log() -> None:
    auth = Auth(tokens={"desk": Token(sha256=DIGEST)}, jwt=Jwt(algorithm="HS256", secret=SECRET))

    for shown in (repr(auth), repr(auth.tokens["desk"]), repr(auth.jwt), repr(Config(auth=auth))):
        assert DIGEST not in shown
        assert SECRET not in shown
    assert "desk" in repr(auth)
    assert Tls(certificate="a").key == ""
    assert "secret" not in repr(Client(token="secret"))
