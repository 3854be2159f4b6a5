"""Session descriptions as far as a signalling-only back-to-back user agent needs them.

It passes the phones' own descriptions through, so a description here is its lines: what is
not understood stays as it was (RFC 4566; offers and answers: RFC 3264).
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest
from typing import Literal, TypeAlias, get_args

Direction: TypeAlias = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
"""Where media flows, seen from the one who wrote the description."""

_ATTRIBUTES: dict[str, Direction] = {f"a={d}": d for d in get_args(Direction)}
_MIRRORED: dict[Direction, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}
_SENDING = ("sendrecv", "sendonly")
_RECEIVING = ("sendrecv", "recvonly")
_UNSPECIFIED = ("0.0.0.0", "::")  # noqa: S104  # the hold of RFC 2543, no address to listen on
_VERSION_LINE = b"v=0\r\n"
_DISCARD_PORT = 9
_PCMU = "0"
_HELD_ATTRIBUTES = ("a=rtpmap:", "a=fmtp:", "a=ptime:", "a=rtcp-mux", "a=crypto:")

_LINE = re.compile(r"[a-z]=[^\x00\r\n]*+")
_MEDIA = re.compile(r"m=([!-~]+) +([0-9]{1,5})((?:/[0-9]+)?) +([!-~]+) +([!-~][ -~]*)")
_CONNECTION = re.compile(r"c=IN +IP[46] +([!-.0-~]+)(?:/[0-9/]+)? *")


class BadSdp(ValueError):
    """The body is no session description.

    Attributes:
        problem: What is wrong, in words.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


@dataclass(frozen=True, slots=True)
class Media:
    """One media section.

    Attributes:
        kind: ``audio``, ``video``, ...
        port: 0 when the stream is refused or over.
        ports: What may follow the port, as ``/2``; mostly empty.
        protocol: ``RTP/AVP``, ...
        formats: Payload types, separated by blanks.
        lines: The section's other lines.
        address: Of its own connection line; empty when the session's counts.
    """

    kind: str
    port: int
    ports: str
    protocol: str
    formats: str
    lines: tuple[str, ...]
    address: str = ""

    def refused(self) -> "Media":
        """Return the section with which this stream is refused, or its place is kept."""
        return Media(self.kind, 0, "", self.protocol, self.formats, ())

    def with_direction(self, direction: Direction) -> "Media":
        """Return the section with one attribute for its direction, in the place of the old."""
        lines = _without_direction(self.lines)
        at = next((i for i, line in enumerate(self.lines) if line not in lines), len(lines))
        return replace(self, lines=(*lines[:at], f"a={direction}", *lines[at:]))

    def __str__(self) -> str:
        head = f"m={self.kind} {self.port}{self.ports} {self.protocol} {self.formats}"
        return "".join(f"{line}\r\n" for line in (head, *self.lines))


@dataclass(frozen=True, slots=True)
class Sdp:
    """A session description.

    Attributes:
        session: The lines before the first media section; the first one is ``v=0``.
        address: Of the session's connection line; empty when there is none.
    """

    session: tuple[str, ...]
    media: tuple[Media, ...]
    address: str = ""

    @staticmethod
    def parse(body: bytes) -> "Sdp":
        """Return the description that a message body holds. Bare line feeds are accepted.

        Raises:
            BadSdp: It holds none.
        """
        texts = [text.rstrip("\r") for text in body.decode("utf-8", "surrogateescape").split("\n")]
        lines = [sys.intern(text) for text in texts if text]  # most are the same in every call
        if not lines or lines[0].rstrip() != "v=0":
            raise BadSdp("does not start with v=0")
        if not all(_LINE.fullmatch(line) for line in lines):
            raise BadSdp("has a line that is no type and value")
        bounds = [at for at, line in enumerate(lines) if line.startswith("m=")] + [len(lines)]
        session = tuple(lines[: bounds[0]])
        address = _address(session)
        media = tuple(_parse_media(lines[a:b]) for a, b in pairwise(bounds))
        if not address and any(m.port and not m.address for m in media):
            raise BadSdp("has a stream without an address")
        return Sdp(session, media, address)

    @property
    def direction(self) -> Direction:
        """What all streams together do; ``inactive`` when there is none."""
        return _direction(
            sends=any(self.direction_of(m) in _SENDING for m in self.active),
            receives=any(self.direction_of(m) in _RECEIVING for m in self.active),
        )

    @property
    def active(self) -> list[Media]:
        """The streams that are neither refused nor over."""
        return [m for m in self.media if m.port]

    def address_of(self, media: Media) -> str:
        """Return where the stream is to be sent."""
        return media.address or self.address

    def direction_of(self, media: Media) -> Direction:
        """Return what one stream does.

        Its own attribute counts before the session's (RFC 3264, section 5.1). Who has no
        address does not want to receive: the hold of old phones (section 8.4).
        """
        lines = (*media.lines, *self.session)
        said = next(filter(None, map(_direction_in, lines)), "sendrecv")
        has_address = self.address_of(media) not in _UNSPECIFIED
        return _direction(
            sends=said in _SENDING,
            receives=said in _RECEIVING and has_address,
        )

    def with_direction(self, direction: Direction) -> "Sdp":
        """Return the description with every stream that is left saying ``direction``."""
        media = [m.with_direction(direction) if m.port else m for m in self.media]
        return replace(self, session=_without_direction(self.session), media=tuple(media))

    def as_answer_to(self, offer: "Sdp") -> "Sdp":
        """Return the description with exactly the offer's media lines (RFC 3264, section 6).

        What goes beyond the offer is left out, also of what a stream is to do. What is missing,
        or of another kind than was offered in its place, is refused.
        """
        media = [
            self._within(answer, offer.direction_of(asked))
            if answer and asked.port and answer.kind == asked.kind
            else asked.refused()
            for asked, answer in zip_longest(offer.media, self.media[: len(offer.media)])
        ]
        return replace(self, media=tuple(media))

    def _within(self, media: Media, offered: Direction) -> Media:
        """Return one stream, doing no more than the offer allows."""
        said, allowed = self.direction_of(media), mirrored(offered)
        if not media.port or allowed in ("sendrecv", said):
            return media
        both = _direction(
            sends=said in _SENDING and allowed in _SENDING,
            receives=said in _RECEIVING and allowed in _RECEIVING,
        )
        return media if both == said else media.with_direction(both)

    def encode(self) -> bytes:
        """Return the description as a message body."""
        head = "".join(f"{line}\r\n" for line in self.session)
        return (head + "".join(map(str, self.media))).encode("utf-8", "surrogateescape")


class Origin:
    """Writes all descriptions that one leg is sent, so that they are one session's.

    Whoever's description it is, the leg sees the same session id with a version that grows by
    one when something has changed, and never fewer media lines than before, because these
    cannot be taken back (RFC 3264, section 8).

    Args:
        session_id: Unique among the sessions of ``address``; a number below 2**63.
        address: An IP address of ours.
    """

    def __init__(self, session_id: int, address: str) -> None:
        self.address = address
        self._session_id = session_id
        self._version = session_id
        self._last = b""  # as sent, without its origin line; bytes are smaller than a Sdp

    def write(self, sdp: Sdp, *, answers: Sdp | None = None) -> bytes:
        """Return the body to send.

        Args:
            answers: The offer that ``sdp`` answers; it decides how many media lines there are.
        """
        if answers is not None:
            sdp = sdp.as_answer_to(answers)
        elif self._last.count(b"\r\nm=") > len(sdp.media):
            gone = Sdp.parse(self._last).media[len(sdp.media) :]
            sdp = replace(sdp, media=(*sdp.media, *(m.refused() for m in gone)))
        session = tuple(line for line in sdp.session[1:] if not line.startswith("o="))
        body = replace(sdp, session=session).encode()
        if self._last not in (b"", _VERSION_LINE + body):
            self._version += 1
        self._last = _VERSION_LINE + body
        family = "IP6" if ":" in self.address else "IP4"
        origin = f"o=- {self._session_id} {self._version} IN {family} {self.address}\r\n"
        return _VERSION_LINE + origin.encode() + body


def mirrored(direction: Direction) -> Direction:
    """Return what the other side does (RFC 3264, section 6.1)."""
    return _MIRRORED[direction]


def held_answer(offer: Sdp, origin: Origin) -> bytes:
    """Return an answer that accepts the offered audio but has nothing sent.

    For a phone that waits while the one it is to talk to is still asked: its codecs and its
    first key are given back to it, the port is the discard port, other media is refused. An
    offer without audio has its first stream accepted in this way.
    """
    held = [m for m in offer.active if m.kind == "audio"] or offer.active[:1]
    media = [_held(m) if m in held else m.refused() for m in offer.media]
    return origin.write(Sdp(_own_session(origin.address), tuple(media)), answers=offer)


def same_media_address(a: Sdp, b: Sdp) -> bool:
    """Return whether both want their media at the same addresses and ports."""
    return [(a.address_of(m), m.port) for m in a.active] == [
        (b.address_of(m), m.port) for m in b.active
    ]


def make_offer(address: str, port: int, direction: Direction = "sendrecv") -> Sdp:
    """Return a phone's offer of PCMU audio at ``address`` and ``port``."""
    lines = ("a=rtpmap:0 PCMU/8000", "a=ptime:20", f"a={direction}")
    media = Media("audio", port, "", "RTP/AVP", _PCMU, lines)
    return Sdp(_own_session(address), (media,), address)


def make_answer(offer: Sdp, address: str, port: int) -> Sdp | None:
    """Return a phone's answer: the first PCMU audio accepted, its direction mirrored.

    None when there is nothing to accept (488; RFC 3261, section 21.4.26).
    """
    chosen = next((m for m in offer.active if _has_pcmu(m)), None)
    if chosen is None:
        return None
    accepted = make_offer(address, port, mirrored(offer.direction_of(chosen)))
    media = [accepted.media[0] if m is chosen else m.refused() for m in offer.media]
    return replace(accepted, media=tuple(media))


def _parse_media(lines: Sequence[str]) -> Media:
    found = _MEDIA.fullmatch(lines[0])
    if not found or int(found[2]) > 65535:
        raise BadSdp("has a media line of the wrong form")
    kind, port, ports, protocol, formats = found.groups()
    return Media(kind, int(port), ports, protocol, formats, tuple(lines[1:]), _address(lines[1:]))


def _address(lines: Sequence[str]) -> str:
    line = next((line for line in lines if line.startswith("c=")), None)
    if line is None:
        return ""
    found = _CONNECTION.fullmatch(line)
    if not found:
        raise BadSdp("has a connection line of the wrong form")
    return found[1]


def _direction(*, sends: bool, receives: bool) -> Direction:
    if sends:
        return "sendrecv" if receives else "sendonly"
    return "recvonly" if receives else "inactive"


def _without_direction(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(line for line in lines if not _direction_in(line))


def _direction_in(line: str) -> Direction | None:
    return _ATTRIBUTES.get(line.rstrip())


def _own_session(address: str) -> tuple[str, ...]:
    family = "IP6" if ":" in address else "IP4"
    return ("v=0", f"o=- 0 0 IN {family} {address}", "s=-", f"c=IN {family} {address}", "t=0 0")


def _held(media: Media) -> Media:
    kept = [line for line in media.lines if line.startswith(_HELD_ATTRIBUTES)]
    first_key = next((line for line in kept if line.startswith("a=crypto:")), None)
    lines = [line for line in kept if not line.startswith("a=crypto:") or line == first_key]
    held = Media(media.kind, _DISCARD_PORT, "", media.protocol, media.formats, tuple(lines))
    return held.with_direction("inactive")


def _has_pcmu(media: Media) -> bool:
    return (media.kind, media.protocol) == ("audio", "RTP/AVP") and _PCMU in media.formats.split()
