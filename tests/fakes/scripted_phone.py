"""A phone without sockets that does what a test tells it, over a `LossyLink`."""

import asyncio
from collections.abc import Callable

from call_api.backends.embedded.agent import Agent
from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.sip.dialog import HeaderLines, new_callid, new_request, new_tag
from call_api.sip.digest import DigestClient
from call_api.sip.flow import Address, Flow, contact_uri
from call_api.sip.message import Request, Response
from tests.fakes.scripted_call import ScriptedCall


class ScriptedPhone:
    """One phone of one user.

    Attributes:
        answer_after: Seconds of ringing; None: it never answers.
        progress: What it says before, as statuses; 183 comes with its description.
        refuse_with: Status and headers with which it refuses calls.
        reinvites: How it answers the next re-INVITEs: statuses and headers, 0 for not as yet;
            then 200.
        has_video: It offers video and takes it.
        said_along: Headers of its 2xx to INVITEs.
        is_dead: It hears nothing.
        calls: Its calls, ended ones included, oldest first.
        heard: Methods of all requests that came, oldest first.
        on_invite: Handles an INVITE that begins a call in another way.
    """

    def __init__(self, name: str, flow: Flow, media: Address, password: str = "") -> None:
        self.name = name
        self.flow = flow
        self.media = media
        self.uri = f"sip:{name}@localhost"
        self.answer_after: float | None = 0.1
        self.progress: tuple[int, ...] = (180,)
        self.refuse_with: tuple[int, HeaderLines] | None = None
        self.reinvites: list[tuple[int, HeaderLines]] = []
        self.has_video = False
        self.said_along: HeaderLines = ()
        self.is_dead = False
        self.calls: list[ScriptedCall] = []
        self.heard: list[str] = []
        self.on_invite: Callable[[IncomingRequest], None] | None = None
        self.password = password
        self.agent = Agent(clock=asyncio.get_running_loop(), on_request=self._take)
        self._register_callid = new_callid()
        self._register_cseq = 0

    @property
    def call(self) -> ScriptedCall:
        """Its one call that has not ended."""
        (call,) = self.live
        return call

    @property
    def live(self) -> list[ScriptedCall]:
        """Its calls that have not ended."""
        return [call for call in self.calls if call.state != "ended"]

    @property
    def contact(self) -> str:
        return f"<{contact_uri(self.flow, self.name)}>"

    def receive(self, data: bytes, flow: Flow) -> None:
        if not self.is_dead:
            self.agent.receive(data, flow)

    async def register(self, expires: int = 3600) -> int:
        """Register, with the password if it is asked for; return the final status."""
        digest = self.digest()
        response = await self._register(expires, [])
        if digest.accept(response.headers.all("WWW-Authenticate")):
            value = digest.authorization("REGISTER", "sip:localhost") or ""
            response = await self._register(expires, [("Authorization", value)])
        return response.status

    def digest(self) -> DigestClient:
        return DigestClient(self.name, self.password, new_tag)

    def dial(self, to: str, *, offers: bool = True, headers: HeaderLines = ()) -> ScriptedCall:
        """Call somebody."""
        call = ScriptedCall(self, self.flow, callid=new_callid(), tag=new_tag())
        self.calls.append(call)
        call.dial(to, offers=offers, headers=headers)
        return call

    async def request(self, method: str, to: str, headers: HeaderLines = ()) -> Response:
        """Send a request outside of dialogs; return the final response."""
        request = new_request(
            method,
            to,
            from_=f"<{self.uri}>;tag={new_tag()}",
            to=f"<{to}>",
            callid=new_callid(),
            headers=headers,
        )
        return await self.send(request)

    async def send(self, request: Request) -> Response:
        """Send a request; return the final response."""
        final: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def take(response: Response) -> None:
            if response.is_final and not final.done():
                final.set_result(response)

        self.agent.request(request, self.flow, take)
        return await final

    async def _register(self, expires: int, headers: HeaderLines) -> Response:
        self._register_cseq += 1
        request = new_request(
            "REGISTER",
            "sip:localhost",
            from_=f"<{self.uri}>;tag={new_tag()}",
            to=f"<{self.uri}>",
            callid=self._register_callid,
            cseq=self._register_cseq,
            headers=[("Contact", self.contact), ("Expires", str(expires)), *headers],
        )
        return await self.send(request)

    def _take(self, incoming: IncomingRequest) -> None:
        request = incoming.request
        self.heard.append(request.method)
        if request.to_tag is not None:
            self._in_dialog(incoming)
        elif request.method == "INVITE":
            self._ring(incoming)
        else:
            incoming.respond(405)

    def _in_dialog(self, incoming: IncomingRequest) -> None:
        request = incoming.request
        for call in self.live:
            if (call.callid, call.tag) == (request.callid, request.to_tag) and call.knows(request):
                call.take(incoming)
                return
        incoming.respond(481)

    def _ring(self, incoming: IncomingRequest) -> None:
        if self.on_invite is not None:
            self.on_invite(incoming)
        elif self.refuse_with is not None:
            incoming.respond(self.refuse_with[0], headers=self.refuse_with[1])
        else:
            call = ScriptedCall(
                self, incoming.flow, callid=incoming.request.callid, tag=incoming.to_tag
            )
            self.calls.append(call)
            call.ring(incoming)
