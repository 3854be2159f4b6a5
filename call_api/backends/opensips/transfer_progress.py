"""How far a transfer has come, from what the proxy tells of it: in any order, doubled, or not."""

from collections import deque
from collections.abc import Sequence
from enum import Enum
from typing import Final, Literal

from call_api.backends.base import TransferStep
from call_api.backends.opensips import dialogs, events
from call_api.backends.opensips.dialogs import Dialog
from call_api.backends.opensips.events import EventParams, ProxyEvent
from call_api.backends.opensips.outcomes import failure, parse_status
from call_api.backends.opensips.patience import Patience
from call_api.errors import CallApiError, CallFailed
from call_api.model import CallId, SipUri


class Question(Enum):
    """What to ask the proxy, because it has told nothing for a while."""

    OLD_CALL = "how the transferred call is"
    NEW_CALL = "how the new call is"
    FIND_NEW_CALL = "whether there is a new call at all"


_BEFORE_START: Final = (0.05, 0.2, 0.5, 1.0, 2.0)  # seconds between two questions
_AFTER_START: Final = (2.0, 5.0)
_AT_THE_END: Final = 0.3
_LOOK_WITHIN: Final = 0.1  # seconds for the last look before a call is given up

_REFUSED: Final = (603, "the phone refused the REFER")
_UNANSWERED: Final = (408, "the phone did not answer the REFER")
_IDLE: Final = (408, "the phone accepted the REFER but called nobody")
_NOBODY: Final = (408, "Request Timeout")
GONE: Final = (480, "the new call has ended")
_HUNG_UP: Final = (487, "the party hung up")


class TransferProgress:
    """Turns events, answers and the passing of time into steps and one outcome.

    Args:
        callids: Of the calls that are transferred; the first one gets the REFER.
        destination: Who is asked; by default who the proxy says is asked.

    Attributes:
        steps: Those that nobody has taken yet, in order.
        outcome: None while it runs; then None no more: True, or why it failed.
        question: What to ask the proxy now.
        new_callid: The new call, once it is known.
        was_refused_at_once: Whether it failed because the phone refused the REFER right away,
            perhaps only because it came too early.
    """

    def __init__(
        self,
        callids: Sequence[CallId],
        destination: SipUri | None,
        *,
        patience: Patience | None = None,
    ) -> None:
        self.steps: deque[TransferStep] = deque()
        self.outcome: CallApiError | bool | None = None
        self.question: Question | None = None
        self.new_callid: CallId | None = None
        self.was_refused_at_once = False
        self._callids = callids
        self._destination = destination
        self._stale: str | None = None
        self._patience = patience or Patience()
        self._pause = iter(_BEFORE_START)
        self._last_pause = _BEFORE_START[0]
        self._is_abandoned = False
        self._is_noted = True  # whether callops notes on the old dialog how the REFER went
        self._accepted_at = 0.0
        self._early: list[tuple[str, str]] = []  # (status, new Call-ID), before the start
        self._last_status = ""
        self._failure: CallFailed | None = None
        self._ask_at: float | None = None
        self._start_by: float | None = None
        self._fail_at: float | None = None
        self._give_up_at: float | None = None
        self._old_ended_at: float | None = None
        self._stray_until: float | None = None
        self._has_looked = False  # at the new call, before it is given up

    def accept(self, now: float) -> None:
        """The proxy has sent a REFER, and notes on the call how it goes."""
        self._accepted_at = now
        if self.new_callid is None:
            self._give_up_at = now + self._patience.refer_within
            self._ask_again(now, _BEFORE_START)

    def accept_unnoted(self, now: float) -> None:
        """A REFER was sent past callops, perhaps after another one was refused."""
        self.outcome = None
        self.was_refused_at_once = False
        self._is_noted = False
        self.accept(now)

    def ask_for(self, destination: str) -> None:
        """Tell who is asked, if that is known and the client did not say."""
        self._destination = self._destination or SipUri(destination) or None

    def ignore(self, callid: str | None) -> None:
        """An earlier transfer of the same call has left this Call-ID behind."""
        self._stale = callid

    @property
    def is_settled(self) -> bool:
        """Whether nothing rings for it any more: the phones or the proxy have said so."""
        return self.outcome is not None and not self._is_abandoned

    @property
    def may_go_on(self) -> bool:
        """Whether the phone may do what it was asked, for all that is known."""
        return self.outcome is None or (self._is_abandoned and isinstance(self.outcome, CallFailed))

    @property
    def has_begun(self) -> bool:
        """Whether the proxy has told anything of it."""
        return self.new_callid is not None or bool(self._early) or self.outcome is not None

    def receive(self, event: ProxyEvent, now: float) -> None:
        """Take in an event of one of the calls or of the new call."""
        if self.outcome is not None:
            return
        params = event.params
        if event.method == events.TRANSFER:
            self._receive_transfer(params, now)
        elif event.method == events.STATE:
            self._receive_state(params, now)
        elif event.method == events.REFUSED and self.new_callid is None:
            self.refused(params.code, params.reason or "")

    def fail(self, error: CallApiError, *, is_certain: bool = False) -> None:
        """It cannot be followed any further; or nothing comes of it, if that is certain."""
        if self.outcome is None:
            self.outcome = error
            self._is_abandoned = not is_certain

    def unanswered(self) -> None:
        """The proxy has given up the REFER; the phone may carry it out all the same."""
        if self._stray_until is None:
            self.fail(CallFailed(*_UNANSWERED))

    def wait_for_stray(self, now: float, until: float) -> None:
        """It was left or given up: go on, for the call that the phone may make all the same."""
        self.outcome = None
        self._stray_until = self._give_up_at = until
        self._ask_at = self._ask_at or now + _BEFORE_START[0]

    def tell_left(self, dialog: Dialog | None) -> None:
        """Take in what came of calling off the new call; None: it is over."""
        if dialog is not None:
            self._succeed()
        else:
            self._finish(CallFailed(*GONE))

    def refused(self, status: int, reason: str) -> None:
        """The phone has answered the REFER with a failure."""
        if self.outcome is not None:
            return
        # The proxy may have relayed the REFER before an ACK that was on its way: worth another try.
        self.was_refused_at_once = self._is_noted and status == 500
        known = CallFailed(status, reason) if 300 <= status <= 699 else CallFailed(*_REFUSED)
        self._finish(known)

    def tell_old_call(self, dialog: Dialog | None, now: float) -> None:
        """Take in the answer to `Question.OLD_CALL`."""
        if self.outcome is not None or self.new_callid is not None:
            return
        if dialog is None or dialog.is_over:
            self._end_old_call(now)
        elif dialog.transfer_callid not in (None, self._stale, *self._callids):
            self._start(CallId(str(dialog.transfer_callid)), None, now)
            self._ask_again(now, (0.0, *_AFTER_START))
        elif self._is_noted and dialog.transfer_leg == "":
            self.was_refused_at_once = now - self._accepted_at < self._patience.refused_within
            if self.was_refused_at_once:
                self._finish(CallFailed(*_REFUSED))
            else:
                self.unanswered()

    def tell_new_call(self, dialog: Dialog | None, now: float) -> None:
        """Take in the answer to `Question.NEW_CALL` or `Question.FIND_NEW_CALL`."""
        if self.outcome is not None:
            return
        if dialog is not None and self.new_callid is None:
            self._start(CallId(dialog.callid), None, now)
        if self.new_callid is None:
            self._not_found(now)
        elif dialog is None or dialog.is_over:
            self._fail_later(self._failure or CallFailed(*GONE), now)
        elif dialog.state >= dialogs.ANSWERED:
            self._succeed()
        elif self._has_looked:
            self.fail(CallFailed(*_NOBODY))

    def next_timer(self) -> float | None:
        """Return when `handle_timer` is due, on the clock given to the other methods."""
        if self.outcome is not None:
            return None
        timers = (self._ask_at, self._start_by, self._fail_at, self._give_up_at)
        return min((at for at in timers if at is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Do what is due at ``now``."""
        if self.outcome is not None:
            return
        if self._start_by is not None and self._start_by <= now:
            self._start(CallId(self._early[-1][1]), None, now)
        if self._fail_at is not None and self._fail_at <= now:
            self._finish(self._failure)
        elif self._give_up_at is not None and self._give_up_at <= now:
            self._give_up(now)
        elif self._ask_at is not None and self._ask_at <= now:
            self._ask(now)

    def _not_found(self, now: float) -> None:
        if self._old_ended_at is None or self._stray_until is not None:
            return
        if now >= self._old_ended_at + self._patience.find_for:
            self._finish(self._failure or CallFailed(*_HUNG_UP))

    def _give_up(self, now: float) -> None:
        if self.new_callid is None:
            self.fail(CallFailed(*_IDLE))
        elif self._has_looked:
            self.fail(CallFailed(*_NOBODY))
        else:  # the word of its answer may be lost
            self._has_looked = True
            self._give_up_at = now + _LOOK_WITHIN
            self._ask(now)

    def _ask(self, now: float) -> None:
        self._last_pause = next(self._pause, self._last_pause)
        if self.new_callid is not None:
            self.question = Question.NEW_CALL
        elif self._old_ended_at is not None:
            self.question = Question.FIND_NEW_CALL
            self._last_pause = _AT_THE_END
        else:
            self.question = Question.OLD_CALL
        self._ask_at = now + self._last_pause

    def _ask_again(self, now: float, pauses: Sequence[float]) -> None:
        self._pause = iter(pauses[1:])
        self._last_pause = pauses[0]
        self._ask_at = now + pauses[0]

    def _receive_transfer(self, params: EventParams, now: float) -> None:
        new = params.transfer_callid or ""
        if not new or new == self._stale:
            return
        if params.state == "start":
            self._start(CallId(new), params.destination, now)
        elif params.state == "notify":
            self._notify(params.status or "", new, now)
        elif self.new_callid not in (None, new):
            pass  # of a call that the phone has made another attempt for since
        elif params.state == "ok":
            self._start(CallId(new), params.destination, now)
            self._succeed()
        elif params.state == "fail":
            self._fail(params, now)

    def _receive_state(self, params: EventParams, now: float) -> None:
        if params.callid == self.new_callid:
            if params.new_state == events.CONFIRMED:
                self._succeed()
            elif params.new_state == events.ENDED:
                self._fail_later(self._failure or CallFailed(*GONE), now)
        elif params.callid == self._callids[0] and params.new_state == events.ENDED:
            self._end_old_call(now)

    def _start(self, new: CallId, destination: str | None, now: float) -> None:
        if self._failure is not None:  # challenged, and tried again
            self._failure, self._fail_at = None, None
        if self.new_callid is not None:
            self.new_callid = new
            return
        self.new_callid = new
        self._start_by = None
        if self._destination is None:
            self._destination = SipUri(dialogs.without_osid(destination or ""))
        self._give_up_at = now + self._patience.ring_for
        self._ask_again(now, _AFTER_START)
        self._step("start")
        for status, _ in self._early:
            self._step("pending", status)
        self._early.clear()

    def _notify(self, status: str, new: str, now: float) -> None:
        known = parse_status(status)
        if known is None or status == self._last_status:
            return
        if known[0] < 200:
            self._last_status = status
            if self.new_callid is not None:
                self._step("pending", status)
            else:
                self._early.append((status, new))
                self._start_by = self._start_by or now + self._patience.start_within
            return
        if self.new_callid is None:
            self._start(CallId(new), None, now)
        if known[0] < 300:
            self._succeed()
        else:
            self._finish(CallFailed(*known))

    def _fail(self, params: EventParams, now: float) -> None:
        """The proxy makes up a 408 for whatever it has not seen itself."""
        told = failure(params.status, _NOBODY)
        self._failure = told
        if told.status in (401, 407):
            self._fail_at = now + self._patience.challenge_within
        elif told.status == 408:
            self._fail_at = now + self._patience.truth_within
        else:
            self._finish(told)

    def _fail_later(self, told: CallFailed, now: float) -> None:
        if self._fail_at is None:
            self._failure = told
            self._fail_at = now + self._patience.truth_within

    def _end_old_call(self, now: float) -> None:
        if self._old_ended_at is None:
            self._old_ended_at = now
            if self.new_callid is None:
                self._ask_at = now + _AT_THE_END

    def _step(self, state: Literal["start", "pending", "ok"], status: str = "") -> None:
        assert self.new_callid is not None
        destination = self._destination or SipUri("")
        self.steps.append(
            TransferStep(
                state=state, callid=self.new_callid, destination=destination, status=status
            )
        )

    def _succeed(self) -> None:
        self._step("ok")
        self._finish(None)

    def _finish(self, failed: CallFailed | None) -> None:
        self.outcome = True if failed is None else failed
        self.question = None
