"""A transaction user whose peer is the test: one that asks, and one that is asked."""

from typing import Any

from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.sip.flow import Transport
from call_api.sip.message import Request, Response
from tests.fakes.manual_clock import ManualClock
from tests.fakes.recording_flow import RecordingFlow
from tests.fakes.sip_messages import make_request
from tests.fakes.sip_party import Party


class Scene:
    """A party, its one flow, and the time."""

    def __init__(self, transport: Transport = "UDP", **of_the_party: Any) -> None:
        self.clock = ManualClock()
        self.party = Party(self.clock, **of_the_party)
        self.flow = RecordingFlow(transport)


class ClientScene(Scene):
    """The party sends requests; the test answers them."""

    def answer(self, request: Request, status: int, tag: str = "b1") -> Response:
        """Let the peer answer; return the answer."""
        headers = [("Contact", "<sip:bob@192.0.2.1:5070>")] if status < 300 else []
        response = request.response(status, to_tag=tag, headers=headers)
        self.party.agent.receive(response.encode(), self.flow)
        return response

    def methods(self) -> list[str]:
        """What requests were sent since the last time."""
        return [request.method for request in self.flow.take_requests()]


class ServerScene(Scene):
    """The test sends requests; the party answers them."""

    def receive(self, request: Request) -> None:
        self.party.agent.receive(request.encode(), self.flow)

    def incoming(self, request: Request) -> IncomingRequest:
        """Let a request come; return it as the TU sees it."""
        self.receive(request)
        return self.party.incoming[-1]

    def statuses(self) -> list[int]:
        """What was answered since the last time."""
        return [response.status for response in self.flow.take_responses()]


def ack_of(incoming: IncomingRequest, *, number: int = 1, branch: str = "z9hG4bKack") -> Request:
    """Return the peer's ACK of an answer."""
    to = f"<sip:bob@192.0.2.2>;tag={incoming.to_tag}"
    return make_request("ACK", to=to, number=number, branch=branch)
