"""The events of OpenSIPS, as they are read from datagrams."""

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

TRANSFER: Final = "E_CALL_TRANSFER"
HOLD: Final = "E_CALL_HOLD"
STATE: Final = "E_DLG_STATE_CHANGED"
REFUSED: Final = "E_REFER_REJECTED"
"""Raised by the proxy's configuration, if it says so: a phone refused a REFER."""

EVENTS: Final = (TRANSFER, HOLD, STATE, REFUSED)
OPTIONAL_EVENTS: Final = (REFUSED,)

ANSWERED: Final = 3
CONFIRMED: Final = 4
ENDED: Final = 5


class EventParams(Struct, frozen=True, gc=False):
    """What an event says. Each kind of event has some of these.

    Attributes:
        leg: Whose leg it is, or something else: a Call-ID, nothing at all.
        state: ``start``, ``notify``, ``ok`` or ``fail``.
        status: Of a transfer: ``"180 Ringing"``, or empty.
        action: ``hold`` or ``unhold``.
        id: The proxy's own name for the dialog.
        new_state: Of a dialog: 1 new, 2 ringing, 3 answered, 4 acknowledged, 5 ended.
        code: The SIP status with which a REFER was refused.
        reason: Its words.
    """

    callid: str = ""
    leg: str | None = None
    transfer_callid: str | None = None
    destination: str | None = None
    state: str | None = None
    status: str | None = None
    action: str | None = None
    id: str | None = None
    old_state: int = 0
    new_state: int = 0
    code: int = 0
    reason: str | None = None


class ProxyEvent(Struct, frozen=True, gc=False):
    """Something that happened in the proxy; ``method`` is the event's name."""

    method: str
    params: EventParams


Tell: TypeAlias = Callable[[ProxyEvent], None]
"""Is told of an event. Never waits, never raises."""

# Numbers may come as strings: a script's variables often are.
decode_event: Final = msgspec.json.Decoder(ProxyEvent, strict=False).decode
