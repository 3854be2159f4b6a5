"""One call of a scripted phone, and where its sound would go."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.backends.embedded.outgoing_request import OutgoingRequest
from call_api.sip.dialog import Dialog, HeaderLines, new_request
from call_api.sip.flow import Address, Flow
from call_api.sip.message import Request, Response
from call_api.sip.sdp import Direction, Media, Origin, Sdp, make_answer, make_offer, mirrored

if TYPE_CHECKING:
    from tests.fakes.scripted_phone import ScriptedPhone

SENDING = ("sendrecv", "sendonly")
RECEIVING = ("sendrecv", "recvonly")
DISCARD_PORT = 9


class ScriptedCall:
    """What a phone knows of a call.

    Attributes:
        state: ``up`` from the 2xx on.
        statuses: Answers to our first INVITE.
        early: The description that came before the answer.
        invites: Every INVITE that came, the first one included.
        wish: What the phone would do if it could choose.
        notices: Status lines of NOTIFYs.
        bodies: Descriptions that came, oldest first.
        media: Where it wants its sound.
        has_open_offer: Whether an offer of its own waits for the answer in an ACK.
        ended_by: What ended it: ``BYE``, ``CANCEL``, a status, or ``us``.
    """

    def __init__(self, phone: "ScriptedPhone", flow: Flow, *, callid: str, tag: str) -> None:
        self.phone = phone
        self.flow = flow
        self.callid = callid
        self.tag = tag
        self.state: Literal["ringing", "calling", "up", "ended"] = "ringing"
        self.statuses: list[int] = []
        self.early: Sdp | None = None
        self.invites: list[Request] = []
        self.wish: Direction = "sendrecv"
        self.local: Direction = "inactive"
        self.remote: Sdp | None = None
        self.notices: list[str] = []
        self.bodies: list[Sdp] = []
        self.media: Address = phone.media
        self.ended_by: str | int | None = None
        self.dialog: Dialog | None = None
        self.outgoing: OutgoingRequest | None = None
        self.has_open_offer = False
        self._incoming: IncomingRequest | None = None
        self._awaits_ack = False
        self._origin = Origin(1, phone.media[0])

    @property
    def sends_to(self) -> Address | None:
        """Where its sound goes now."""
        if self.state != "up" or self.remote is None or self.local not in SENDING:
            return None
        for media in self.remote.active:
            if self.remote.direction_of(media) in RECEIVING and media.port != DISCARD_PORT:
                return self.remote.address_of(media), media.port
        return None

    @property
    def hears(self) -> bool:
        """Whether it takes what comes."""
        return self.state == "up" and self.local in RECEIVING

    def knows(self, request: Request) -> bool:
        return self.dialog is not None and self.dialog.remote_tag == (request.from_tag or "")

    # We are called.

    def ring(self, incoming: IncomingRequest) -> None:
        self._incoming = incoming
        self.invites.append(incoming.request)
        self.dialog = Dialog.from_request(incoming.request, self.tag, self.phone.contact)
        incoming.on_cancel = lambda: self._end("CANCEL")
        for status in self.phone.progress:
            body = self._describe(incoming.request.body) if status == 183 else b""
            incoming.respond(status, headers=[("Contact", self.phone.contact)], body=body)
        if self.phone.answer_after is not None:
            asyncio.get_running_loop().call_later(self.phone.answer_after, self.answer)

    def answer(self, body: bytes | None = None) -> None:
        incoming = self._incoming
        if self.state != "ringing" or incoming is None or self.dialog is None:
            return
        self.state = "up"
        self.dialog.confirm()
        self._awaits_ack = True
        self._accept(incoming, self._describe(incoming.request.body) if body is None else body)

    def refuse(self, status: int) -> None:
        assert self._incoming is not None
        self._incoming.respond(status)
        self._end("us")

    # We call.

    def dial(self, to: str, *, offers: bool, headers: HeaderLines, cseq: int = 1) -> None:
        self.state = "calling"
        invite = new_request(
            "INVITE",
            to,
            from_=f'"{self.phone.name.title()}" <{self.phone.uri}>;tag={self.tag}',
            to=f"<{to}>",
            callid=self.callid,
            cseq=cseq,
            headers=[("Contact", self.phone.contact), *headers],
            body=self.offer() if offers else b"",
        )
        digest = self.phone.digest()

        def take(response: Response) -> None:
            self.statuses.append(response.status)
            asked = response.headers.all("WWW-Authenticate")
            if response.status == 401 and cseq == 1 and digest.accept(asked):
                value = digest.authorization("INVITE", to) or ""
                authorized = [*headers, ("Authorization", value)]
                self.dial(to, offers=offers, headers=authorized, cseq=2)
            else:
                self._take_answer(invite, response)

        self.outgoing = self.phone.agent.request(invite, self.flow, take)

    def cancel(self) -> None:
        assert self.outgoing is not None
        self.outgoing.cancel()

    def _take_answer(self, invite: Request, response: Response) -> None:
        if not response.is_final:
            self.early = Sdp.parse(response.body) if response.body else self.early
        elif response.is_success:
            self.dialog = Dialog.from_response(invite, response)
            self.state = "up"
            self._acknowledge(invite, response)
        else:
            self._end(response.status)

    def _acknowledge(self, invite: Request, response: Response) -> None:
        assert self.dialog is not None
        body = b"" if invite.body else self._describe(response.body)
        if invite.body:
            self._take_description(response.body)
        self.phone.agent.send_ack(self.dialog.ack(invite.cseq.number, body=body), self.flow)

    # In the call.

    async def reinvite(self, *, offers: bool = True, headers: HeaderLines = ()) -> int:
        """Send a re-INVITE with what we wish; return the final status."""
        assert self.dialog is not None
        body = self.offer() if offers else b""
        invite = self.dialog.request("INVITE", headers=headers, body=body)
        response = await self.phone.send(invite)
        if response.is_success:
            self._acknowledge(invite, response)
        return response.status

    async def request(self, method: str, headers: HeaderLines = (), body: bytes = b"") -> int:
        """Send another request in the dialog; return the final status."""
        assert self.dialog is not None
        request = self.dialog.request(method, headers=headers, body=body)
        return (await self.phone.send(request)).status

    async def refer(self, to: str) -> int:
        """Refer the other party to somebody; return the final status."""
        return await self.request("REFER", [("Refer-To", f"<{to}>")])

    def replaces(self) -> str:
        """What a Replaces header has to say to mean this call, seen from the other side."""
        assert self.dialog is not None
        return f"{self.callid};to-tag={self.dialog.remote_tag};from-tag={self.tag}"

    async def hang_up(self) -> int:
        """Send BYE, but not before our first 2xx is acknowledged; return the final status."""
        while self._awaits_ack:  # noqa: ASYNC110  # in virtual time
            await asyncio.sleep(0.01)
        self._end("us")
        return await self.request("BYE")

    def take(self, incoming: IncomingRequest) -> None:
        assert self.dialog is not None
        method = incoming.request.method
        if not self.dialog.accepts(incoming.request):
            incoming.respond(500)
        elif method == "BYE":
            incoming.respond(200)
            self._end("BYE")
        elif method == "INVITE":
            self._take_reinvite(incoming)
        else:
            if method == "NOTIFY":
                self.notices.append(incoming.request.body.decode().strip())
            incoming.respond(200)

    def _take_reinvite(self, incoming: IncomingRequest) -> None:
        self.invites.append(incoming.request)
        if self.has_open_offer:  # a new one would be answered by the ACK of the old one
            incoming.respond(491)
            return
        status, headers = self.phone.reinvites.pop(0) if self.phone.reinvites else (200, ())
        if status == 200:
            self._accept(incoming, self._describe(incoming.request.body))
        elif status:
            incoming.respond(status, headers=headers)
        else:
            self._incoming = incoming
            incoming.respond(100)

    def answer_late(self) -> None:
        """Agree to the re-INVITE that got no answer."""
        assert self._incoming is not None
        self._accept(self._incoming, self._describe(self._incoming.request.body))

    # Descriptions.

    def offer(self) -> bytes:
        sdp = make_offer(*self.media, self.wish)
        if self.phone.has_video:
            sdp = replace(sdp, media=(*sdp.media, self._video(self.wish)))
        return self._origin.write(sdp)

    def _video(self, direction: Direction) -> Media:
        return Media("video", self.media[1] + 2, "", "RTP/AVP", "31", (f"a={direction}",))

    def _accept(self, incoming: IncomingRequest, body: bytes) -> None:
        def acked(ack: Request) -> None:
            self._awaits_ack = False
            if not incoming.request.body:
                self.has_open_offer = False
                self._take_description(ack.body)

        self.has_open_offer = not incoming.request.body
        incoming.on_ack = acked
        incoming.on_no_ack = self._not_acked
        headers = [("Contact", self.phone.contact), *self.phone.said_along]
        incoming.respond(200, headers=headers, body=body)

    def _not_acked(self) -> None:
        self._awaits_ack = False
        self._end("no ACK")

    def _describe(self, offer: bytes) -> bytes:
        """Answer an offer, or make one if there is none."""
        if not offer:
            return self.offer()
        sdp = Sdp.parse(offer)
        answer = make_answer(sdp, *self.media)
        assert answer is not None
        self.bodies.append(sdp)
        self.remote = sdp
        self.local = both(answer.direction, self.wish)
        media = [
            self._video(self.local) if self.phone.has_video and asked.kind == "video" else own
            for asked, own in zip(sdp.media, answer.media, strict=True)
        ]
        answer = replace(answer, media=tuple(media))
        return self._origin.write(answer.with_direction(self.local), answers=sdp)

    def _take_description(self, answer: bytes) -> None:
        self.remote = Sdp.parse(answer)
        self.bodies.append(self.remote)
        self.local = both(mirrored(self.remote.direction), self.wish)

    def _end(self, by: str | int) -> None:
        self._awaits_ack = False
        if self.state != "ended":
            self.state = "ended"
            self.ended_by = by


def both(a: Direction, b: Direction) -> Direction:
    """What two wishes have in common."""
    if a in SENDING and b in SENDING:
        return "sendrecv" if a in RECEIVING and b in RECEIVING else "sendonly"
    return "recvonly" if a in RECEIVING and b in RECEIVING else "inactive"
