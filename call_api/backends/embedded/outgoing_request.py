"""A request of ours on its way: its transaction, its CANCEL, and what is told of it."""

from collections.abc import Callable

from call_api.backends.embedded.timer_queue import TimerEntry
from call_api.backends.embedded.transaction_layer import TransactionLayer
from call_api.backends.embedded.unwanted_forks import UnwantedForks
from call_api.sip.client_transaction import (
    InviteClientTransaction,
    NonInviteClientTransaction,
    cancel_request,
)
from call_api.sip.flow import Flow
from call_api.sip.message import Request, Response
from call_api.sip.transaction import Failure, Key, Outcome, State

OnResponse = Callable[[Response], None]


class OutgoingRequest:
    """What `Agent.request` returns: one request of ours, until long after its final response.

    Attributes:
        is_done: Whether the final response has been told.
        failure: Why a final response was made up here; None for one that was received.
    """

    __slots__ = (
        "_accepted",
        "_ack",
        "_deadline",
        "_dialog_tag",
        "_flow",
        "_forks",
        "_is_broken",
        "_is_cancelled",
        "_key",
        "_layer",
        "_on_response",
        "_request",
        "_transaction",
        "_wants_cancel",
        "failure",
        "timer",
    )

    def __init__(
        self,
        layer: TransactionLayer,
        request: Request,
        flow: Flow,
        on_response: OnResponse,
        *,
        ring_for: float | None = None,
    ) -> None:
        """Send a request that has its Via.

        Raises:
            ValueError: It cannot be written as a SIP message.
        """
        now = layer.now()
        data = request.encode()
        self.timer: TimerEntry | None = None
        self.failure: Failure | None = None
        self._layer = layer
        self._flow = flow
        self._key: Key = (request.top_via.branch, request.method)
        self._request: Request | None = request
        self._on_response: OnResponse | None = on_response
        self._deadline = None if ring_for is None else now + ring_for
        self._wants_cancel = self._is_cancelled = False
        self._dialog_tag: str | None = None
        self._accepted: Key | None = None
        self._ack: tuple[bytes, Flow] | None = None
        self._forks: UnwantedForks | None = None
        self._transaction: InviteClientTransaction | NonInviteClientTransaction
        if request.method == "INVITE":
            self._transaction = InviteClientTransaction(
                request, data, reliable=flow.reliable, timers=layer.timers, now=now
            )
        else:
            self._transaction = NonInviteClientTransaction(
                data, reliable=flow.reliable, timers=layer.timers, now=now
            )
        # A failure is told later, not before the caller knows this object.
        self._is_broken = layer.is_full_of_clients or not layer.send(data, flow)
        layer.clients[self._key] = self
        if flow.reliable:
            layer.depends_on(flow, self)
        layer.queue.update(self)

    @property
    def is_done(self) -> bool:
        """Whether the final response has been told."""
        return self._on_response is None

    def cancel(self) -> None:
        """Take an INVITE back (RFC 3261, section 9.1).

        The CANCEL goes out once the peer has sent a provisional response, not before. The
        final response is told as ever: mostly 487, but a 2xx if both crossed, to be ACKed and
        hung up. Nothing happens to a request that has been answered, or is no INVITE.
        """
        if not self.is_done and isinstance(self._transaction, InviteClientTransaction):
            self._wants_cancel = True
            self._cancel_if_possible()

    # For the agent.

    def receive(self, response: Response) -> None:
        """Take a response with our branch and method."""
        outcome = self._transaction.receive(response, self._layer.now())
        if response.is_final:
            self._request = self._deadline = None
        self._do(outcome)

    def remember_ack(self, data: bytes, flow: Flow) -> None:
        """Note the TU's ACK of the 2xx: it is sent again when the 2xx comes again."""
        self._ack = (data, flow)

    def flow_lost(self) -> None:
        """Fail, because nothing can come back any more."""
        self._do(self._transaction.transport_failed(self._layer.now()))

    def next_timer(self) -> float | None:
        """Return when `handle_timer` is due."""
        if self._is_broken:
            return 0.0
        due = self._transaction.next_timer()
        if self._deadline is None or (due is not None and due < self._deadline):
            return due
        return self._deadline

    def handle_timer(self, now: float) -> None:
        """Send again, give up, or forget the request: whatever is due."""
        if self._is_broken:
            self._do(self._transaction.transport_failed(now))
        elif self._deadline is not None and self._deadline <= now:
            self._deadline = None
            self._overdue()
        else:
            self._do(self._transaction.handle_timer(now))

    def _overdue(self) -> None:
        """End the ringing, or the wait for what a CANCEL should have brought."""
        if self._is_cancelled:
            self._transaction.abandon()
            self._settle()
            self._make_up(487, Failure.TIMEOUT)
        else:
            self._wants_cancel = True
            self._cancel_if_possible()
            self._make_up(408, Failure.TIMEOUT)

    def _cancel_if_possible(self) -> None:
        if self._request is None or self._is_cancelled:
            return
        if self._transaction.state is State.PROCEEDING:
            self._is_cancelled = True
            self._deadline = self._layer.now() + self._layer.timers.give_up_after
            self._layer.queue.update(self)
            OutgoingRequest(self._layer, cancel_request(self._request), self._flow, _ignore)

    def _do(self, outcome: Outcome) -> None:
        """Carry out what the transaction wants; the TU is told last."""
        self._is_broken = outcome.send is not None and not self._layer.send(
            outcome.send, self._flow
        )
        self._settle()
        if isinstance(outcome.tell, Response):
            self._tell(outcome.tell)
        elif outcome.tell is Failure.TIMEOUT:
            self._make_up(408, Failure.TIMEOUT)
        elif outcome.tell is Failure.TRANSPORT:
            self._make_up(503, Failure.TRANSPORT)

    def _settle(self) -> None:
        """Bring tables and timers up to date with the transaction's state."""
        layer = self._layer
        if self._transaction.is_terminated:
            self._deadline = None
            self._is_broken = False
            layer.depends_no_more(self._flow, self)
            layer.clients.pop(self._key, None)
            if self._accepted is not None:
                layer.accepted.pop(self._accepted, None)
        layer.queue.update(self)

    def _tell(self, response: Response) -> None:
        if response.is_success and self._key[1] == "INVITE":
            self._take_success(response)
        elif response.is_final:
            self._finish(response)
        else:
            if self._wants_cancel:
                self._cancel_if_possible()
            if self._on_response is not None:
                self._on_response(response)

    def _take_success(self, response: Response) -> None:
        """Take a 2xx to an INVITE: the first, the same once more, or another fork's.

        One that comes after a final response was made up is treated as a fork's.
        """
        tag = response.to_tag or ""
        if not self.is_done:
            self._dialog_tag = tag
            self._accepted = ack_key(response)
            self._layer.accepted[self._accepted] = self
            self._finish(response)
        elif tag != self._dialog_tag:
            self._forks = self._forks or UnwantedForks(self._layer, self._flow, _send)
            self._forks.hang_up(response)
        elif self._ack is not None:
            self._layer.send(*self._ack)

    def _make_up(self, status: int, failure: Failure) -> None:
        if not self.is_done and self._request is not None:
            self.failure = failure
            self._finish(self._request.response(status))

    def _finish(self, response: Response) -> None:
        """Tell the one final response."""
        on_response, self._on_response = self._on_response, None
        self._layer.depends_no_more(self._flow, self)
        if on_response is not None:
            on_response(response)


def ack_key(message: Request | Response) -> Key:
    """Return what an ACK of ours shares with the 2xx that it is of."""
    return message.callid, message.from_tag, message.cseq.number


def _send(layer: TransactionLayer, request: Request, flow: Flow) -> None:
    """Send a request whose answer changes nothing."""
    OutgoingRequest(layer, request, flow, _ignore)


def _ignore(response: Response) -> None:
    """Take the responses that change nothing: to a CANCEL, to a fork's BYE."""
