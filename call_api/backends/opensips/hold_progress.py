"""How far a hold, or its end, has come on each leg of a call."""

from collections import deque
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

_LEGS: Final[dict[str, LegName]] = {leg: leg for leg in LEGS}

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
        self.steps: deque[HoldStep] = deque()
        self.outcome: CallApiError | bool | None = None
        self.wants_dialog = False
        self._legs = legs
        self._hold = hold
        self._action = "hold" if hold else "unhold"
        self._within = within
        self._states: dict[LegName, LegState] = {}
        self._started_at: dict[LegName, float] = {}
        self._unanswered: set[LegName] = set()
        self._accepted = False
        self._asked = 0
        self._ask_at: float | None = None
        self._give_up_at: float | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the proxy has told anything of it."""
        return bool(self._states)

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
        params = event.params
        if self.outcome is not None:
            return
        if event.method == events.STATE:
            if params.new_state == events.ENDED:
                self.outcome = CallFailed(481, "the call has ended")
            return
        leg, state = _LEGS.get(params.leg or ""), _STATES.get(params.state or "")
        if leg is None or state is None or params.action != self._action:
            return
        started_at = self._started_at.setdefault(leg, now)
        if state == "fail" and now >= started_at + _REFUSED_WITHIN:
            self._unanswered.add(leg)
        self._set(leg, state)
        self._settle(now)

    def tell_call(self, dialog: Dialog | None, now: float) -> None:
        """Take in how the dialog is; None: there is none."""
        self.wants_dialog = False
        if self.outcome is not None:
            return
        if dialog is None or dialog.is_over:
            self.outcome = CallFailed(481, "the call has ended")
            return
        for leg in LEGS:
            if self._states.get(leg) in (None, "start") and self._is_done(leg, dialog):
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

    def _set(self, leg: LegName, state: LegState) -> None:
        before = self._states.get(leg)
        if before in ("ok", "fail") or before == state:
            return
        self._states[leg] = state
        if leg not in self._legs:
            return
        if before is None:
            self.steps.append(HoldStep(leg=leg, state="start"))
        if state == "ok":
            self.steps.append(HoldStep(leg=leg, state="ok"))

    def _settle(self, now: float) -> None:
        """End when both legs have answered; do not wait long for one if the other refused."""
        if not self._accepted:
            return
        states = [self._states.get(leg) for leg in LEGS]
        if all(state in ("ok", "fail") for state in states):
            self._finish()
        elif "fail" in states and self._give_up_at is not None:
            self._give_up_at = min(self._give_up_at, now + _SETTLE_WITHIN)

    def _finish(self) -> None:
        failed = [leg for leg in LEGS if self._states.get(leg) == "fail"]
        silent = [leg for leg in LEGS if self._states.get(leg) not in ("ok", "fail")]
        if failed and failed[0] in self._unanswered:
            leg = failed[0]
            self.outcome = CallFailed(408, f"the {leg} did not answer{self._others(leg)}", leg=leg)
        elif failed:
            leg = failed[0]
            what = "both legs refused" if len(failed) == len(LEGS) else f"the {leg} refused"
            self.outcome = CallFailed(_REFUSED, f"{what}{self._others(leg)}", leg=leg)
        elif silent:
            leg = silent[0]
            self.outcome = CallFailed(408, f"the {leg} did not answer{self._others(leg)}", leg=leg)
        else:
            self.outcome = True

    def _others(self, leg: LegName) -> str:
        other: LegName = "callee" if leg == "caller" else "caller"
        now_it_is = "on hold" if self._hold else "back"
        match self._states.get(other):
            case "ok":
                return f"; the {other} is {now_it_is}"
            case "fail":
                return ""
            case _:
                return f"; the {other} has not answered"

    def _is_done(self, leg: LegName, dialog: Dialog) -> bool:
        """Whether the leg needs nothing more."""
        mark: Any = dialog.marks[leg]
        if leg in self._states and not isinstance(mark, int):
            return False  # OpenSIPS 3 notes what it asks for, and not what the phone says to it
        if leg not in self._states and self._asked >= _NOTHING_TO_DO_AFTER:
            return True
        if isinstance(mark, int):
            wanted = self._wanted(leg)
            return mark & wanted == (wanted if self._hold else 0)
        return bool(mark) if self._hold else not mark

    def _wanted(self, leg: LegName) -> int:
        """What callops notes of a leg: whether it hears something, and whether it is heard."""
        if len(self._legs) == len(LEGS):
            return _DEAF | _MUTE
        return _DEAF if leg in self._legs else _MUTE
