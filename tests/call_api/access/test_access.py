import json
from typing import Any

import pytest

from call_api.access.access import EXPIRED, FORGET_EVERY, REVOKED, WANTED, Access, Policy
from call_api.access.audit import Audit
from call_api.access.identity import ANYBODY, Identity
from call_api.access.standing import Standing
from call_api.access.tokens import Tokens, digest_of
from call_api.access.web_tokens import WebTokens
from call_api.config_access import AddressQuota, Jwt, Limits, Quota, Token
from call_api.errors import TooManyRequests, Unauthorized
from tests.fakes.signing import SECRET, signed

THERE, HERE = "10.0.0.1", "127.0.0.1"
NO_LIMITS = Limits(token=Quota(), address=AddressQuota())


def policy(
    *,
    wants_token: bool = True,
    jwt: Jwt | None = None,
    limits: Limits = NO_LIMITS,
    **tokens: dict[str, Any],
) -> Policy:
    made = {name: Token(**{"sha256": digest_of(name), **its}) for name, its in tokens.items()}
    return Policy(
        wants_token=wants_token,
        tokens=Tokens(made),
        web_tokens=None if jwt is None else WebTokens(jwt, jwt.secret),
        limits=limits,
    )


class Office:
    """Somewhere with clients; the token of each is its name."""

    def __init__(self, its: Policy) -> None:
        self.time = 1_800_000_000.0
        self.now = 0.0
        self.access = Access(its, clock=lambda: self.now, now=lambda: self.time)
        self.gone: list[tuple[str, str]] = []

    def enter(self, token: str | None, address: str = THERE) -> Standing:
        standing = self.access.admit(token, address)

        def dismiss(reason: str) -> None:
            self.gone.append((standing.name, reason))
            standing.leave()

        standing.dismiss = dismiss
        return standing


def test_without_tokens_anybody_comes_in() -> None:
    office = Office(policy(wants_token=False))

    assert office.enter(None).identity is ANYBODY
    assert office.enter("whatever").identity is ANYBODY


def test_who_has_a_good_token_comes_in_under_its_name() -> None:
    office = Office(policy(desk={}, shop={"scopes": ("read",)}))

    assert office.enter("desk").name == "desk"
    assert "CallEnd" not in office.enter("shop").identity.scopes.methods
    for token in (None, "", "nobody", digest_of("desk")):
        with pytest.raises(Unauthorized):
            office.enter(token)


def test_a_token_is_good_until_it_expires_also_for_who_is_in() -> None:
    office = Office(policy(desk={"expires": "2027-01-15T08:00:10Z"}, shop={}))
    office.time = 1_800_000_000.0  # 2027-01-15T08:00:00Z
    office.enter("desk")
    office.enter("shop")
    office.access.sweep()
    assert office.gone == []

    office.time += 10
    with pytest.raises(Unauthorized):
        office.enter("desk")
    office.access.sweep()
    office.access.sweep()

    assert office.gone == [("desk", EXPIRED)]


def test_who_leaves_is_not_sent_away() -> None:
    office = Office(policy(desk={"expires": "2027-01-15"}))
    office.time -= 100_000
    office.enter("desk").leave()

    office.time += 1_000_000
    office.access.sweep()
    office.access.renew(policy())

    assert office.gone == []


def test_other_settings_hold_for_those_who_are_in() -> None:
    office = Office(policy(desk={}, shop={}, new={"expires": "2028-01-01"}))
    desk, shop, new = (office.enter(name) for name in ("desk", "shop", "new"))

    office.access.renew(
        policy(
            desk={"scopes": ("read",)},
            shop={"sha256": digest_of("another")},
            new={"expires": "2027-01-01"},
        )
    )

    assert "CallEnd" not in desk.identity.scopes.methods
    assert office.gone == [("shop", REVOKED), ("new", EXPIRED)]
    assert shop.name, new.name
    assert office.enter("another").name == "shop"
    with pytest.raises(Unauthorized):
        office.enter("shop")


def test_a_token_that_gets_an_end_has_one() -> None:
    office = Office(policy(desk={}))
    office.enter("desk")

    office.access.renew(policy(desk={"expires": "2027-02-01"}))
    office.access.sweep()
    assert office.gone == []
    office.time += 10_000_000
    office.access.sweep()

    assert office.gone == [("desk", EXPIRED)]


def test_where_the_last_token_is_gone_nobody_comes_in() -> None:
    office = Office(policy(desk={}))

    office.access.renew(policy(wants_token=False))

    with pytest.raises(Unauthorized):
        office.enter(None)


def test_where_a_first_token_comes_those_without_one_go() -> None:
    office = Office(policy(wants_token=False))
    office.enter(None)
    office.access.renew(policy(wants_token=False))
    assert office.gone == []

    office.access.renew(policy(desk={}))

    assert office.gone == [("", WANTED)]


def test_signed_tokens_are_taken_as_long_as_their_key_is() -> None:
    key = Jwt(algorithm="HS256", secret=SECRET)
    office = Office(policy(jwt=key))
    token = signed({"sub": "carol", "scope": "read", "exp": 4_000_000_000})
    assert office.enter(token).name == "jwt:carol"
    with pytest.raises(Unauthorized):
        office.enter("x")

    office.access.renew(policy(jwt=key, desk={}))
    assert office.gone == []
    office.access.renew(policy(jwt=Jwt(algorithm="HS256", secret=SECRET[::-1]), desk={}))
    assert office.gone == [("jwt:carol", REVOKED)]
    office.access.renew(policy(desk={}))
    with pytest.raises(Unauthorized):
        office.enter(token)


def test_the_clients_of_a_token_and_of_an_address_are_counted() -> None:
    limits = Limits(token=Quota(connections=2), address=AddressQuota(connections=3))
    office = Office(policy(limits=limits, desk={}, shop={}))
    first = office.enter("desk", "10.0.0.1")
    office.enter("desk", "10.0.0.2")

    def refused(token: str, address: str) -> str | None:
        with pytest.raises(TooManyRequests) as caught:
            office.enter(token, address)
        return caught.value.limit

    assert refused("desk", "10.0.0.3") == "token.connections"
    office.enter("shop", "10.0.0.1")
    office.enter("shop", "10.0.0.1")
    first.leave()
    office.enter("desk", "10.0.0.1")
    assert refused("desk", "10.0.0.1") == "token.connections"
    office.access.renew(
        policy(limits=Limits(token=Quota(), address=limits.address), desk={}, shop={})
    )
    assert refused("desk", "10.0.0.1") == "address.connections"


def test_this_machine_is_bounded_only_if_that_is_said() -> None:
    some = policy(wants_token=False, limits=Limits(address=AddressQuota(connections=1)))
    office = Office(some)
    for _ in range(2):
        office.enter(None, HERE)
    office.enter(None, THERE)
    with pytest.raises(TooManyRequests):
        office.enter(None, THERE)

    all_ = Limits(address=AddressQuota(connections=1, loopback=True))
    office = Office(policy(wants_token=False, limits=all_))
    office.enter(None, HERE)
    with pytest.raises(TooManyRequests):
        office.enter(None, HERE)


def test_who_comes_back_has_as_much_left_as_before() -> None:
    limits = Limits(token=Quota(per_second=1), address=AddressQuota())
    office = Office(policy(limits=limits, desk={}))
    standing = office.enter("desk")
    for _ in range(2):
        standing.admit()
    standing.leave()
    office.access.sweep()

    again = office.enter("desk")
    again.leave()
    with pytest.raises(TooManyRequests):
        again.admit()
    office.now += FORGET_EVERY
    for _ in range(2):
        office.access.sweep()
    assert len(office.access._of_tokens) == 0


def test_nothing_is_known_of_a_digest_that_is_none() -> None:
    office = Office(policy(desk={}))

    assert office.access._renewed(Identity(name="x", scopes=ANYBODY.scopes), None) is None


def test_who_comes_who_goes_and_who_is_turned_away_is_written_down() -> None:
    lines: list[bytes] = []
    audit = Audit(lines.append, lambda: 5.0)
    access = Access(policy(desk={}), clock=lambda: 5.0, now=lambda: 0.0, audit=audit)

    desk = access.admit("desk", THERE)
    desk.enter(f"{THERE}:4711", lambda reason: None)
    desk.tell("CallList", {})
    desk.leave()
    desk.tell("CallEnd", {})
    with pytest.raises(Unauthorized):
        access.admit("x", THERE)

    told = [json.loads(line) for line in lines]
    assert [one["did"] for one in told] == ["connect", "CallList", "leave", "CallEnd", "refuse"]
    assert {(one["token"], one["peer"]) for one in told[:4]} == {("desk", f"{THERE}:4711")}
    assert (told[4]["token"], told[4]["peer"], told[4]["outcome"]) == ("", THERE, "Unauthorized")


def test_calls_are_hidden_as_soon_as_one_may_not_see_all() -> None:
    assert not Office(policy(wants_token=False)).access.hides_calls
    office = Office(policy(chief={"scopes": ("all",)}))
    assert not office.access.hides_calls
    office.access.renew(policy(chief={"scopes": ("all",)}, board={"scopes": ("read:all",)}))
    assert office.access.hides_calls
    assert Office(policy(jwt=Jwt(algorithm="HS256", secret=SECRET))).access.hides_calls
