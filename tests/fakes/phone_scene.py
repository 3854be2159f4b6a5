"""A demo phone of alice's on loopback, and the host that it registers at, played by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.backends.embedded.phone import Behaviour, Line, Phone, phone
from call_api.sip.sdp import Direction, Sdp, make_offer
from call_api.transports.rtp import RtpSocket
from tests.fakes.tiny_registrar import FAST, LIMIT, FarEnd, TinyRegistrar, tiny_registrar

DESK = "sip:desk@localhost"


@dataclass
class Scene:
    """A phone of alice's, and the host that it registers at."""

    desk: TinyRegistrar
    alice: Phone
    media: RtpSocket

    def offer(self, direction: Direction = "sendrecv") -> bytes:
        return make_offer(self.media.host, self.media.port, direction).encode()

    async def call_alice(self) -> FarEnd:
        """Call her and let her answer."""
        far = FarEnd(self.desk, "alice")
        response = await far.call(self.offer())
        assert response.status == 200
        far.ack()
        return far

    async def answered_call(self) -> IncomingRequest:
        """Let her call us, and answer; return her INVITE."""
        acked = asyncio.Event()

        def answer(incoming: IncomingRequest) -> None:
            if incoming.request.method == "INVITE":
                incoming.on_ack = lambda ack: acked.set()
                incoming.respond(
                    200, headers=[("Contact", "<sip:desk@127.0.0.1>")], body=self.offer()
                )
            else:
                incoming.respond(200)

        self.desk.on_request = answer
        self.alice.call(DESK)
        async with asyncio.timeout(LIMIT):
            await acked.wait()
        return self.desk.requests[0]

    def body_of(self, number: int) -> Sdp:
        return Sdp.parse(self.desk.requests[number].request.body)


@asynccontextmanager
async def phone_scene(behaviour: Behaviour | None = None) -> AsyncIterator[Scene]:
    async with tiny_registrar({"alice": "secret"}) as desk:
        line = Line(name="alice", password="secret", domain="localhost", registrar=desk.address)
        treats = behaviour or Behaviour(answer_after=0.0)
        media = RtpSocket("127.0.0.1", lambda packet: None)
        try:
            async with phone(line, behaviour=treats, timers=FAST) as alice:
                yield Scene(desk, alice, media)
        finally:
            media.close()
