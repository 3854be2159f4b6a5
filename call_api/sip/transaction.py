"""What the four transactions of RFC 3261, section 17, have in common."""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, NamedTuple, TypeAlias

from call_api.sip.message import Request, Response
from call_api.sip.timers import Timer, Timers

MAGIC_COOKIE = "z9hG4bK"
"""Starts every branch that names a transaction (RFC 3261, section 8.1.1.7)."""

Key: TypeAlias = tuple[str | int | None, ...]
"""Names one transaction among all that an element has."""


class State(StrEnum):
    """The states of all four machines, named as in the RFCs."""

    CALLING = "Calling"
    TRYING = "Trying"
    PROCEEDING = "Proceeding"
    COMPLETED = "Completed"
    ACCEPTED = "Accepted"
    CONFIRMED = "Confirmed"
    TERMINATED = "Terminated"


class Input(StrEnum):
    """What happens to a transaction, besides its timers."""

    REQUEST = "request"
    ACK = "ACK"
    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "300-699"
    TRANSPORT_ERROR = "transport error"


class Send(StrEnum):
    """What a transaction sends on a transition."""

    REQUEST = "request"
    ACK = "ACK"
    RESPONSE = "response"
    TRYING = "100"


class Failure(StrEnum):
    """What the TU is told when no message tells it."""

    TIMEOUT = "timeout"
    TRANSPORT = "transport error"


class Step(NamedTuple):
    """One arrow of a state diagram.

    Attributes:
        state: Where it leads.
        send: What is sent.
        tells: Whether the TU learns of it.
    """

    state: State
    send: Send | None = None
    tells: bool = False


Table: TypeAlias = Mapping[tuple[State, Input | Timer], Step]
"""A state diagram. It has an arrow for all that a peer can cause; see `ignoring`."""


class Outcome(NamedTuple):
    """What is to be done after an input: bytes to send, something to tell the TU."""

    send: bytes | None = None
    tell: Request | Response | Failure | None = None


NOTHING = Outcome()

_FAILURES: dict[Input | Timer, Failure] = {
    Timer.B: Failure.TIMEOUT,
    Timer.F: Failure.TIMEOUT,
    Timer.H: Failure.TIMEOUT,
    Input.TRANSPORT_ERROR: Failure.TRANSPORT,
}


def ignoring(ignored: Mapping[State, tuple[Input, ...]]) -> dict[tuple[State, Input | Timer], Step]:
    """Return the arrows that lead from a state to itself and do nothing."""
    return {(state, input_): Step(state) for state, inputs in ignored.items() for input_ in inputs}


def class_of(response: Response) -> Input:
    """Return what a response is to an INVITE transaction."""
    if response.status < 200:
        return Input.PROVISIONAL
    return Input.SUCCESS if response.status < 300 else Input.FAILURE


class Transaction:
    """A state machine with two timers: one sends again, the other one ends the state.

    It gets inputs together with the time, returns what to do, and says when it wants to be
    woken. Once `state` is Terminated it takes no further input.
    """

    table: ClassVar[Table]
    deadlines: ClassVar[Mapping[State, Timer]]
    """The timer that ends each state; a state that is not here ends by messages alone."""
    resends: ClassVar[Mapping[State, Timer]]
    """The timer that sends again in each state, on transports that lose messages."""

    __slots__ = (
        "_deadline",
        "_message",
        "_reliable",
        "_resend_after",
        "_resend_at",
        "_timers",
        "state",
    )

    def __init__(self, state: State, *, reliable: bool, timers: Timers, now: float) -> None:
        self.state = state
        self._message: bytes | None = None  # what the next step that sends will send
        self._reliable = reliable
        self._timers = timers
        self._deadline: float | None = None
        self._resend_at: float | None = None
        self._resend_after = timers.t1
        self._enter(None, now)

    @property
    def is_terminated(self) -> bool:
        """Whether the transaction is over and can be forgotten."""
        return self.state is State.TERMINATED

    def next_timer(self) -> float | None:
        """Return when `handle_timer` is due, on the clock of the other inputs."""
        if self._resend_at is None or self._deadline is None:
            return self._deadline  # what sends again has a deadline, too
        return min(self._resend_at, self._deadline)

    def handle_timer(self, now: float) -> Outcome:
        """Do what is due at ``now``; it may be nothing."""
        if self._deadline is not None and self._deadline <= now:
            self._deadline = None
            return self._take(self.deadlines[self.state], now)
        if self._resend_at is not None and self._resend_at <= now:
            self._resend_after = self._next_pause(self._resend_after)
            self._resend_at = now + self._resend_after
            return self._take(self.resends[self.state], now)
        return NOTHING

    def transport_failed(self, now: float) -> Outcome:
        """Note that what was to be sent could not be, or that the way to the peer is gone."""
        return self._take(Input.TRANSPORT_ERROR, now)

    def abandon(self) -> None:
        """End it: its user waits no more, as 64 times T1 after a CANCEL (RFC 3261, 9.1)."""
        self.state = State.TERMINATED
        self._deadline = self._resend_at = None

    def _take(
        self, input_: Input | Timer, now: float, message: Request | Response | None = None
    ) -> Outcome:
        if self.is_terminated:
            return NOTHING
        step = self.table[self.state, input_]
        if step.state is not self.state:
            before, self.state = self.state, step.state
            self._enter(before, now)
        return Outcome(
            self._message if step.send is not None else None,
            (message or _FAILURES[input_]) if step.tells else None,
        )

    def _enter(self, before: State | None, now: float) -> None:
        """Set the timers of the state that was just entered.

        A timer that ends the state before as well goes on. One of zero fires at once.
        """
        timer = self.deadlines.get(self.state)
        if timer is None:
            self._deadline = None
        elif before is None or timer is not self.deadlines.get(before):
            seconds = self._timers.seconds(timer, reliable=self._reliable)
            self._deadline = now + seconds
            if seconds == 0:
                self.state, self._deadline = State.TERMINATED, None
        if self._reliable or self.state not in self.resends:
            self._resend_at = None
        elif self._resend_at is None:
            self._resend_at = now + self._resend_after

    def _next_pause(self, pause: float) -> float:
        """Return the pause after the next transmission, given the one before it."""
        return min(2 * pause, self._timers.t2)


def client_key(response: Response) -> Key:
    """Return the key of the request that a response answers (RFC 3261, section 17.1.3)."""
    return response.top_via.branch, response.cseq.method


def server_key(request: Request, method: str | None = None) -> Key:
    """Return the key of the transaction that a request belongs to (RFC 3261, section 17.2.3).

    The ACK of a failure has the key of its INVITE. The key of a peer that is older than
    RFC 3261, whose branches name nothing, is made of all that such a peer repeats unchanged;
    without the tag of To, which it learns from our response.

    Args:
        method: Taken instead of the request's own: INVITE finds what a CANCEL is about.
    """
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    via = request.top_via
    branch = via.branch
    # The cookie alone names nothing either (RFC 4475, section 3.2.1).
    if branch is not None and branch.startswith(MAGIC_COOKIE) and branch != MAGIC_COOKIE:
        return branch, via.sent_by, method
    number, from_tag = request.cseq.number, request.from_tag
    return request.uri, from_tag, request.callid, number, branch, via.sent_by, method
