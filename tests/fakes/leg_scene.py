"""One leg whose phone the test plays, message by message."""

from call_api.backends.embedded.agent import Agent
from call_api.backends.embedded.first_invite import invite
from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.backends.embedded.leg import Leg
from call_api.sip.dialog import new_request
from call_api.sip.message import Request
from call_api.sip.sdp import make_offer
from tests.fakes.manual_clock import ManualClock
from tests.fakes.recording_flow import RecordingFlow

OFFER = make_offer("192.0.2.2", 4000).encode()
ANSWER = make_offer("192.0.2.1", 5000).encode()


class LegScene:
    """A leg that is rung.

    Attributes:
        sent: Our INVITE.
        news: Statuses that were told of it.
        gone: The leg, once for each time that it was told as gone; ``dead`` likewise.
        came: Requests of the phone's.
    """

    def __init__(self, *, offers: bool = True) -> None:
        self.clock = ManualClock()
        self.flow = RecordingFlow()
        self.gone: list[Leg] = []
        self.dead: list[Leg] = []
        self.news: list[int] = []
        self.came: list[IncomingRequest] = []
        agent = Agent(clock=self.clock, on_request=self.came.append)
        self.leg = Leg(
            agent, self.flow, callid="c1", tag="t1", uri="sip:bob@localhost", home=self, now=0.0
        )
        request = new_request(
            "INVITE",
            "sip:bob@192.0.2.1",
            from_="<sip:alice@localhost>;tag=t1",
            to="<sip:bob@localhost>",
            callid="c1",
            headers=[("Contact", "<sip:192.0.2.2>")],
            body=OFFER if offers else b"",
        )
        invite(self.leg, request, lambda _, news: self.news.append(news.status), ring_for=60.0)
        self.sent = self.requests()[0]

    def leg_gone(self, leg: Leg) -> None:
        self.gone.append(leg)

    def leg_dead(self, leg: Leg) -> None:
        self.dead.append(leg)

    def way_to(self, leg: Leg) -> RecordingFlow:
        return self.flow

    def requests(self) -> list[Request]:
        return self.flow.take_requests()

    def answer(self, status: int, body: bytes = b"", tag: str = "b1") -> None:
        response = self.sent.response(
            status, to_tag=tag, headers=[("Contact", "<sip:bob@192.0.2.1:5070>")], body=body
        )
        self.leg.agent.receive(response.encode(), self.flow)

    def methods(self) -> list[str]:
        return [request.method for request in self.requests()]

    def receive(self, method: str, cseq: int, body: bytes = b"") -> IncomingRequest:
        """Let the phone send a request in the dialog."""
        request = new_request(
            method,
            "sip:192.0.2.2",
            from_="<sip:bob@localhost>;tag=b1",
            to="<sip:alice@localhost>;tag=t1",
            callid="c1",
            cseq=cseq,
            headers=[
                ("Via", f"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{method}{cseq}"),
                ("Contact", "<sip:bob@192.0.2.1:5080>"),
            ],
            body=body,
        )
        self.leg.agent.receive(request.encode(), self.flow)
        return self.came[-1]
