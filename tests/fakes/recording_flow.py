"""A flow that leads nowhere and remembers what was sent on it."""

from call_api.sip.flow import Transport
from call_api.sip.message import Request, Response
from call_api.sip.parser import parse_message


class RecordingFlow:
    """The way to a peer that the test itself plays.

    Attributes:
        sent: What was sent, oldest first.
        refuses: Whether sending fails, as when a network is down.
    """

    def __init__(self, transport: Transport = "UDP", peer: str = "192.0.2.1") -> None:
        self.transport = transport
        self.reliable = transport == "TCP"
        self.local = ("192.0.2.2", 5060)
        self.peer = (peer, 5060)
        self.is_open = True
        self.refuses = False
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> None:
        if self.refuses or not self.is_open:
            raise OSError(101, "Network is unreachable")
        self.sent.append(data)

    def take(self) -> list[Request | Response]:
        """Return what was sent since the last time."""
        messages = [parse_message(data) for data in self.sent]
        self.sent.clear()
        return messages

    def take_requests(self) -> list[Request]:
        messages = self.take()
        requests = [message for message in messages if isinstance(message, Request)]
        assert requests == messages
        return requests

    def take_responses(self) -> list[Response]:
        messages = self.take()
        responses = [message for message in messages if isinstance(message, Response)]
        assert responses == messages
        return responses
