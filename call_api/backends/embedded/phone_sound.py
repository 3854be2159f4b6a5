"""What a demo phone says and hears in one call: its session descriptions, its silence."""

import logging
import secrets
from collections.abc import Callable

from call_api.backends.embedded.silence import SilentStream, Ticker
from call_api.sip.sdp import BadSdp, Direction, Origin, Sdp, make_answer, make_offer, mirrored

logger = logging.getLogger(__name__)

_SENDING: tuple[Direction, ...] = ("sendrecv", "sendonly")
_RECEIVING: tuple[Direction, ...] = ("sendrecv", "recvonly")
_DISCARD_PORT = 9


class PhoneSound:
    """One call's sound, PCMU both ways, as offers and answers agree on it (RFC 3264).

    Args:
        name: Of the phone, for the log.
        host: IP address that packets are expected on.
        on_change: Told of each packet, and of each change of direction.

    Attributes:
        direction: What the phone does now.
        wish: What it would do if it could choose: ``sendonly`` while it holds the peer.
        stream: Sends and counts the packets.
    """

    def __init__(self, name: str, host: str, ticker: Ticker, on_change: Callable[[], None]) -> None:
        self.direction: Direction = "inactive"
        self.wish: Direction = "sendrecv"
        self.stream = SilentStream(host, ticker, on_change)
        self._name = name
        self._host = host
        self._on_change = on_change
        self._is_open = True
        self._origin = Origin(secrets.randbits(31), host)

    def offer(self, wish: Direction | None = None) -> bytes:
        """Return an offer of what the phone wishes, or of what it would wish."""
        return self._origin.write(make_offer(self._host, self.stream.port, wish or self.wish))

    def answer_to(self, body: bytes) -> bytes | None:
        """Take an offer; return the answer, or None if there is nothing to agree on (488)."""
        offer = self._parse(body)
        answer = None if offer is None else make_answer(offer, self._host, self.stream.port)
        if offer is None or answer is None:
            return None
        direction = _both(answer.direction, self.wish)
        self._use(offer, direction)
        return self._origin.write(answer.with_direction(direction), answers=offer)

    def take_answer(self, body: bytes) -> None:
        """Take the answer to the last offer; one that makes no sense changes nothing."""
        if (answer := self._parse(body)) is not None:
            self._use(answer, _both(mirrored(answer.direction), self.wish))

    def close(self) -> None:
        """Send and count no more."""
        self._is_open = False
        self.direction = "inactive"
        self.stream.close()

    def _parse(self, body: bytes) -> Sdp | None:
        try:
            return Sdp.parse(body)
        except BadSdp as exc:
            logger.warning("%s: a session description that %s", self._name, exc)
            return None

    def _use(self, remote: Sdp, direction: Direction) -> None:
        """Send to where the peer wants it, or not at all."""
        if not self._is_open:
            return
        self.direction = direction
        audio = [m for m in remote.active if m.kind == "audio" and m.port != _DISCARD_PORT]
        if audio and direction in _SENDING:
            self.stream.send_to((remote.address_of(audio[0]), audio[0].port))
        else:
            self.stream.send_to(None)
        self._on_change()


def _both(a: Direction, b: Direction) -> Direction:
    """Return what two wishes have in common."""
    if a in _SENDING and b in _SENDING:
        return "sendrecv" if a in _RECEIVING and b in _RECEIVING else "sendonly"
    return "recvonly" if a in _RECEIVING and b in _RECEIVING else "inactive"
