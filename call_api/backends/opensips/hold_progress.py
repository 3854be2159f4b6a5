"""How far a hold, or its end, has come on each leg of a call."""

from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

from call_api.backends.base import HoldStep
from call_api.backends.opensips import events
from call_api.backends.opensips.dialogs import Dialog
from call_api.backends.opensips.events import ProxyEvent
from call_api.errors import CallApiError, CallFailed
from call_api.model import LEGS, LegName

LegState: TypeAlias = Literal["start", "ok", "fail"]

_STATES: Final[dict[str, LegState]] = {"start": "start", "ok": "ok", "fail": "fail"}
_STARTED: Final = {leg: HoldStep(leg=leg, state="start") for leg in LEGS}
_AGREED: Final = {leg: HoldStep(leg=leg, state="ok") for leg in LEGS}
_LAST: Final = {leg: HoldStep(leg=leg, state="ok", is_last=True) for leg in LEGS}

_PAUSES: Final[Sequence[float]] = (0.1, 1.0, 3.0, 5.0)  # seconds between two questions to the proxy
_SETTLE_WITHIN: Final = 5.0  # seconds for the other leg, when one has refused
_NOTHING_TO_DO_AFTER: Final = 3  # questions; a leg that is silent by itself gets no re-INVITE
_MUTE: Final = 4
_DEAF: Final = 8
_REFUSED_WITHIN: Final = 3.0
"""Seconds; no event tells why a leg failed, but one that took longer did not answer at all: the
proxy gives it up after its ``fr_timeout``."""
_REFUSED: Final = 488  # what a phone says to an offer it does not take (RFC 3261, section 14.2)


class HoldProgress:
    """Turns events, answers and the passing of time into steps and one outcome.

    The proxy asks both legs even if one is to be held, and it must not be asked again before it
    is done with both: so this ends when both have answered.

    Args:
        legs: Those that are to change, and whose steps are told.
        within: Seconds for both legs to answer.

    Attributes:
        steps: Those that nobody has taken yet, in order.
        outcome: None while it runs; then True, or why it failed.
        wants_dialog: Whether the proxy should be asked for the dialog, for `tell_call`.
    """

    def __init__(self, legs: Sequence[LegName], *, hold: bool, within: float = 40.0) -> None:
        self.steps: list[HoldStep] = []
        self.outcome: CallApiError | bool | None = None
        self.wants_dialog = False
        self._caller = _Leg("caller", is_told="caller" in legs)
        self._callee = _Leg("callee", is_told="callee" in legs)
        self._hold = hold
        self._action = "hold" if hold else "unhold"
        self._within = within
        self._accepted = False
        self._asked = 0
        self._ask_at: float | None = None
        self._give_up_at: float | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the proxy has told anything of it."""
        return self._caller.state is not None or self._callee.state is not None

    def next_step(self) -> HoldStep:
        """Take the oldest step; there is one."""
        step = self.steps.pop(0)
        return step if self.steps or self.outcome is not True else _LAST[step.leg]

    def accept(self, now: float) -> None:
        """The proxy has asked the legs, or says so."""
        self._accepted = True
        self._give_up_at = now + self._within
        self._ask_at = now + _PAUSES[0]
        self._settle(now)

    def fail(self, error: CallApiError) -> None:
        """It cannot be followed any further."""
        if self.outcome is None:
            self.outcome = error

    def receive(self, event: ProxyEvent, now: float) -> None:
        """Take in an event of the call."""
        if self.outcome is not None:
            return
        params = event.params
        if event.method == events.STATE:
            if params.new_state == events.ENDED:
                self.outcome = CallFailed(481, "the call has ended")
            return
        state = _STATES.get(params.state or "")
        if state is None or params.action != self._action:
            return
        leg = params.leg
        if leg == "caller":
            self._receive(self._caller, state, now)
        elif leg == "callee":
            self._receive(self._callee, state, now)

    def tell_call(self, dialog: Dialog | None, now: float) -> None:
        """Take in how the dialog is; None: there is none."""
        self.wants_dialog = False
        if self.outcome is not None:
            return
        if dialog is None or dialog.is_over:
            self.outcome = CallFailed(481, "the call has ended")
            return
        for leg in (self._caller, self._callee):
            if not leg.is_final and self._is_done(leg, dialog):
                self._set(leg, "ok")
        self._settle(now)

    def next_timer(self) -> float | None:
        """Return when `handle_timer` is due, on the clock given to the other methods."""
        if self.outcome is not None or self._ask_at is None or self._give_up_at is None:
            return None
        return min(self._ask_at, self._give_up_at)

    def handle_timer(self, now: float) -> None:
        """Do what is due at ``now``."""
        if self.outcome is not None:
            return
        if self._give_up_at is not None and self._give_up_at <= now:
            self._finish()
        elif self._ask_at is not None and self._ask_at <= now:
            self.wants_dialog = True
            self._asked += 1
            self._ask_at = now + _PAUSES[min(self._asked, len(_PAUSES) - 1)]

    def _receive(self, leg: "_Leg", state: LegState, now: float) -> None:
        if leg.heard_at is None:
            leg.heard_at = now
        elif state == "fail" and now >= leg.heard_at + _REFUSED_WITHIN:
            leg.has_answered = False
        self._set(leg, state)
        self._settle(now)

    def _set(self, leg: "_Leg", state: LegState) -> None:
        before = leg.state
        if leg.is_final or before == state:
            return
        leg.state = state
        if not leg.is_told:
            return
        if before is None:
            self.steps.append(_STARTED[leg.name])
        if state == "ok":
            self.steps.append(_AGREED[leg.name])

    def _settle(self, now: float) -> None:
        """End when both legs have answered; do not wait long for one if the other refused."""
        if not self._accepted:
            return
        caller, callee = self._caller, self._callee
        if caller.is_final and callee.is_final:
            self._finish()
        elif self._give_up_at is not None and "fail" in (caller.state, callee.state):
            self._give_up_at = min(self._give_up_at, now + _SETTLE_WITHIN)

    def _finish(self) -> None:
        caller, callee = self._caller, self._callee
        if caller.state == "ok" and callee.state == "ok":
            self.outcome = True
            return
        if caller.state == "fail" or (callee.state != "fail" and not caller.is_final):
            leg, other = caller, callee
        else:
            leg, other = callee, caller
        if leg.state != "fail" or not leg.has_answered:
            status, what = 408, f"the {leg.name} did not answer"
        elif other.state == "fail":
            status, what = _REFUSED, "both legs refused"
        else:
            status, what = _REFUSED, f"the {leg.name} refused"
        self.outcome = CallFailed(status, what + self._about(other), leg=leg.name)

    def _about(self, other: "_Leg") -> str:
        match other.state:
            case "ok":
                return f"; the {other.name} is {'on hold' if self._hold else 'back'}"
            case "fail":
                return ""
            case _:
                return f"; the {other.name} has not answered"

    def _is_done(self, leg: "_Leg", dialog: Dialog) -> bool:
        """Whether the leg needs nothing more."""
        mark: Any = dialog.marks[leg.name]
        if leg.state is not None and not isinstance(mark, int):
            return False  # OpenSIPS 3 notes what it asks for, and not what the phone says to it
        if leg.state is None and self._asked >= _NOTHING_TO_DO_AFTER:
            return True
        if isinstance(mark, int):
            wanted = self._wanted(leg)
            return mark & wanted == (wanted if self._hold else 0)
        return bool(mark) if self._hold else not mark

    def _wanted(self, leg: "_Leg") -> int:
        """What callops notes of a leg: whether it hears something, and whether it is heard."""
        if self._caller.is_told and self._callee.is_told:
            return _DEAF | _MUTE
        return _DEAF if leg.is_told else _MUTE


class _Leg:
    """How far one leg has come.

    Attributes:
        is_told: Whether it is to change, so that its steps are told.
        state: None: nothing is known yet.
        heard_at: When the proxy first told of it.
        has_answered: False: it failed, but too late to have refused.
    """

    def __init__(self, name: LegName, *, is_told: bool) -> None:
        self.name: LegName = name
        self.is_told = is_told
        self.state: LegState | None = None
        self.heard_at: float | None = None
        self.has_answered = True

    @property
    def is_final(self) -> bool:
        """Whether it has agreed, or failed."""
        return self.state is not None and self.state != "start"
