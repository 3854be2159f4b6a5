"""A request that came: how it is answered, and what becomes of the answer."""

import logging
from collections.abc import Callable, Iterable

from call_api.backends.embedded.timer_queue import TimerEntry
from call_api.backends.embedded.transaction_layer import TransactionLayer, peer_name
from call_api.backends.embedded.unacked_answer import UnackedAnswer
from call_api.sip.dialog import SDP, new_tag
from call_api.sip.flow import Flow
from call_api.sip.message import Request, Response
from call_api.sip.server_transaction import InviteServerTransaction, NonInviteServerTransaction
from call_api.sip.transaction import Key, Outcome

logger = logging.getLogger(__name__)


class IncomingRequest:
    """What the TU gets: one request, and the means to answer it.

    The hooks may be set at any time; each is called at most once.

    Attributes:
        request: As it came, the top Via with ``received`` and ``rport``.
        flow: Where it came from, and where the answers go.
        to_tag: Our tag: that of To if it has one, or else a new one.
        is_answered: Whether a final response has been sent.
        is_cancelled: Whether a CANCEL has come in time. The 487 has been sent then.
        on_cancel: Called after that 487.
        on_ack: Called with the ACK of our 2xx.
        on_no_ack: Called when that ACK does not come within 64 times T1, or cannot come any
            more; the dialog is to be ended with a BYE (RFC 3261, section 13.3.1.4).
    """

    __slots__ = (
        "_entry",
        "_layer",
        "flow",
        "is_answered",
        "is_cancelled",
        "on_ack",
        "on_cancel",
        "on_no_ack",
        "request",
        "to_tag",
    )

    def __init__(self, layer: TransactionLayer, entry: "ServerEntry", request: Request) -> None:
        self.request = request
        self.flow = entry.flow
        self.to_tag = request.to_tag or new_tag()
        self.is_answered = False
        self.is_cancelled = False
        self.on_cancel: Callable[[], None] | None = None
        self.on_ack: Callable[[Request], None] | None = None
        self.on_no_ack: Callable[[], None] | None = None
        self._layer = layer
        self._entry = entry

    def respond(
        self,
        status: int,
        reason: str = "",
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> bool:
        """Send a response; False if it is too late, as after a CANCEL.

        A 2xx to an INVITE is sent again until its ACK comes (RFC 3261, section 13.3.1.4).

        Args:
            reason: By default the usual phrase of the status.
            headers: Further header lines. A body that is no SDP needs its Content-Type.

        Raises:
            ValueError: A header's name or value cannot stand in a message.
        """
        if self.is_answered:
            logger.debug("%s: too late for a %d", peer_name(self.flow), status)
            return False
        to_tag = None if status == 100 else self.to_tag
        response = self.request.response(status, reason, to_tag=to_tag, headers=headers, body=body)
        if body and "Content-Type" not in response.headers:
            response.headers.add("Content-Type", SDP)
        if self._layer.name and "Server" not in response.headers:
            response.headers.add("Server", self._layer.name)
        data = response.encode()
        self.is_answered = response.is_final
        if response.is_success and self.request.method == "INVITE":
            UnackedAnswer(self._layer, self, data)
        self._entry.respond(response, data)
        return True

    def cancel(self) -> None:
        """Take the CANCEL of this request (RFC 3261, section 9.2). For the agent."""
        if self.request.method == "INVITE" and self.respond(487):
            self.is_cancelled = True
            if self.on_cancel is not None:
                self.on_cancel()


class ServerEntry:
    """One server transaction in the table.

    Attributes:
        flow: Where the answers go.
        incoming: What the TU has of it, until it has answered: then the bytes are enough.
    """

    __slots__ = ("_first_key", "_key", "_layer", "_transaction", "flow", "incoming", "timer")

    def __init__(
        self, layer: TransactionLayer, request: Request, flow: Flow, key: Key, first_key: Key | None
    ) -> None:
        self.timer: TimerEntry | None = None
        self.flow = flow
        self._layer = layer
        self._key = key
        self._first_key = first_key
        now = layer.now()
        self._transaction: InviteServerTransaction | NonInviteServerTransaction
        if request.method == "INVITE":
            self._transaction = InviteServerTransaction(
                request, reliable=flow.reliable, timers=layer.timers, now=now
            )
        else:
            self._transaction = NonInviteServerTransaction(
                reliable=flow.reliable, timers=layer.timers, now=now
            )
        self.incoming: IncomingRequest | None = None
        layer.servers[key] = self
        if first_key is not None:
            layer.first_requests[first_key] = key
        layer.queue.update(self)

    def receive(self, request: Request, flow: Flow) -> bool:
        """Take the request once more, or an ACK; True for the ACK of a 2xx."""
        if not self.flow.is_open:  # the peer has connected anew
            self.flow = flow
            if self.incoming is not None:
                self.incoming.flow = flow
        outcome = self._transaction.receive(request, self._layer.now())
        self._do(outcome)
        return outcome.tell is request

    def respond(self, response: Response, data: bytes) -> None:
        """Take a response of the TU."""
        if response.is_final:
            self.incoming = None
        self._do(self._transaction.respond(response, data, self._layer.now()))

    def next_timer(self) -> float | None:
        """Return when `handle_timer` is due."""
        return self._transaction.next_timer()

    def handle_timer(self, now: float) -> None:
        """Send again, give up, or forget the request: whatever is due."""
        self._do(self._transaction.handle_timer(now))

    def _do(self, outcome: Outcome) -> None:
        if outcome.send is not None and not self._layer.send(outcome.send, self.flow):
            self._transaction.transport_failed(self._layer.now())
        if self._transaction.is_terminated:
            self._layer.servers.pop(self._key, None)
            if self._first_key is not None:
                self._layer.first_requests.pop(self._first_key, None)
        self._layer.queue.update(self)
