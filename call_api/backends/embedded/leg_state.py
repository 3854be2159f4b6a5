"""How far one leg has come: the table of states of a phone's dialog with us. No I/O."""

from enum import Enum, auto


class LegState(Enum):
    """States of a leg, in the order in which most legs go through them."""

    NEW = auto()
    """Nothing was sent or answered."""
    CALLING = auto()
    """Our INVITE is out."""
    INCOMING = auto()
    """The phone's INVITE waits for our answer."""
    EARLY = auto()
    """The phone told its progress."""
    CANCELLED = auto()
    """We gave our INVITE up and wait for what becomes of it."""
    UP = auto()
    """The dialog is established."""
    BYE = auto()
    """Our BYE is out."""
    DEAD = auto()
    """It is over; nothing more is sent."""


class LegInput(Enum):
    """What happens to a leg. Without another word the phone is the one who does it."""

    WE_INVITE = auto()
    INVITES = auto()
    PROGRESS = auto()
    ACCEPTED = auto()
    """A 2xx to the first INVITE, in either direction."""
    REFUSED = auto()
    """Any other final answer to it, in either direction, ours made up on silence included."""
    WE_CANCEL = auto()
    CANCELS = auto()
    WE_BYE = auto()
    BYES = auto()
    BYE_DONE = auto()
    """Our BYE was answered, or nobody answers it."""


_S, _I = LegState, LegInput

NEXT_STATE: dict[tuple[LegState, LegInput], LegState] = {
    (_S.NEW, _I.WE_INVITE): _S.CALLING,
    (_S.NEW, _I.INVITES): _S.INCOMING,
    (_S.CALLING, _I.PROGRESS): _S.EARLY,
    (_S.CALLING, _I.ACCEPTED): _S.UP,
    (_S.CALLING, _I.REFUSED): _S.DEAD,
    (_S.CALLING, _I.WE_CANCEL): _S.CANCELLED,
    (_S.INCOMING, _I.ACCEPTED): _S.UP,
    (_S.INCOMING, _I.REFUSED): _S.DEAD,
    (_S.INCOMING, _I.CANCELS): _S.DEAD,
    (_S.INCOMING, _I.BYES): _S.DEAD,
    (_S.EARLY, _I.PROGRESS): _S.EARLY,
    (_S.EARLY, _I.ACCEPTED): _S.UP,
    (_S.EARLY, _I.REFUSED): _S.DEAD,
    (_S.EARLY, _I.WE_CANCEL): _S.CANCELLED,
    (_S.CANCELLED, _I.PROGRESS): _S.CANCELLED,
    # A 2xx that crosses our CANCEL makes a dialog all the same: it gets its ACK, then a BYE
    # (RFC 3261, sections 9.1 and 15).
    (_S.CANCELLED, _I.ACCEPTED): _S.UP,
    (_S.CANCELLED, _I.REFUSED): _S.DEAD,
    (_S.UP, _I.WE_BYE): _S.BYE,
    (_S.UP, _I.BYES): _S.DEAD,
    (_S.BYE, _I.BYES): _S.DEAD,  # the two crossed
    (_S.BYE, _I.BYE_DONE): _S.DEAD,
    (_S.DEAD, _I.BYE_DONE): _S.DEAD,
}
"""The state after each input. What is not in here cannot happen."""


def next_state(state: LegState, happened: LegInput) -> LegState:
    """Return the state after ``happened``.

    Raises:
        ValueError: That cannot happen in this state.
    """
    try:
        return NEXT_STATE[state, happened]
    except KeyError:
        raise ValueError(f"{happened.name} cannot happen to a leg that is {state.name}") from None
