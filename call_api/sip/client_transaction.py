"""The client's side of a transaction (RFC 3261, section 17.1, corrected by RFC 6026)."""

from typing import ClassVar

from call_api.sip.headers import Headers
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

_CREDENTIALS = ("Authorization", "Proxy-Authorization")


class InviteClientTransaction(Transaction):
    """An INVITE of ours (RFC 3261, section 17.1.1; RFC 6026, section 7.2).

    It builds the ACK of a failure itself; that of a 2xx is the TU's.

    Args:
        request: The INVITE with its Via. It must stay as it is until the final response.
        data: The same, encoded. The caller sends it, once.
    """

    table: ClassVar[Table] = {
        (State.CALLING, Timer.A): Step(State.CALLING, Send.REQUEST),
        (State.CALLING, Timer.B): Step(State.TERMINATED, tells=True),
        (State.CALLING, Input.TRANSPORT_ERROR): Step(State.TERMINATED, tells=True),
        (State.CALLING, Input.PROVISIONAL): Step(State.PROCEEDING, tells=True),
        (State.CALLING, Input.SUCCESS): Step(State.ACCEPTED, tells=True),
        (State.CALLING, Input.FAILURE): Step(State.COMPLETED, Send.ACK, tells=True),
        (State.PROCEEDING, Input.PROVISIONAL): Step(State.PROCEEDING, tells=True),
        (State.PROCEEDING, Input.SUCCESS): Step(State.ACCEPTED, tells=True),
        (State.PROCEEDING, Input.FAILURE): Step(State.COMPLETED, Send.ACK, tells=True),
        # Not in the diagram, where nothing is sent in this state: the connection was lost.
        (State.PROCEEDING, Input.TRANSPORT_ERROR): Step(State.TERMINATED, tells=True),
        (State.COMPLETED, Input.FAILURE): Step(State.COMPLETED, Send.ACK),
        (State.COMPLETED, Input.TRANSPORT_ERROR): Step(State.TERMINATED, tells=True),
        (State.COMPLETED, Timer.D): Step(State.TERMINATED),
        (State.ACCEPTED, Input.SUCCESS): Step(State.ACCEPTED, tells=True),
        (State.ACCEPTED, Timer.M): Step(State.TERMINATED),
        **ignoring(
            {
                State.COMPLETED: (Input.PROVISIONAL, Input.SUCCESS),
                State.ACCEPTED: (Input.PROVISIONAL, Input.FAILURE, Input.TRANSPORT_ERROR),
            }
        ),
    }
    deadlines: ClassVar = {
        State.CALLING: Timer.B,
        State.COMPLETED: Timer.D,
        State.ACCEPTED: Timer.M,
    }
    resends: ClassVar = {State.CALLING: Timer.A}

    __slots__ = ("_request",)

    def __init__(
        self, request: Request, data: bytes, *, reliable: bool, timers: Timers, now: float
    ) -> None:
        super().__init__(State.CALLING, reliable=reliable, timers=timers, now=now)
        self._request: Request | None = request
        self._message = data

    def receive(self, response: Response, now: float) -> Outcome:
        """Take a response with this transaction's branch and method."""
        if response.is_final and self._request is not None:
            # From here on nothing but the ACK may have to be sent again.
            self._message = (
                None if response.is_success else failure_ack(self._request, response).encode()
            )
            self._request = None
        return self._take(class_of(response), now, response)

    def _next_pause(self, pause: float) -> float:
        return 2 * pause


class NonInviteClientTransaction(Transaction):
    """A request of ours other than INVITE and ACK (RFC 3261, section 17.1.2).

    Args:
        data: The request with its Via, encoded. The caller sends it, once.
    """

    table: ClassVar[Table] = {
        (State.TRYING, Timer.E): Step(State.TRYING, Send.REQUEST),
        (State.TRYING, Timer.F): Step(State.TERMINATED, tells=True),
        (State.TRYING, Input.TRANSPORT_ERROR): Step(State.TERMINATED, tells=True),
        (State.TRYING, Input.PROVISIONAL): Step(State.PROCEEDING, tells=True),
        (State.TRYING, Input.SUCCESS): Step(State.COMPLETED, tells=True),
        (State.TRYING, Input.FAILURE): Step(State.COMPLETED, tells=True),
        (State.PROCEEDING, Timer.E): Step(State.PROCEEDING, Send.REQUEST),
        (State.PROCEEDING, Timer.F): Step(State.TERMINATED, tells=True),
        (State.PROCEEDING, Input.TRANSPORT_ERROR): Step(State.TERMINATED, tells=True),
        (State.PROCEEDING, Input.PROVISIONAL): Step(State.PROCEEDING, tells=True),
        (State.PROCEEDING, Input.SUCCESS): Step(State.COMPLETED, tells=True),
        (State.PROCEEDING, Input.FAILURE): Step(State.COMPLETED, tells=True),
        (State.COMPLETED, Timer.K): Step(State.TERMINATED),
        **ignoring(
            {
                State.COMPLETED: (
                    Input.PROVISIONAL,
                    Input.SUCCESS,
                    Input.FAILURE,
                    Input.TRANSPORT_ERROR,
                )
            }
        ),
    }
    deadlines: ClassVar = {
        State.TRYING: Timer.F,
        State.PROCEEDING: Timer.F,
        State.COMPLETED: Timer.K,
    }
    resends: ClassVar = {State.TRYING: Timer.E, State.PROCEEDING: Timer.E}

    __slots__ = ()

    def __init__(self, data: bytes, *, reliable: bool, timers: Timers, now: float) -> None:
        super().__init__(State.TRYING, reliable=reliable, timers=timers, now=now)
        self._message = data

    def receive(self, response: Response, now: float) -> Outcome:
        """Take a response with this transaction's branch and method."""
        if response.is_final:
            self._message = None
        return self._take(class_of(response), now, response)

    def _next_pause(self, pause: float) -> float:
        if self.state is State.PROCEEDING:
            return self._timers.t2
        return super()._next_pause(pause)


def failure_ack(invite: Request, response: Response) -> Request:
    """Return the ACK of a response other than 2xx (RFC 3261, sections 17.1.1.3 and 22.1)."""
    ack = _same_hop("ACK", invite)
    ack.headers.set("To", response.headers.get("To") or str(invite.to))
    for name in _CREDENTIALS:
        for value in invite.headers.all(name):
            ack.headers.add(name, value)
    return ack


def cancel_request(invite: Request) -> Request:
    """Return the CANCEL of an INVITE (RFC 3261, section 9.1).

    It may be sent only after a provisional response, on the way that the INVITE took.
    """
    return _same_hop("CANCEL", invite)


def _same_hop(method: str, invite: Request) -> Request:
    """Return a request that takes the INVITE's way: its branch, its Route, its number."""
    headers = Headers([("Via", str(invite.top_via))])
    for name, value in invite.headers.items():
        if name in ("Route", "From", "To", "Call-ID", "Max-Forwards"):
            headers.add(name, value)
    headers.add("CSeq", f"{invite.cseq.number} {method}")
    return Request(method, invite.uri, headers)
