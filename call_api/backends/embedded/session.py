"""What one phone has said about its media, and what it was told about the other's. No I/O."""

from call_api.model import LEGS, LegName
from call_api.sip.sdp import (
    Direction,
    Origin,
    Sdp,
    held_answer,
    same_media_address,
)

_TALK: dict[LegName, Direction] = {"caller": "sendrecv", "callee": "sendrecv"}


def directions(held: frozenset[LegName]) -> dict[LegName, Direction]:
    """Return what each party is told while some of them are on hold.

    Who is alone on hold may go on hearing, as music, say; the other one hears nothing from it
    and would talk to nobody, so nothing flows there. Seen from us, as the words in SDP are.
    """
    if not held:
        return dict(_TALK)
    alone = len(held) == 1
    return {name: "sendonly" if alone and name in held else "inactive" for name in LEGS}


class Session:
    """Offers and answers of one leg (RFC 3264).

    Attributes:
        said: The phone's last description; None before the first.
        told: The last one of the other phone's that it was sent; None before the first, and
            after a held answer.
        holds: Whether the phone's last own offer kept the other party on hold.
    """

    __slots__ = ("_origin", "holds", "said", "told")

    def __init__(self, session_id: int, address: str) -> None:
        self._origin = Origin(session_id, address)
        self.said: Sdp | None = None
        self.told: Sdp | None = None
        self.holds = False

    def hear(self, body: bytes, *, is_offer: bool = False) -> Sdp:
        """Note and return what the phone says.

        Args:
            is_offer: The phone says it of its own accord, not in answer to us.

        Raises:
            BadSdp: The body is no description.
        """
        sdp = Sdp.parse(body)
        if is_offer:
            self.holds = bool(sdp.active) and sdp.direction in ("sendonly", "inactive")
        self.said = sdp
        return sdp

    def forget_offer(self, said: Sdp | None, *, holds: bool) -> None:
        """Go back to what was ``said`` and held before an offer of the phone's that was refused."""
        self.said = said
        self.holds = holds

    def offer(self, sdp: Sdp) -> bytes:
        """Return the body that offers ``sdp`` to the phone."""
        self.told = sdp
        return self._origin.write(sdp)

    def answer(self, sdp: Sdp) -> bytes:
        """Return the body that answers the phone's offer with ``sdp``."""
        self.told = sdp
        return self._origin.write(sdp, answers=self.said)

    def held_answer(self) -> bytes:
        """Return the body that accepts the phone's offer but has nothing sent as yet.

        Raises:
            ValueError: The phone has offered nothing.
        """
        if self.said is None:
            raise ValueError("there is no offer to answer")
        self.told = None
        return held_answer(self.said, self._origin)

    def has_moved(self, since: Sdp | None) -> bool:
        """Return whether the phone wants its media elsewhere than it said in ``since``."""
        if since is None or self.said is None:
            return since is not self.said
        return not same_media_address(since, self.said)
