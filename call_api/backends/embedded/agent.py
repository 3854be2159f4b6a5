"""One SIP endpoint over any number of flows: what every user agent does with every message.

It keeps the rules of RFC 3261, sections 8, 9, 17 and 18, so that the transaction user (TU)
above it sees each request once and each answer once, whatever the network does.
"""

import hashlib
import logging
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeAlias

from call_api.backends.embedded import orphaned_answer
from call_api.backends.embedded.incoming_request import IncomingRequest, ServerEntry
from call_api.backends.embedded.outgoing_request import OnResponse, OutgoingRequest, ack_key
from call_api.backends.embedded.timer_queue import Clock
from call_api.backends.embedded.transaction_layer import TransactionLayer, peer_name, printable
from call_api.sip.flow import Flow
from call_api.sip.headers import BadHeader
from call_api.sip.message import Request, Response
from call_api.sip.parser import BadMessage, answerable, parse_message
from call_api.sip.stream_parser import MAX_MESSAGE_BYTES
from call_api.sip.timers import Timers
from call_api.sip.transaction import Key, client_key, server_key

logger = logging.getLogger(__name__)

MAX_TRANSACTIONS = 200_000
"""Of each side: at 32 s a transaction about 6,000 requests a second."""

_KEEP_ALIVE = b"\r\n\0"  # what NAT keep-alives are made of
_SHOWN = 300  # bytes of a bad message in the log

Refusal: TypeAlias = tuple[int, list[tuple[str, str]]]
"""A status and headers."""


class Agent:
    """Sends and receives SIP for a transaction user.

    Every call returns at once, and nothing that a peer sends makes one raise. Callbacks run
    inside `receive`, `flow_lost` or a timer; what they raise is logged, with its traceback.

    The TU never sees: repeated messages, CANCEL (see `IncomingRequest.on_cancel`), ACK (see
    `IncomingRequest.on_ack`), requests that came twice on different ways (482), that went
    through too many hops (483) or that require an extension we lack (420). Everything else,
    requests with unknown methods and OPTIONS included, is given to ``on_request``.

    Args:
        clock: The event loop.
        on_request: Told of each new request. It answers with `IncomingRequest.respond`, at once
            or later; if it raises before it answered, the request gets a 500.
        name: Said in User-Agent and Server.
        supported: Option tags that a peer may require (RFC 3261, section 19.2).
        max_transactions: Beyond it requests get a 503, those of our own too.
        max_message: Longest message that is taken, in bytes; a longer request gets a 513.
        has_dialog: Whether the TU knows the dialog of a Call-ID and our tag. Who answers an
            INVITE that is none of ours any more, outside of all dialogs, is hung up on.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        on_request: Callable[[IncomingRequest], None],
        timers: Timers | None = None,
        name: str = "",
        supported: Iterable[str] = (),
        max_transactions: int = MAX_TRANSACTIONS,
        max_message: int = MAX_MESSAGE_BYTES,
        has_dialog: Callable[[str, str], bool] = lambda _callid, _tag: True,
    ) -> None:
        self._layer = TransactionLayer(
            clock=clock, timers=timers or Timers(), name=name, limit=max_transactions
        )
        self._on_request = on_request
        self._supported = frozenset(supported)
        self._max_message = max_message
        self._has_dialog = has_dialog
        self._secret = secrets.token_bytes(16)

    @property
    def transactions(self) -> int:
        """How many transactions there are, lingering ones included."""
        return len(self._layer.clients) + len(self._layer.servers)

    def now(self) -> float:
        """Return the time that timers go by."""
        return self._layer.now()

    def request(
        self,
        request: Request,
        flow: Flow,
        on_response: OnResponse,
        *,
        ring_for: float | None = None,
    ) -> OutgoingRequest:
        """Send a request, again and again where the transport needs it.

        Args:
            request: Complete but for its Via, which is added here, in place. Neither ACK nor
                CANCEL. It belongs to the agent until the final response.
            on_response: Told of each provisional response, 100 included, and then of exactly
                one final one; never before this returns, and of nothing more afterwards. If
                none comes it is made up: 408 after 64 times T1, or after ``ring_for``; 503 if
                the flow is lost; 487 if a CANCEL stays without effect for 64 times T1.
                To a 2xx of an INVITE the TU sends an ACK, at once or later: the agent repeats
                that ACK when it has to. Of a 2xx that comes too late, after a made-up response
                or from another fork, the agent itself sends ACK and BYE.
            ring_for: Seconds that an INVITE may take (timer C). When they are over, 408 is told
                at once, and the INVITE is cancelled behind the scene.

        Raises:
            ValueError: The request cannot be written as a SIP message.
        """
        self._layer.put_via(request, flow)
        return OutgoingRequest(self._layer, request, flow, on_response, ring_for=ring_for)

    def send_ack(self, ack: Request, flow: Flow) -> None:
        """Send the ACK of a 2xx, now and whenever that 2xx comes again.

        Args:
            ack: What `Dialog.ack` returned; its Via is added here.

        Raises:
            ValueError: It cannot be written as a SIP message.
        """
        self._layer.put_via(ack, flow)
        data = ack.encode()
        if (invite := self._layer.accepted.get(ack_key(ack))) is not None:
            invite.remember_ack(data, flow)
        self._layer.send(data, flow)

    def answer(
        self,
        request: Request,
        flow: Flow,
        status: int,
        reason: str = "",
        *,
        headers: Iterable[tuple[str, str]] = (),
        to_tag: str | None = None,
    ) -> None:
        """Answer without keeping anything (RFC 3261, section 8.2.7).

        Args:
            to_tag: Our tag, where To has none. By default one that is the same when the request
                comes again, as the whole answer is.
        """
        response = request.response(
            status, reason, to_tag=to_tag or self._stateless_tag(request), headers=headers
        )
        if self._layer.name:
            response.headers.add("Server", self._layer.name)
        self._layer.send(response.encode(), flow)

    def receive(self, data: bytes, flow: Flow) -> None:
        """Take a datagram, or one message of a stream. Never raises."""
        if not data.strip(_KEEP_ALIVE):
            return
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s < %s", peer_name(flow), printable(data))
        try:
            message = self._parse(data)
            if isinstance(message, Response):
                self._receive_response(message, flow)
            else:
                self._receive_request(message, flow)
        except BadMessage as exc:
            logger.warning(
                "%s: bad message: %s: %s", peer_name(flow), exc, printable(data[:_SHOWN])
            )
            self.refuse(exc, flow)
        except Exception:
            logger.exception("%s: failed on %s", peer_name(flow), printable(data[:_SHOWN]))

    def _parse(self, data: bytes) -> Request | Response:
        if len(data) > self._max_message:
            head = data.partition(b"\r\n\r\n")[0]
            raise BadMessage("the message is too long", status=513, request=answerable(head))
        return parse_message(data)

    def refuse(self, bad: BadMessage, flow: Flow) -> None:
        """Answer what could not be parsed, if there is anyone to answer. Never raises."""
        if bad.request is None:
            return
        with suppress(BadHeader):  # a Via that cannot be read goes back as it came
            _note_source(bad.request, flow)
        try:
            self.answer(bad.request, flow, bad.status, bad.problem)
        except ValueError as exc:
            logger.warning("%s: not answered: %s", peer_name(flow), exc)

    def flow_lost(self, flow: Flow) -> None:
        """Fail what waits for an answer on a connection that is gone. Never raises."""
        for outgoing in self._layer.depending_on(flow):
            try:
                outgoing.flow_lost()
            except Exception:
                logger.exception("%s: failed on the loss of the flow", peer_name(flow))

    def close(self) -> None:
        """Forget all transactions. Nothing is sent, nobody is told."""
        self._layer.close()

    def _receive_response(self, response: Response, flow: Flow) -> None:
        outgoing = self._layer.clients.get(client_key(response))
        if outgoing is not None and len(response.headers.all("Via")) == 1:
            outgoing.receive(response)
        elif outgoing is None and self._hang_up(response, flow):
            logger.info("%s: hung up: nobody has called any more", peer_name(flow))
        else:
            logger.debug("%s: stray response %d", peer_name(flow), response.status)

    def _hang_up(self, response: Response, flow: Flow) -> bool:
        if self._has_dialog(response.callid, response.from_tag or ""):
            return False  # it comes again, so late that its INVITE is forgotten
        return orphaned_answer.hang_up(self._layer, response, flow)

    def _receive_request(self, request: Request, flow: Flow) -> None:
        key = server_key(request)
        entry = self._layer.servers.get(key)
        if request.method == "ACK":
            self._receive_ack(request, flow, entry)
            return
        if entry is not None:
            entry.receive(request, flow)
            return
        _note_source(request, flow)
        if request.method == "CANCEL":
            self._receive_cancel(request, flow)
            return
        first_key = None if request.to_tag is not None else _first_key(request)
        refusal = self._refusal(request, key, first_key)
        if refusal is not None:
            status, headers = refusal
            self.answer(request, flow, status, headers=headers)
        else:
            self._start(request, flow, key, first_key)

    def _receive_ack(self, ack: Request, flow: Flow, entry: ServerEntry | None) -> None:
        """Take an ACK: of a failure, which has the branch of its INVITE, or of a 2xx."""
        if entry is not None and not entry.receive(ack, flow):
            return
        answer = self._layer.unacked.get((ack.callid, ack.to_tag))
        if answer is None:
            logger.debug("%s: stray ACK", peer_name(flow))
        else:
            answer.receive(ack)

    def _receive_cancel(self, cancel: Request, flow: Flow) -> None:
        """Answer a CANCEL, and end what it is about (RFC 3261, section 9.2)."""
        entry = self._layer.servers.get(server_key(cancel, "INVITE"))
        if entry is None:
            self.answer(cancel, flow, 481)
            return
        incoming = entry.incoming
        self.answer(cancel, flow, 200, to_tag=incoming.to_tag if incoming else None)
        if incoming is not None:
            incoming.cancel()

    def _refusal(self, request: Request, key: Key, first_key: Key | None) -> Refusal | None:
        """Return how a new request is refused, before the TU sees it (RFC 3261, section 8.2)."""
        if self._layer.is_full_of_servers:
            return 503, [("Retry-After", "5")]
        if first_key is not None:
            if self._layer.first_requests.get(first_key, key) != key:
                return 482, []
            hops_left = int(request.headers.get("Max-Forwards") or 70)  # the parser checked it
            if hops_left == 0 and request.method == "INVITE":
                return 483, []
        required = request.headers.all("Require")
        lacking = [option for option in required if option not in self._supported]
        return (420, [("Unsupported", ", ".join(lacking))]) if lacking else None

    def _start(self, request: Request, flow: Flow, key: Key, first_key: Key | None) -> None:
        entry = ServerEntry(self._layer, request, flow, key, first_key)
        entry.incoming = incoming = IncomingRequest(self._layer, entry, request)
        if request.method == "BYE":
            answer = self._layer.unacked.get((request.callid, incoming.to_tag))
            if answer is not None:
                answer.stop()
        try:
            self._on_request(incoming)
        except Exception:
            logger.exception("%s: failed on a %s", peer_name(flow), request.method)
            incoming.respond(500)

    def _stateless_tag(self, request: Request) -> str:
        text = " ".join(request.headers.get(name, "") for name in ("Call-ID", "CSeq", "From"))
        data = text.encode("utf-8", "surrogateescape")
        return hashlib.blake2b(data, key=self._secret, digest_size=8).hexdigest()


def _note_source(request: Request, flow: Flow) -> None:
    """Note in the top Via where a request came from (RFC 3261, 18.2.1; RFC 3581, section 4)."""
    via = request.top_via
    if "rport" in via.params or via.host != flow.peer[0]:
        request.headers.set_first("Via", str(via.seen_from(*flow.peer)))


def _first_key(request: Request) -> Key:
    """Return what two copies of a request outside a dialog share (RFC 3261, 8.2.2.2)."""
    return request.from_tag, request.callid, request.cseq.number, request.method
