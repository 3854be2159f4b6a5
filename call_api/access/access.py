"""Who may come in, and who is in. No I/O."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from call_api.access.audit import Audit
from call_api.access.identity import ANYBODY, Identity
from call_api.access.meters import Meter, Meters, network_of
from call_api.access.standing import Standing
from call_api.access.tokens import Tokens
from call_api.access.web_tokens import WebTokens
from call_api.config_access import Limits
from call_api.errors import CallApiError, Unauthorized

FORGET_EVERY = 30.0
"""Seconds between two looks at the meters that count nothing any more: there may be many."""

REVOKED = "the token was revoked"
WANTED = "a token is needed now"
EXPIRED = "the token has expired"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What the settings say about it.

    Attributes:
        wants_token: Whether a client needs a token.
        web_tokens: None: no JWT is taken.
    """

    wants_token: bool
    tokens: Tokens
    web_tokens: WebTokens | None
    limits: Limits


class Access:
    """Judges clients when they come, and again whenever the settings or the time change.

    Args:
        clock: Returns seconds, monotonic.
        now: Returns seconds since 1970, which tokens are dated by.
        audit: Where it is written down who did what; None: nowhere.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
        audit: Audit | None = None,
    ) -> None:
        self._audit = audit
        self._policy = policy
        self._wants_token = policy.wants_token
        self._clock = clock
        self._now = now
        self._of_tokens = Meters("token", policy.limits.token)
        self._of_addresses = Meters("address", policy.limits.address)
        self._standings: dict[Standing, None] = {}
        self._expiring: dict[Standing, None] = {}
        self._forget_at = clock()

    @property
    def hides_calls(self) -> bool:
        """Whether there may be clients that are not to see everybody's calls."""
        return self._policy.web_tokens is not None or self._policy.tokens.are_apart

    def admit(self, token: str | None, address: str) -> Standing:
        """Return the standing of a client that may come in; it has to `Standing.leave` one day.

        Args:
            token: What it sent; None: nothing.
            address: Where it comes from, without the port.

        Raises:
            Unauthorized: It needs a token, and has none that is good.
            TooManyRequests: As many clients of its token or address are in as may be.
        """
        try:
            identity = self._identify(token)
            meters = self._meters(identity, address)
            for meter in meters:
                meter.check_connection()
        except CallApiError as error:
            if self._audit is not None:
                self._audit.refuse(address, error)
            raise
        standing = Standing(
            identity,
            meters=meters,
            clock=self._clock,
            on_leave=self._has_left,
            audit=self._audit,
        )
        for meter in meters:
            meter.connected += 1
        self._standings[standing] = None
        if identity.expires < inf:
            self._expiring[standing] = None
        return standing

    def renew(self, policy: Policy) -> None:
        """Go by other settings, for those that are in, too.

        A daemon that wanted tokens once goes on to, also when none is left.
        """
        before, self._policy = self._policy.web_tokens, policy
        self._wants_token = self._wants_token or policy.wants_token
        now = self._clock()
        self._of_tokens.adapt(policy.limits.token, now)
        self._of_addresses.adapt(policy.limits.address, now)
        self._expiring.clear()
        for standing in tuple(self._standings):
            identity = self._renewed(standing.identity, before)
            if identity is None:
                standing.dismiss(REVOKED if standing.name else WANTED)
                continue
            standing.identity = identity
            if identity.expires < inf:
                self._expiring[standing] = None
        self.sweep()

    def sweep(self) -> None:
        """Send away those whose token has expired, and forget what is over; to be called often."""
        time = self._now()
        for standing in [one for one in self._expiring if one.identity.expires <= time]:
            standing.dismiss(EXPIRED)
        now = self._clock()
        if now >= self._forget_at:
            self._forget_at = now + FORGET_EVERY
            self._of_tokens.sweep(now)
            self._of_addresses.sweep(now)

    def _identify(self, token: str | None) -> Identity:
        if not self._wants_token:
            return ANYBODY
        identity = None if token is None else self._find(token)
        if identity is None or identity.expires <= self._now():
            raise Unauthorized
        return identity

    def _find(self, token: str) -> Identity | None:
        found, web_tokens = self._policy.tokens.find(token), self._policy.web_tokens
        return web_tokens.find(token) if found is None and web_tokens is not None else found

    def _renewed(self, identity: Identity, before: WebTokens | None) -> Identity | None:
        """Return who somebody is now; None: nobody any more."""
        if not identity.digest:
            return None if self._wants_token else identity
        web_tokens = self._policy.web_tokens
        if identity.is_signed and web_tokens is not None and web_tokens.is_like(before):
            return identity
        return self._policy.tokens.renewed(identity)

    def _meters(self, identity: Identity, address: str) -> list[Meter]:
        now, meters = self._clock(), []
        if identity.name:
            meters.append(self._of_tokens.of(identity.name, now))
        network, is_own = network_of(address)
        if not is_own or self._policy.limits.address.loopback:
            meters.append(self._of_addresses.of(network, now))
        return meters

    def _has_left(self, standing: Standing) -> None:
        self._standings.pop(standing, None)
        self._expiring.pop(standing, None)
