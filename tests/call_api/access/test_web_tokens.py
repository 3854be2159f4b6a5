import sys
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from call_api.access.tokens import digest_of
from call_api.access.web_tokens import WebTokens
from call_api.config_access import Jwt
from tests.fakes.signing import SECRET, encoded, signed, unsigned

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
LATER = time.time() + 1000
CLAIMS = {"sub": "carol", "exp": LATER, "scope": "read CallStart"}


def public(key: Any) -> str:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def private(key: Any) -> str:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()


def hs256(**settings: str) -> WebTokens:
    return WebTokens(Jwt(algorithm="HS256", secret=SECRET, **settings), SECRET)


def test_a_token_says_who_comes_and_what_may_be_asked() -> None:
    token = signed(CLAIMS)

    found = hs256().find(token)

    assert found is not None
    assert (found.name, found.expires, found.is_signed) == ("jwt:carol", LATER, True)
    assert found.digest == digest_of(token)
    assert {"CallStart", "CallList"} <= found.scopes.methods
    assert "CallEnd" not in found.scopes.methods
    assert not found.scopes.of_all


@pytest.mark.parametrize(("algorithm", "key"), [("RS256", RSA), ("ES256", EC)])
def test_keys_may_be_public(algorithm: Any, key: Any) -> None:
    web_tokens = WebTokens(Jwt(algorithm=algorithm, key_file="x"), public(key))

    assert web_tokens.find(jwt.encode(CLAIMS, key, algorithm)) is not None
    assert web_tokens.find(signed(CLAIMS)) is None


def test_a_public_key_signs_nothing() -> None:
    """The algorithm is that of the settings, whatever the token says of itself (RFC 8725, 2.1)."""
    web_tokens = WebTokens(Jwt(algorithm="RS256", key_file="x"), public(RSA))

    for alg in ("HS256", "RS256"):
        assert web_tokens.find(signed(CLAIMS, alg=alg, secret=public(RSA))) is None


@pytest.mark.parametrize(
    "token",
    [
        unsigned(CLAIMS),
        unsigned(CLAIMS, "None"),
        unsigned(CLAIMS, "HS256"),
        signed(CLAIMS, secret=SECRET + "x"),
        signed(CLAIMS, alg="HS384"),
        signed(CLAIMS)[:-1],
        signed(CLAIMS) + ".x",
        signed(CLAIMS | {"exp": time.time() - 1}),
        signed({"sub": "carol", "scope": "all"}),
        signed(CLAIMS | {"exp": "x"}),
        signed(CLAIMS | {"nbf": LATER}),
        signed({"exp": LATER, "scope": "all"}),
        signed(CLAIMS | {"sub": 5}),
        signed(CLAIMS | {"sub": ""}),
        signed(CLAIMS | {"sub": "x" * 65}),
        signed(CLAIMS | {"sub": "a\nb"}),
        "callapi_x",
        "",
        "\udcff",
        "a.b.c",
        f"{encoded(b'[' * 8000)}.{encoded(b'{}')}.x",
        signed(CLAIMS | {"exp": float("inf")}),
        signed(CLAIMS | {"exp": 10**400}),
    ],
)
def test_anything_else_is_nothing(token: str) -> None:
    assert hs256().find(token) is None


def test_audience_and_issuer_are_looked_at_where_they_are_set() -> None:
    picky = hs256(audience="call-api", issuer="https://id.example.com")
    named = CLAIMS | {"aud": ["call-api", "other"], "iss": "https://id.example.com"}

    assert picky.find(signed(named)) is not None
    assert picky.find(signed(named | {"aud": "other"})) is None
    assert picky.find(signed(named | {"iss": "https://evil.example"})) is None
    assert picky.find(signed(CLAIMS)) is None
    assert hs256().find(signed(named)) is not None


@pytest.mark.parametrize(
    ("claim", "methods"),
    [
        ("CallEnd openid profile", {"CallEnd"}),
        (["CallEnd", "openid", 5, None], {"CallEnd"}),
        ("", set()),
        (5, set()),
        (None, set()),
    ],
)
def test_scopes_of_others_are_passed_over(claim: object, methods: set[str]) -> None:
    found = hs256(scopes_claim="permissions").find(signed(CLAIMS | {"permissions": claim}))

    assert found is not None
    assert found.scopes.methods == methods


def test_the_name_may_be_another_claim() -> None:
    found = hs256(name_claim="email").find(signed(CLAIMS | {"email": "carol@example.com"}))

    assert found is not None
    assert found.name == "jwt:carol@example.com"


@pytest.mark.parametrize(
    ("algorithm", "key", "problem"),
    [
        ("HS256", public(RSA), "secret: expected a key of HS256"),
        ("RS256", "no key", "key_file: expected a key of RS256"),
        ("RS256", public(EC), "key_file: expected a key of RS256"),
        ("ES256", public(RSA), "key_file: expected a key of ES256"),
        ("ES256", private(EC), "key_file: expected the public key"),
    ],
)
def test_a_key_of_the_wrong_kind_is_refused_at_once(algorithm: Any, key: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        WebTokens(Jwt(algorithm=algorithm, secret=SECRET, key_file="x"), key)


def test_that_the_library_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jwt", None)

    with pytest.raises(ValueError, match=r"^algorithm: .*call-api\[jwt\]"):
        hs256()


def test_the_same_key_and_settings_take_the_same_tokens() -> None:
    assert hs256().is_like(hs256())
    assert not hs256().is_like(hs256(issuer="x"))
    assert not hs256().is_like(None)
