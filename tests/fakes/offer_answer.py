"""Watches the session descriptions on a network, and holds both sides to RFC 3264."""

from collections.abc import Iterable
from typing import TypeAlias

from call_api.sip.message import Request, Response
from call_api.sip.parser import parse_message
from call_api.sip.sdp import Sdp

Exchange: TypeAlias = tuple[str, str, int]  # Call-ID, tag of who sent the INVITE, and its number


class OfferAnswer:
    """All descriptions of all dialogs.

    Attributes:
        count: How many were seen, repeated ones once.
    """

    def __init__(self) -> None:
        self.count = 0
        self._offers: dict[Exchange, Sdp] = {}
        self._said: dict[tuple[str, str], Sdp] = {}  # last one, by Call-ID and the speaker's tag
        self._has_offer: dict[Exchange, bool] = {}
        self._agreed: dict[tuple[str, frozenset[str | None]], list[str]] = {}  # kinds, by dialog
        self._seen: set[bytes] = set()

    def check(self, carried: Iterable[tuple[str, bytes]]) -> None:
        """Take what was sent, oldest first.

        Raises:
            AssertionError: Somebody broke a rule.
        """
        for _, data in carried:
            if data in self._seen or not data.strip():
                continue
            self._seen.add(data)
            message = parse_message(data)
            if message.cseq.method in ("INVITE", "ACK"):
                self._take(message)

    def _take(self, message: Request | Response) -> None:
        exchange = (message.callid, message.from_tag or "", message.cseq.number)
        is_request = isinstance(message, Request)
        if is_request and message.cseq.method == "INVITE":
            self._has_offer[exchange] = bool(message.body)
        if not message.body:
            return
        self.count += 1
        speaker = message.from_tag if is_request else message.to_tag
        sdp = Sdp.parse(message.body)
        self._check_session(sdp, (message.callid, speaker or ""))
        dialog = (message.callid, frozenset((message.from_tag, message.to_tag)))
        is_offer = is_request == self._has_offer[exchange]
        kinds = [media.kind for media in sdp.media]
        if is_offer:
            agreed = self._agreed.get(dialog, [])
            assert kinds[: len(agreed)] == agreed, "streams that were agreed on are left out"
            self._offers[exchange] = sdp
        else:
            _check_answer(self._offers[exchange], sdp)
            self._agreed[dialog] = kinds

    def _check_session(self, sdp: Sdp, speaker: tuple[str, str]) -> None:
        """Check what one side says against what it said before (RFC 3264, section 8)."""
        before = self._said.get(speaker)
        self._said[speaker] = sdp
        if before is None:
            return
        (id_, version), (old_id, old_version) = _origin(sdp), _origin(before)
        assert id_ == old_id
        assert version == old_version + (_content(sdp) != _content(before))


def _check_answer(offer: Sdp, answer: Sdp) -> None:
    """Check that each offered stream has its answer (RFC 3264, section 6)."""
    assert [m.kind for m in answer.media] == [m.kind for m in offer.media]
    for asked, said in zip(offer.media, answer.media, strict=True):
        assert said.port == 0 or asked.port != 0, "a stream that was not offered is accepted"
        way = {offer.direction_of(asked), answer.direction_of(said)}
        if said.port:
            assert way not in ({"sendonly"}, {"recvonly"}), "both send, or both listen"


def _origin(sdp: Sdp) -> tuple[int, int]:
    (line,) = (line for line in sdp.session if line.startswith("o="))
    _, id_, version, *_ = line.split()
    return int(id_), int(version)


def _content(sdp: Sdp) -> list[str]:
    lines = [line for line in sdp.session if not line.startswith("o=")]
    return [*lines, *map(str, sdp.media)]
