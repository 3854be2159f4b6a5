"""The dialogs of OpenSIPS as its MI commands list them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from call_api.model import LEGS, CallState, LegName

NEW, RINGING, ANSWERED, CONFIRMED, ENDED = range(1, 6)
"""How far a dialog has come."""

_STATES: Final[dict[int, CallState]] = {
    NEW: "created",
    RINGING: "ringing",
    ANSWERED: "answered",
    CONFIRMED: "answered",
}
_OSID: Final = re.compile(r";osid=([^;?>]*)")
_HELD: Final = 8  # of callops' marks of a leg: it hears nothing any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialog:
    """One dialog, with what callops has noted on it.

    Attributes:
        id: The proxy's own name for it.
        callee_tag: Of the callee that answered; empty before.
        invite_cseq: The number of the INVITE, while the callee rings; empty: nobody rings yet.
        started: When it was answered, in seconds since 1970; 0 before.
        values: What modules have noted, by name; empty when they were not asked for.
    """

    id: str
    callid: str
    state: int
    caller: str = ""
    callee: str = ""
    caller_tag: str = ""
    callee_tag: str = ""
    invite_cseq: str = ""
    started: float = 0.0
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether it has ended. The proxy lists it for a while."""
        return self.state >= ENDED

    @property
    def call_state(self) -> CallState:
        """How far the call has come, in the words of the API."""
        return _STATES.get(self.state, "ended")

    @property
    def transfer_leg(self) -> str | None:
        """The leg that was asked to call somebody else.

        Empty: that is over, or was refused. None: none ever was.
        """
        leg = self.values.get("call_transfer_leg")
        return None if leg is None else str(leg)

    @property
    def transfer_callid(self) -> str | None:
        """The Call-ID of the call that was made by a transfer, if one was."""
        callid = self.values.get("call_transfer_callid")
        return str(callid) if callid else None

    @property
    def held(self) -> tuple[LegName, ...]:
        """The legs that are on hold."""
        return tuple(leg for leg in LEGS if self._is_held(leg))

    @property
    def marks(self) -> dict[LegName, Any]:
        """What callops has noted of each leg's hold; it changes when the leg has agreed."""
        return {leg: self.values.get(f"call_hold_{leg}") for leg in LEGS}

    def uri(self, leg: LegName) -> str:
        """Return who is on a leg, without the mark of a transfer before."""
        return without_osid(self.caller if leg == "caller" else self.callee)

    @property
    def replaced_id(self) -> str | None:
        """The id of the dialog whose transfer has made this one, if one has."""
        found = _OSID.search(self.callee)
        return None if found is None else found[1]

    def replaces(self, dialog_id: str) -> bool:
        """Return whether it was made by a transfer of the dialog with this id."""
        return self.replaced_id == dialog_id

    def _is_held(self, leg: LegName) -> bool:
        mark = self.values.get(f"call_hold_{leg}")
        # OpenSIPS 3 notes a word, 4 a number.
        return bool(mark & _HELD) if isinstance(mark, int) else bool(mark)


def without_osid(uri: str) -> str:
    """Return a URI without the mark that callops puts into those it refers to."""
    return _OSID.sub("", uri)


def parse_dialog(result: object) -> Dialog | None:
    """Return the dialog that was asked for by its Call-ID, or None if the answer holds none."""
    if not isinstance(result, dict):
        return None
    if isinstance(result.get("Dialog"), dict):
        return _dialog(result["Dialog"])
    return next(iter(parse_dialogs(result)), None)


def parse_dialogs(result: object) -> list[Dialog]:
    """Return the dialogs of a list."""
    entries = result.get("Dialogs") if isinstance(result, dict) else None
    if not isinstance(entries, list):
        return []
    return [_dialog(entry) for entry in entries if isinstance(entry, dict)]


def _dialog(entry: dict[str, Any]) -> Dialog:
    callees = entry.get("CALLEES")
    callee = callees[0] if isinstance(callees, list) and callees else {}
    if not isinstance(callee, dict):
        callee = {}
    state, started = entry.get("state"), entry.get("timestart")
    return Dialog(
        id=_text(entry, "ID"),
        callid=_text(entry, "callid"),
        state=state if isinstance(state, int) else 0,
        caller=_text(entry, "from_uri"),
        callee=_text(entry, "to_uri"),
        caller_tag=_text(entry, "caller_tag"),
        callee_tag=_text(callee, "callee_tag"),
        invite_cseq=_text(callee, "caller_cseq"),
        started=float(started) if isinstance(started, int | float) else 0.0,
        values=_values(entry.get("context")),
    )


def _text(entry: dict[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _values(context: object) -> dict[str, Any]:
    values = context.get("values") if isinstance(context, dict) else None
    if not isinstance(values, list):
        return {}
    return {
        name: value for part in values if isinstance(part, dict) for name, value in part.items()
    }
