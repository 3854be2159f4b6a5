"""Who can be reached where: a registrar's bindings (RFC 3261, section 10.3).

Authentication comes before: by the time a REGISTER is here, its sender may change the user's
bindings.
"""

import heapq
import math
import re
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, replace

from call_api.sip.grammar import parse_number
from call_api.sip.headers import NameAddr
from call_api.sip.message import Request
from call_api.sip.uri import Uri, canonical_host, unescape

DEFAULT_EXPIRES = 3600
"""Seconds for what asks for nothing, or for what is no number (RFC 3261, section 20.10)."""

_MAX_DELTA_SECONDS = 2**32 - 1
_RETRY_AFTER = 60
_MAX_CONTACT_LENGTH = 1024
_SPARE_DEADLINES = 64
_Q = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One address at which a user can be reached.

    Attributes:
        contact: As registered, without display name and ``expires``.
        q: Preference between 0 and 1, higher first.
        expires_at: When it ends, on the registrar's clock.
        callid: Of the REGISTER that made or refreshed it; ``cseq`` likewise.
        flow: What that REGISTER came on; requests to the user go back on it.
    """

    user: str
    contact: NameAddr
    q: float
    expires_at: float
    callid: str
    cseq: int
    flow: Hashable

    @property
    def uri(self) -> Uri:
        """The Request-URI for requests to the user."""
        return self.contact.uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What came of a REGISTER: the answer to it, and what has changed.

    Attributes:
        status: 200, or why nothing has changed.
        headers: For the response, besides those that every response has.
        bound: New and refreshed bindings.
        unbound: Bindings that are gone.
    """

    status: int
    reason: str = ""
    headers: Sequence[tuple[str, str]] = ()
    bound: Sequence[Binding] = ()
    unbound: Sequence[Binding] = ()


class Registrar:
    """The bindings of the users of some domains.

    Args:
        domains: Host names and addresses that users' URIs end in.
        min_expires: Shortest interval that is accepted, in seconds.
        max_expires: Longer ones are cut to this, in seconds.
        max_per_user: How many bindings a user may have; more are refused.
        max_bindings: How many there may be in all; more are refused.
    """

    def __init__(
        self,
        domains: Collection[str],
        *,
        min_expires: int = 60,
        max_expires: int = 3600,
        max_per_user: int = 10,
        max_bindings: int = 10_000,
    ) -> None:
        self._domains = frozenset(map(canonical_host, domains))
        self._min_expires = min_expires
        self._max_expires = max_expires
        self._max_per_user = max_per_user
        self._max_bindings = max_bindings
        self._bindings: dict[str, list[Binding]] = {}  # by user, best first
        self._users_on: dict[Hashable, set[str]] = {}  # by flow
        self._count = 0
        self._deadlines: list[tuple[float, str]] = []  # a heap; may hold ones that are moot

    def serves(self, uri: Uri) -> bool:
        """Return whether the URI is in one of the domains, on whatever port."""
        return uri.scheme == "sip" and canonical_host(uri.host) in self._domains

    def user_of(self, uri: Uri) -> str | None:
        """Return which user a To or a Request-URI names; None if it is none of ours."""
        return unescape(uri.user) if uri.user and self.serves(uri) else None

    def contacts(self, user: str) -> list[Binding]:
        """Return where the user can be reached, the most preferred first."""
        return list(self._bindings.get(user, ()))

    def register(self, request: Request, flow: Hashable, now: float) -> Registered:
        """Change a user's bindings as a REGISTER asks, all of it or nothing.

        Statuses other than 200: 400 for contacts that make no sense or a CSeq that is not
        higher than that of a REGISTER before, 404 for a user of another domain, 423 for a
        too short interval, and 503, with the time to come again, for too many bindings.

        Args:
            request: A REGISTER from `call_api.sip.parser`.
            flow: What it came on.
        """
        user = self.user_of(request.to.uri)
        if user is None:
            return Registered(status=404)
        before = self._bindings.get(user, [])
        try:
            after = self._changed(request, user, flow, now)
            self._check_bounds(before, after, now)
        except _Refused as exc:
            return exc.answer
        self._store(user, after)
        return Registered(
            status=200,
            headers=[("Contact", _listed(binding, now)) for binding in self.contacts(user)],
            bound=[b for b in after if not any(b is kept for kept in before)],
            unbound=[b for b in before if not _same(b.uri, after)],
        )

    def lose_flow(self, flow: Hashable) -> list[Binding]:
        """Forget all bindings of a flow that is closed; return them."""
        lost: list[Binding] = []
        for user in self._users_on.get(flow, set()).copy():
            bindings = self._bindings[user]
            lost += [binding for binding in bindings if binding.flow == flow]
            self._store(user, [binding for binding in bindings if binding.flow != flow])
        return lost

    def next_timer(self) -> float | None:
        """Return when `handle_timer` is due, on the clock given to `register`."""
        return self._deadlines[0][0] if self._deadlines else None

    def handle_timer(self, now: float) -> list[Binding]:
        """Forget the bindings that have ended by ``now``; return them."""
        ended: list[Binding] = []
        while self._deadlines and self._deadlines[0][0] <= now:
            user = heapq.heappop(self._deadlines)[1]
            bindings = self._bindings.get(user, [])
            over = [binding for binding in bindings if binding.expires_at <= now]
            if over:
                ended += over
                self._store(user, [binding for binding in bindings if binding.expires_at > now])
        return ended

    def _changed(self, request: Request, user: str, flow: Hashable, now: float) -> list[Binding]:
        """Return the user's bindings as they are to be after ``request``."""
        texts = request.headers.all("Contact")
        current = [b for b in self._bindings.get(user, ()) if b.expires_at > now]
        if "*" in texts:
            if len(texts) > 1 or parse_number(request.headers.get("Expires", ""), 0) != 0:
                raise _Refused(400, "Contact * Needs Expires 0")
            _check_order(request, current)
            return []
        after = current
        for contact in map(_registrable, request.addresses("Contact")):
            _check_order(request, _same(contact.uri, current))
            expires = self._expires(request, contact)
            replaced = _same(contact.uri, after)
            after = [binding for binding in after if binding not in replaced]
            if expires:
                after.append(_binding(request, user, contact, flow, now + expires))
        return after

    def _expires(self, request: Request, contact: NameAddr) -> int:
        """Return the interval for one contact in seconds; 0 ends its binding."""
        text = contact.params.get("expires") or request.headers.get("Expires", "")
        asked = DEFAULT_EXPIRES
        if text.isascii() and text.isdigit():
            number = parse_number(text, _MAX_DELTA_SECONDS)
            asked = _MAX_DELTA_SECONDS if number is None else number
        if 0 < asked < min(self._min_expires, DEFAULT_EXPIRES):
            raise _Refused(423, headers=[("Min-Expires", str(self._min_expires))])
        return min(asked, self._max_expires)

    def _check_bounds(self, before: list[Binding], after: list[Binding], now: float) -> None:
        if len(after) <= len(before):
            return  # what has grown over a bound may still be refreshed and ended
        ends = min((binding.expires_at for binding in before), default=now)
        if len(after) > self._max_per_user:
            raise _full("Too Many Contacts", ends - now)
        if self._count + len(after) - len(before) > self._max_bindings:
            raise _full("Too Many Registrations", _RETRY_AFTER)

    def _store(self, user: str, bindings: list[Binding]) -> None:
        """Replace the user's bindings, and keep the tables beside them in step."""
        before = self._bindings.pop(user, [])
        for binding in before:
            users = self._users_on.get(binding.flow, set())
            users.discard(user)
            if not users:
                self._users_on.pop(binding.flow, None)
        for binding in bindings:
            self._users_on.setdefault(binding.flow, set()).add(user)
            if not any(binding is kept for kept in before):
                heapq.heappush(self._deadlines, (binding.expires_at, user))
        if bindings:
            self._bindings[user] = sorted(bindings, key=lambda binding: -binding.q)
        self._count += len(bindings) - len(before)
        if len(self._deadlines) > 2 * self._count + _SPARE_DEADLINES:
            self._deadlines = [(b.expires_at, b.user) for bs in self._bindings.values() for b in bs]
            heapq.heapify(self._deadlines)


class _Refused(Exception):
    """A REGISTER changes nothing."""

    def __init__(
        self, status: int, reason: str = "", headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        self.answer = Registered(status=status, reason=reason, headers=headers)
        super().__init__(status)


def _full(reason: str, retry_after: float) -> _Refused:
    """Return how a REGISTER over a bound is refused (RFC 3261, section 21.5.4)."""
    seconds = max(1, math.ceil(retry_after))
    return _Refused(503, reason, headers=[("Retry-After", str(seconds))])


def _check_order(request: Request, bindings: list[Binding]) -> None:
    """Refuse what is older than what it would change (RFC 3261, section 10.3, steps 6 and 7)."""
    for binding in bindings:
        if binding.callid == request.callid and binding.cseq >= request.cseq.number:
            raise _Refused(400, "CSeq Out Of Order")


def _registrable(contact: NameAddr) -> NameAddr:
    """Return what is kept of a contact; its URI's headers are for no Request-URI."""
    uri = replace(contact.uri, headers=()) if contact.uri.headers else contact.uri
    kept = NameAddr(uri, "", contact.params)
    if uri.scheme != "sip" or len(str(kept)) > _MAX_CONTACT_LENGTH:
        raise _Refused(400, "Unusable Contact")
    if not _Q.fullmatch(contact.params.get("q", "1") or ""):
        raise _Refused(400, "Bad q")
    return kept


def _binding(
    request: Request, user: str, contact: NameAddr, flow: Hashable, expires_at: float
) -> Binding:
    params = {name: value for name, value in contact.params.items() if name != "expires"}
    return Binding(
        user=user,
        contact=replace(contact, params=params),
        q=float(params.get("q") or 1),
        expires_at=expires_at,
        callid=request.callid,
        cseq=request.cseq.number,
        flow=flow,
    )


def _same(uri: Uri, bindings: list[Binding]) -> list[Binding]:
    return [binding for binding in bindings if binding.uri.matches(uri)]


def _listed(binding: Binding, now: float) -> str:
    left = math.ceil(binding.expires_at - now)
    params = {**binding.contact.params, "expires": str(left)}
    return str(replace(binding.contact, params=params))
