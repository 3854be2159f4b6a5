"""All SIP transactions of one endpoint: the tables that find them, and the one timer."""

import logging
import re
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING

from call_api.backends.embedded.timer_queue import Clock, TimerQueue
from call_api.sip.flow import Flow, host_port
from call_api.sip.message import Request
from call_api.sip.timers import Timers
from call_api.sip.transaction import MAGIC_COOKIE, Key

if TYPE_CHECKING:
    from call_api.backends.embedded.incoming_request import ServerEntry
    from call_api.backends.embedded.outgoing_request import OutgoingRequest
    from call_api.backends.embedded.unacked_answer import UnackedAnswer

logger = logging.getLogger(__name__)

_SECRET = re.compile(rb"(?im)^((?:Proxy-)?Authorization[ \t]*:).*?(\r?)$")


class TransactionLayer:
    """What the requests of one endpoint share (RFC 3261, section 17).

    Args:
        limit: Most transactions of each side, lingering ones included.

    Attributes:
        name: Said in User-Agent and Server; empty: neither is said.
        clients: Our requests, by branch and method.
        accepted: Our INVITEs that got a 2xx, by Call-ID, our tag and number: what an ACK is of.
        servers: Requests that came, by what `server_key` makes of them.
        first_requests: Keys of those that came outside dialogs, by what merged ones share
            (RFC 3261, section 8.2.2.2).
        unacked: 2xx to INVITEs that wait for their ACK, by Call-ID and our tag.
    """

    def __init__(self, *, clock: Clock, timers: Timers, name: str, limit: int) -> None:
        self.timers = timers
        self.name = name
        self.clients: dict[Key, OutgoingRequest] = {}
        self.accepted: dict[Key, OutgoingRequest] = {}
        self.servers: dict[Key, ServerEntry] = {}
        self.first_requests: dict[Key, Key] = {}
        self.unacked: dict[Key, UnackedAnswer] = {}
        self.queue = TimerQueue(clock)
        self._clock = clock
        self._limit = limit
        self._on_flow: dict[Flow, dict[OutgoingRequest, None]] = {}

    @property
    def is_full_of_clients(self) -> bool:
        """Whether no further request may be sent."""
        return len(self.clients) >= self._limit

    @property
    def is_full_of_servers(self) -> bool:
        """Whether no further request may be taken."""
        return len(self.servers) >= self._limit

    def now(self) -> float:
        """Return the time that the timers go by."""
        return self._clock.time()

    def send(self, data: bytes, flow: Flow) -> bool:
        """Send a message; False if it cannot be sent."""
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s > %s", peer_name(flow), printable(data))
        try:
            flow.send(data)
        except OSError as exc:
            logger.warning("%s: cannot be sent to: %s", peer_name(flow), exc)
            return False
        return True

    def put_via(self, request: Request, flow: Flow) -> None:
        """Give a request of ours its Via (RFC 3261, section 18.1.1; RFC 3581), and our name."""
        branch = MAGIC_COOKIE + secrets.token_hex(8)
        via = f"SIP/2.0/{flow.transport} {host_port(flow.local)};branch={branch};rport"
        request.headers.remove("Via")
        request.headers.prepend("Via", via)
        if self.name and "User-Agent" not in request.headers:
            request.headers.add("User-Agent", self.name)

    def depends_on(self, flow: Flow, request: "OutgoingRequest") -> None:
        """Note that losing the flow fails the request."""
        self._on_flow.setdefault(flow, {})[request] = None

    def depends_no_more(self, flow: Flow, request: "OutgoingRequest") -> None:
        """Undo `depends_on`, if it was done."""
        requests = self._on_flow.get(flow)
        if requests is not None:
            requests.pop(request, None)
            if not requests:
                del self._on_flow[flow]

    def depending_on(self, flow: Flow) -> Iterable["OutgoingRequest"]:
        """Return the requests that fail with the flow."""
        return list(self._on_flow.get(flow, ()))

    def close(self) -> None:
        """Forget everything; no timer fires any more."""
        self.queue.close()
        for table in (self.clients, self.accepted, self.servers, self.unacked):
            table.clear()
        self.first_requests.clear()
        self._on_flow.clear()


def peer_name(flow: Flow) -> str:
    """Return how a peer is called in the log."""
    return f"{flow.transport} {host_port(flow.peer)}"


def printable(data: bytes) -> str:
    """Return a message as the log may show it: escaped, and without credentials."""
    return repr(_SECRET.sub(rb"\1 ...\2", data))[2:-1]
