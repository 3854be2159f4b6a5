"""Who is let in: a phone proves with its password whose it is (RFC 3261, section 22)."""

import ipaddress
import logging
import math
import secrets
from collections.abc import Callable, Mapping, Sequence

from call_api.backends.embedded.algorithms import Algorithms
from call_api.backends.embedded.guesses import Guesses
from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.backends.embedded.transaction_layer import peer_name
from call_api.sip.digest import ALGORITHMS, DigestServer
from call_api.sip.uri import Uri, unescape

logger = logging.getLogger(__name__)


class Gate:
    """Checks requests that begin something.

    A nonce is good from the address alone that it was issued to, so only who really is there can
    use up what an address may try: nobody locks out a phone by forged datagrams.

    Args:
        users: Name and password of each; empty: everybody is let in, from this machine only.
        now: Tells the time.
        serves: Whether a URI is of a domain whose users these are.
        algorithms: What phones may be asked for, of `ALGORITHMS`.
    """

    def __init__(
        self,
        users: Mapping[str, str],
        realm: str,
        now: Callable[[], float],
        serves: Callable[[Uri], bool],
        algorithms: Sequence[str] = ALGORITHMS,
    ) -> None:
        self._users = users
        self._serves = serves
        self._digest = DigestServer(realm, users, secrets.token_bytes(32), algorithms=algorithms)
        self._now = now
        self._algorithms = Algorithms(algorithms)
        self._guesses = Guesses()

    def admits(self, incoming: IncomingRequest, claimed: Uri) -> bool:
        """Return whether a request may go on; if not, it has been answered.

        Args:
            claimed: Whose request it is said to be.
        """
        if not self._users:
            if is_from_here(incoming):
                return True
            incoming.respond(403)
            return False
        request, now, address = incoming.request, self._now(), incoming.flow.peer[0]
        credentials = request.headers.all("Authorization")
        if credentials and (wait := self._guesses.wait(address, now)):
            incoming.respond(503, headers=[("Retry-After", str(math.ceil(wait)))])
            return False
        algorithms = self._algorithms.to_ask(
            address,
            claimed.user or "",
            credentials,
            request.headers.get("User-Agent", ""),
        )
        verdict = self._digest.verify(request.method, request.uri, credentials, now, address)
        if verdict.is_guess:
            self._guesses.count(address, now)
        if verdict.outcome != "ok":
            if credentials and verdict.outcome == "refused":
                logger.warning(
                    "%s: a wrong password for %r", peer_name(incoming.flow), str(claimed)
                )
            demands = self._digest.challenges(
                now, stale=verdict.outcome == "stale", algorithms=algorithms, peer=address
            )
            incoming.respond(401, headers=[("WWW-Authenticate", demand) for demand in demands])
            return False
        is_theirs = claimed.user is not None and unescape(claimed.user) == verdict.user
        # A REGISTER for another domain is the registrar's to refuse.
        if not is_theirs or not (request.method == "REGISTER" or self._serves(claimed)):
            logger.warning(
                "%s: %r may not act as %r", peer_name(incoming.flow), verdict.user, str(claimed)
            )
            incoming.respond(403)
            return False
        return True


def is_from_here(incoming: IncomingRequest) -> bool:
    """Return whether a request came from this machine."""
    try:
        return ipaddress.ip_address(incoming.flow.peer[0]).is_loopback
    except ValueError:
        return False
