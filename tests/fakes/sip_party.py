"""A transaction user that remembers: an agent, and all that it told."""

from collections.abc import Callable

from call_api.backends.embedded.agent import Agent
from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.backends.embedded.outgoing_request import OutgoingRequest
from call_api.sip.flow import Flow
from call_api.sip.message import Request, Response
from tests.fakes.manual_clock import ManualClock

MAX_TRANSACTIONS = 1000


class Party:
    """One user agent.

    Attributes:
        incoming: The requests that it got.
        on_request: Called with each of them, if set.
        told: What came to `call`s, oldest first: the status of each response.
        responses: The same, the responses themselves.
    """

    def __init__(
        self,
        clock: ManualClock,
        *,
        name: str = "",
        supported: tuple[str, ...] = (),
        max_transactions: int = MAX_TRANSACTIONS,
        has_dialog: Callable[[str, str], bool] = lambda _callid, _tag: True,
    ) -> None:
        self.incoming: list[IncomingRequest] = []
        self.on_request: Callable[[IncomingRequest], None] | None = None
        self.responses: list[Response] = []
        self.agent = Agent(
            clock=clock,
            on_request=self._take,
            name=name,
            supported=supported,
            max_transactions=max_transactions,
            has_dialog=has_dialog,
        )

    @property
    def told(self) -> list[int]:
        return [response.status for response in self.responses]

    @property
    def methods(self) -> list[str]:
        return [incoming.request.method for incoming in self.incoming]

    def send(
        self, request: Request, flow: Flow, *, ring_for: float | None = None
    ) -> OutgoingRequest:
        return self.agent.request(request, flow, self.responses.append, ring_for=ring_for)

    def _take(self, incoming: IncomingRequest) -> None:
        self.incoming.append(incoming)
        if self.on_request is not None:
            self.on_request(incoming)
