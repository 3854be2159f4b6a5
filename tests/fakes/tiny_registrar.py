"""A registrar on loopback for phones: it checks passwords, and calls the phones itself."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import cast

from call_api.backends.embedded.agent import Agent
from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.backends.embedded.outgoing_request import OutgoingRequest
from call_api.sip.dialog import Dialog, new_callid, new_request, new_tag
from call_api.sip.digest import DigestServer
from call_api.sip.flow import Address, Flow, contact_uri
from call_api.sip.message import Request, Response
from call_api.sip.registrar import Binding, Registrar
from call_api.sip.timers import Timers
from call_api.transports.sip_endpoint import SipEndpoint, sip_endpoint

FAST = Timers(t1=0.02, t2=0.08, t4=0.1)
"""For tests that wait for a timeout: 1.28 s instead of 32."""

LIMIT = 10.0  # seconds that a test waits for what is bound to happen


class TinyRegistrar:
    """One domain, ``localhost``.

    Attributes:
        registers: Every REGISTER, oldest first.
        requests: Every other request.
        refuses_with: Status of all REGISTERs from now on; None: they are handled.
        is_deaf: Nothing at all is answered.
        on_request: Handles the other requests; by default they get a 404.
    """

    def __init__(self, passwords: Mapping[str, str], max_expires: int) -> None:
        self.registers: list[Request] = []
        self.requests: list[IncomingRequest] = []
        self.refuses_with: int | None = None
        self.is_deaf = False
        self.on_request: Callable[[IncomingRequest], object] = lambda r: r.respond(404)
        self.endpoint: SipEndpoint
        self._loop = asyncio.get_running_loop()
        self._digest = DigestServer("localhost", passwords, b"0123456789abcdef")
        self._registrar = Registrar(["localhost"], min_expires=1, max_expires=max_expires)
        self.agent = Agent(clock=self._loop, on_request=self._take, timers=FAST)
        self._changed = asyncio.Event()

    @property
    def address(self) -> Address:
        return self.endpoint.host, self.endpoint.port

    def binding(self, user: str) -> Binding:
        (binding,) = self._registrar.contacts(user)
        return binding

    def is_registered(self, user: str) -> bool:
        return bool(self._registrar.contacts(user))

    async def until(self, claim: Callable[[], bool]) -> None:
        """Return once a claim is true that only REGISTERs and requests make true."""
        async with asyncio.timeout(LIMIT):
            while not claim():
                self._changed.clear()
                await self._changed.wait()

    def receive(self, data: bytes, flow: Flow) -> None:
        if not self.is_deaf:
            self.agent.receive(data, flow)

    def _take(self, incoming: IncomingRequest) -> None:
        if incoming.request.method == "REGISTER":
            self.registers.append(incoming.request)
            self._register(incoming)
        else:
            self.requests.append(incoming)
            self.on_request(incoming)
        self._changed.set()

    def _register(self, incoming: IncomingRequest) -> None:
        request, now = incoming.request, self._loop.time()
        credentials = request.headers.all("Authorization")
        verdict = self._digest.verify("REGISTER", request.uri, credentials, now)
        if self.refuses_with is not None:
            incoming.respond(self.refuses_with)
        elif verdict.outcome != "ok":
            challenges = self._digest.challenges(now, stale=verdict.outcome == "stale")
            incoming.respond(401, headers=[("WWW-Authenticate", text) for text in challenges])
        else:
            done = self._registrar.register(request, incoming.flow, now)
            incoming.respond(done.status, headers=done.headers)


class FarEnd:
    """A call that the registrar's host makes to a phone, step by step.

    Attributes:
        statuses: What has come to our INVITEs.
    """

    def __init__(self, registrar: TinyRegistrar, user: str) -> None:
        binding = registrar.binding(user)
        self.flow = cast("Flow", binding.flow)
        self.statuses: list[int] = []
        self.outgoing: OutgoingRequest
        self.invite: Request
        self.dialog: Dialog
        self._agent = registrar.agent
        self._target = str(binding.uri)

    def start(self, body: bytes, **headers: str) -> "asyncio.Future[Response]":
        """Send an INVITE; return what its final response comes in."""
        self.invite = new_request(
            "INVITE",
            self._target,
            from_=f"<sip:desk@localhost>;tag={new_tag()}",
            to=f"<{self._target}>",
            callid=new_callid(),
            headers=[("Contact", f"<{contact_uri(self.flow)}>"), *headers.items()],
            body=body,
        )
        return self._send(self.invite)

    async def call(self, body: bytes) -> Response:
        """Send an INVITE; return its final response, and ACK none."""
        async with asyncio.timeout(LIMIT):
            response = await self.start(body)
        if response.is_success:
            self.dialog = Dialog.from_response(self.invite, response)
        return response

    async def reinvite(self, body: bytes) -> Response:
        """Send an INVITE in the dialog; return its final response, and ACK none."""
        self.invite = self.dialog.request("INVITE", body=body)
        async with asyncio.timeout(LIMIT):
            return await self._send(self.invite)

    def ack(self, body: bytes = b"") -> None:
        self._agent.send_ack(self.dialog.ack(self.invite.cseq.number, body=body), self.flow)

    async def request(self, method: str) -> Response:
        """Send another request in the dialog; return its final response."""
        async with asyncio.timeout(LIMIT):
            return await self._send(self.dialog.request(method))

    def _send(self, request: Request) -> "asyncio.Future[Response]":
        final: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def take(response: Response) -> None:
            self.statuses.append(response.status)
            if response.is_final and not final.done():
                final.set_result(response)

        self.outgoing = self._agent.request(request, self.flow, take)
        return final


@asynccontextmanager
async def tiny_registrar(
    passwords: Mapping[str, str], *, max_expires: int = 3600
) -> AsyncIterator[TinyRegistrar]:
    """A registrar that listens as long as the block runs."""
    made = TinyRegistrar(passwords, max_expires)
    async with sip_endpoint("127.0.0.1", 0, made.receive, on_lost=made.agent.flow_lost) as endpoint:
        made.endpoint = endpoint
        yield made
        made.agent.close()
