"""The sound of a phone that nobody talks into: PCMU silence, 50 packets a second (RFC 3551)."""

import secrets
import struct
from collections.abc import Callable

from call_api.backends.embedded.timer_queue import Cancellable, Clock
from call_api.sip.flow import Address
from call_api.transports.rtp import RtpSocket

PACKET_EVERY = 0.02
"""Seconds of sound in a packet."""

_HEADER = struct.Struct("!BBHII")
_VERSION = 0x80  # RTP version 2; no padding, no extension, no sources (RFC 3550, section 5.1)
_PCMU = 0
_SAMPLES = 160
_SILENCE = b"\xff" * _SAMPLES


class Ticker:
    """Calls all streams every 20 ms, from one timer, as long as there is one.

    When the loop was late it does not make up for it: phones do not mind a gap, but a burst.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ticks: dict[Callable[[], None], None] = {}
        self._next_at = 0.0
        self._call: Cancellable | None = None

    def add(self, tick: Callable[[], None]) -> None:
        """Call ``tick`` from now on."""
        self._ticks[tick] = None
        if self._call is None:
            self._next_at = self._clock.time()
            self._call_again()

    def discard(self, tick: Callable[[], None]) -> None:
        """Call it no more, if it was called."""
        self._ticks.pop(tick, None)
        if not self._ticks and self._call is not None:
            self._call.cancel()
            self._call = None

    def _tick(self) -> None:
        self._call = None
        for tick in list(self._ticks):
            tick()
        if self._ticks and self._call is None:
            self._call_again()

    def _call_again(self) -> None:
        self._next_at = max(self._next_at + PACKET_EVERY, self._clock.time())
        self._call = self._clock.call_at(self._next_at, self._tick)


class SilentStream:
    """One call's sound: counts the packets that come, sends silence where it is wanted.

    Args:
        on_packet: Told of each packet, after it was counted.

    Attributes:
        sent: Packets.
        received: RTP packets; what is none is not counted.
    """

    def __init__(self, host: str, ticker: Ticker, on_packet: Callable[[], None]) -> None:
        self.sent = 0
        self.received = 0
        self._socket = RtpSocket(host, self._take)
        self._ticker = ticker
        self._on_packet = on_packet
        self._peer: Address | None = None
        self._ssrc = secrets.randbits(32)
        self._sequence = secrets.randbits(16)
        self._timestamp = secrets.randbits(32)

    @property
    def port(self) -> int:
        """Where packets are expected."""
        return self._socket.port

    def send_to(self, peer: Address | None) -> None:
        """Send silence there from now on; None: send nothing."""
        self._peer = peer
        if peer is None:
            self._ticker.discard(self._tick)
        else:
            self._ticker.add(self._tick)

    def close(self) -> None:
        """Send and count no more."""
        self.send_to(None)
        self._socket.close()

    def _tick(self) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + _SAMPLES) & 0xFFFFFFFF
        header = _HEADER.pack(_VERSION, _PCMU, self._sequence, self._timestamp, self._ssrc)
        if self._peer is not None and self._socket.send(header + _SILENCE, self._peer):
            self.sent += 1
            self._on_packet()

    def _take(self, packet: bytes) -> None:
        if len(packet) >= _HEADER.size and packet[0] & 0xC0 == _VERSION:
            self.received += 1
            self._on_packet()
