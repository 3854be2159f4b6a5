"""Who is let in: a phone proves with its password whose it is (RFC 3261, section 22)."""

import ipaddress
import secrets
from collections.abc import Callable, Mapping

from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.sip.digest import DigestServer
from call_api.sip.uri import Uri, unescape


class Gate:
    """Checks requests that begin something.

    Args:
        users: Name and password of each; empty: everybody is let in, from this machine only.
        now: Tells the time.
    """

    def __init__(self, users: Mapping[str, str], realm: str, now: Callable[[], float]) -> None:
        self._users = users
        self._digest = DigestServer(realm, users, secrets.token_bytes(32))
        self._now = now

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
        request, now = incoming.request, self._now()
        credentials = request.headers.all("Authorization")
        verdict = self._digest.verify(request.method, request.uri, credentials, now)
        if verdict.outcome != "ok":
            demands = self._digest.challenges(now, stale=verdict.outcome == "stale")
            incoming.respond(401, headers=[("WWW-Authenticate", demand) for demand in demands])
            return False
        if claimed.user is None or unescape(claimed.user) != verdict.user:
            incoming.respond(403)
            return False
        return True


def is_from_here(incoming: IncomingRequest) -> bool:
    """Return whether a request came from this machine."""
    try:
        return ipaddress.ip_address(incoming.flow.peer[0]).is_loopback
    except ValueError:
        return False
