import hashlib
from math import inf

import pytest

from call_api.access.tokens import PREFIX, TOKEN_BYTES, Tokens, digest_of, identity_of, new_token
from call_api.config_access import Token

A, B = "a" * 64, "b" * 64


def test_a_token_says_what_it_is_and_fits_into_a_subprotocol() -> None:
    token = new_token(bytes(range(TOKEN_BYTES)))

    assert token == PREFIX + "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
    assert digest_of(token) == hashlib.sha256(token.encode()).hexdigest()


def test_a_token_is_found_by_its_digest() -> None:
    tokens = Tokens({"desk": Token(sha256=digest_of("x")), "shop": Token(sha256=digest_of("y"))})

    desk, shop = tokens.find("x"), tokens.find("y")
    assert desk is not None
    assert shop is not None
    assert (desk.name, shop.name) == ("desk", "shop")
    for other in ("", "X", "x ", "\ud800", "\xff", digest_of("x")):
        assert tokens.find(other) is None
    assert tokens.renewed(desk) is desk


def test_a_token_that_changed_is_another_one_and_its_scopes_are_not() -> None:
    before = Tokens({"desk": Token(sha256=A, scopes=("read",))}).renewed(
        identity_of("desk", Token(sha256=A))
    )
    assert before is not None

    renewed = Tokens({"desk": Token(sha256=A, scopes=("all",))}).renewed(before)
    assert renewed is not None
    assert "CallEnd" in renewed.scopes.methods
    assert Tokens({"desk": Token(sha256=B)}).renewed(before) is None
    assert Tokens({}).renewed(before) is None


@pytest.mark.parametrize(
    ("expires", "seconds"),
    [("", inf), ("1970-01-02", 86400.0), ("1970-01-01T00:01:00Z", 60.0)],
)
def test_a_token_ends_at_its_time_in_utc(expires: str, seconds: float) -> None:
    assert identity_of("desk", Token(sha256=A, expires=expires)).expires == seconds


def test_lists_of_patterns_bound_it_and_empty_ones_do_not() -> None:
    identity = identity_of("desk", Token(sha256=A, callees=("*@example.com", "bob@*")))

    assert identity.callers is None
    assert identity.callees is not None
    assert [one.covers("sip:bob@x") for one in identity.callees] == [False, True]


def test_who_comes_does_not_show_the_digest() -> None:
    assert A not in repr(identity_of("desk", Token(sha256=A)))


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        (Token(sha256=A, scopes=("x",)), r"^desk.scopes: expected a method.* not 'x'$"),
        (Token(sha256=A, expires="2027-02-31"), r"^desk.expires: expected a day that there is"),
        (Token(sha256=A, callers=("a@b:c",)), r"^desk.callers: expected user@host"),
        (Token(sha256=A, callees=("@b",)), r"^desk.callees: expected user@host"),
    ],
)
def test_what_is_wrong_with_a_token_is_said_with_its_name(token: Token, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Tokens({"desk": token})
