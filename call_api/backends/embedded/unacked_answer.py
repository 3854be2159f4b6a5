"""A 2xx to an INVITE, until its ACK comes."""

from typing import TYPE_CHECKING

from call_api.backends.embedded.timer_queue import TimerEntry
from call_api.backends.embedded.transaction_layer import TransactionLayer
from call_api.sip.message import Request
from call_api.sip.transaction import Key

if TYPE_CHECKING:
    from call_api.backends.embedded.incoming_request import IncomingRequest

_NEVER = float("inf")


class UnackedAnswer:
    """A 2xx to an INVITE, sent again until its ACK comes (RFC 3261, section 13.3.1.4).

    On reliable transports as well, because there may be hops behind them that are not.
    """

    __slots__ = (
        "_cseq",
        "_data",
        "_gives_up_at",
        "_incoming",
        "_key",
        "_layer",
        "_older",
        "_pause",
        "_resend_at",
        "timer",
    )

    def __init__(self, layer: TransactionLayer, incoming: "IncomingRequest", data: bytes) -> None:
        now = layer.now()
        self.timer: TimerEntry | None = None
        self._layer = layer
        self._incoming = incoming
        self._data = data
        self._cseq = incoming.request.cseq.number
        self._key: Key = (incoming.request.callid, incoming.to_tag)
        self._pause = layer.timers.t1
        self._resend_at = now + self._pause
        self._gives_up_at = now + layer.timers.give_up_after
        # An ACK can be overtaken by the next INVITE of its dialog.
        self._older = layer.unacked.get(self._key)
        layer.unacked[self._key] = self
        layer.queue.update(self)

    def receive(self, ack: Request) -> None:
        """Take an ACK with our tag: that of this answer, of one before it, or of none."""
        if ack.cseq.number == self._cseq:
            self._finish()
            if self._incoming.on_ack is not None:
                self._incoming.on_ack(ack)
        elif self._older is not None:
            self._older.receive(ack)

    def stop(self) -> None:
        """Tell nobody of any ACK of the dialog: a BYE has come.

        What answers a re-INVITE is repeated all the same. It may be lost, and a phone that hung up
        without it would wait for it for ever; the first 2xx of a call it must have had.
        """
        self._incoming.on_ack = self._incoming.on_no_ack = None
        if self._incoming.request.to_tag is None:
            self._finish()
        if self._older is not None:
            self._older.stop()

    def _finish(self) -> None:
        if self._layer.unacked.get(self._key) is self:
            del self._layer.unacked[self._key]
            if self._older is not None and self._older.next_timer() is not None:
                self._layer.unacked[self._key] = self._older
        self._gives_up_at = self._resend_at = _NEVER
        self._layer.queue.update(self)

    def next_timer(self) -> float | None:
        """Return when `handle_timer` is due."""
        due = min(self._resend_at, self._gives_up_at)
        return None if due == _NEVER else due

    def handle_timer(self, now: float) -> None:
        """Send the 2xx again, or give it up."""
        if now >= self._gives_up_at or not self._incoming.flow.is_open:
            self._finish()
            if self._incoming.on_no_ack is not None:
                self._incoming.on_no_ack()
            return
        self._layer.send(self._data, self._incoming.flow)
        self._pause = min(2 * self._pause, self._layer.timers.t2)
        self._resend_at = now + self._pause
