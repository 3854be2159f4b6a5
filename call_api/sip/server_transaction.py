"""The server's side of a transaction (RFC 3261, section 17.2, corrected by RFC 6026)."""

from typing import ClassVar

from call_api.sip.message import Request, Response
from call_api.sip.timers import Timer, Timers
from call_api.sip.transaction import (
    Input,
    Outcome,
    Send,
    State,
    Step,
    Table,
    Transaction,
    class_of,
    ignoring,
)


class InviteServerTransaction(Transaction):
    """An INVITE that came to us (RFC 3261, section 17.2.1; RFC 6026, section 7.1).

    It sends a 100 by itself when the TU has said nothing for 200 ms. Of a final response it
    keeps the bytes alone, and nothing of a 2xx, which the TU sends again itself until its ACK
    comes (RFC 3261, section 13.3.1.4).
    """

    table: ClassVar[Table] = {
        (State.PROCEEDING, Input.REQUEST): Step(State.PROCEEDING, Send.RESPONSE),
        (State.PROCEEDING, Timer.TRYING): Step(State.PROCEEDING, Send.TRYING),
        (State.PROCEEDING, Input.PROVISIONAL): Step(State.PROCEEDING, Send.RESPONSE),
        (State.PROCEEDING, Input.SUCCESS): Step(State.ACCEPTED, Send.RESPONSE),
        (State.PROCEEDING, Input.FAILURE): Step(State.COMPLETED, Send.RESPONSE),
        # RFC 6026: the TU learns of it, and the state stays.
        (State.PROCEEDING, Input.TRANSPORT_ERROR): Step(State.PROCEEDING, tells=True),
        (State.COMPLETED, Input.REQUEST): Step(State.COMPLETED, Send.RESPONSE),
        (State.COMPLETED, Timer.G): Step(State.COMPLETED, Send.RESPONSE),
        (State.COMPLETED, Timer.H): Step(State.TERMINATED, tells=True),
        (State.COMPLETED, Input.TRANSPORT_ERROR): Step(State.TERMINATED, tells=True),
        (State.COMPLETED, Input.ACK): Step(State.CONFIRMED),
        (State.CONFIRMED, Timer.I): Step(State.TERMINATED),
        (State.ACCEPTED, Input.ACK): Step(State.ACCEPTED, tells=True),
        (State.ACCEPTED, Input.TRANSPORT_ERROR): Step(State.ACCEPTED, tells=True),
        (State.ACCEPTED, Timer.L): Step(State.TERMINATED),
        **ignoring(
            {
                State.PROCEEDING: (Input.ACK,),
                State.COMPLETED: (Input.PROVISIONAL, Input.SUCCESS, Input.FAILURE),
                State.CONFIRMED: (
                    Input.REQUEST,
                    Input.ACK,
                    Input.PROVISIONAL,
                    Input.SUCCESS,
                    Input.FAILURE,
                    Input.TRANSPORT_ERROR,
                ),
                State.ACCEPTED: (
                    Input.REQUEST,
                    Input.PROVISIONAL,
                    Input.SUCCESS,
                    Input.FAILURE,
                ),
            }
        ),
    }
    deadlines: ClassVar = {
        State.PROCEEDING: Timer.TRYING,
        State.COMPLETED: Timer.H,
        State.CONFIRMED: Timer.I,
        State.ACCEPTED: Timer.L,
    }
    resends: ClassVar = {State.COMPLETED: Timer.G}

    __slots__ = ("_request",)

    def __init__(self, request: Request, *, reliable: bool, timers: Timers, now: float) -> None:
        super().__init__(State.PROCEEDING, reliable=reliable, timers=timers, now=now)
        self._request: Request | None = request  # of which a 100 is made

    def receive(self, request: Request, now: float) -> Outcome:
        """Take the INVITE once more, or an ACK with its branch."""
        return self._take(Input.ACK if request.method == "ACK" else Input.REQUEST, now, request)

    def respond(self, response: Response, data: bytes, now: float) -> Outcome:
        """Take a response from the TU.

        Args:
            data: The response encoded.
        """
        if self.state is State.PROCEEDING:
            self._message = data
            self._request = self._deadline = None  # the TU speaks: no 100 is needed any more
        outcome = self._take(class_of(response), now, response)
        if self.state is State.ACCEPTED:
            self._message = None  # RFC 6026: an INVITE that comes again is absorbed
        return outcome

    def handle_timer(self, now: float) -> Outcome:
        """Do what is due at ``now``; it may be nothing."""
        if self._request is not None and self._deadline is not None and self._deadline <= now:
            self._message = self._request.response(100).encode()
            self._request = None
        return super().handle_timer(now)


class NonInviteServerTransaction(Transaction):
    """A request that came to us, other than INVITE and ACK (RFC 3261, section 17.2.2).

    Of a final response it keeps the bytes alone.
    """

    table: ClassVar[Table] = {
        (State.TRYING, Input.PROVISIONAL): Step(State.PROCEEDING, Send.RESPONSE),
        (State.TRYING, Input.SUCCESS): Step(State.COMPLETED, Send.RESPONSE),
        (State.TRYING, Input.FAILURE): Step(State.COMPLETED, Send.RESPONSE),
        (State.PROCEEDING, Input.REQUEST): Step(State.PROCEEDING, Send.RESPONSE),
        (State.PROCEEDING, Input.PROVISIONAL): Step(State.PROCEEDING, Send.RESPONSE),
        (State.PROCEEDING, Input.SUCCESS): Step(State.COMPLETED, Send.RESPONSE),
        (State.PROCEEDING, Input.FAILURE): Step(State.COMPLETED, Send.RESPONSE),
        (State.PROCEEDING, Input.TRANSPORT_ERROR): Step(State.TERMINATED, tells=True),
        (State.COMPLETED, Input.REQUEST): Step(State.COMPLETED, Send.RESPONSE),
        (State.COMPLETED, Input.TRANSPORT_ERROR): Step(State.TERMINATED, tells=True),
        (State.COMPLETED, Timer.J): Step(State.TERMINATED),
        **ignoring(
            {
                State.TRYING: (Input.REQUEST, Input.TRANSPORT_ERROR),
                State.COMPLETED: (Input.PROVISIONAL, Input.SUCCESS, Input.FAILURE),
            }
        ),
    }
    deadlines: ClassVar = {State.COMPLETED: Timer.J}
    resends: ClassVar[dict[State, Timer]] = {}

    __slots__ = ()

    def __init__(self, *, reliable: bool, timers: Timers, now: float) -> None:
        super().__init__(State.TRYING, reliable=reliable, timers=timers, now=now)

    def receive(self, request: Request, now: float) -> Outcome:
        """Take the request once more."""
        return self._take(Input.REQUEST, now, request)

    def respond(self, response: Response, data: bytes, now: float) -> Outcome:
        """Take a response from the TU.

        Args:
            data: The response encoded.
        """
        if self.state in (State.TRYING, State.PROCEEDING):
            self._message = data
        return self._take(class_of(response), now, response)
