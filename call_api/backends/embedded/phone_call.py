"""One call of a demo phone: from ringing to BYE, with its sound."""

import asyncio
import secrets
from typing import TYPE_CHECKING, Literal, TypeAlias

from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.backends.embedded.outgoing_request import OutgoingRequest
from call_api.backends.embedded.phone_sound import PhoneSound
from call_api.sip.dialog import Dialog, new_callid, new_request, new_tag
from call_api.sip.digest import DigestClient
from call_api.sip.flow import Flow, contact_uri
from call_api.sip.grammar import BadHeader
from call_api.sip.message import Request, Response
from call_api.sip.sdp import Direction

if TYPE_CHECKING:
    from call_api.backends.embedded.phone import Phone

CallState: TypeAlias = Literal["ringing", "calling", "up", "ended"]
"""``ringing``: we are called. ``calling``: we call."""

_CHALLENGES = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}


class PhoneCall:
    """A call, seen from the phone.

    Attributes:
        callid: Its Call-ID.
        tag: The phone's tag.
        state: How far it has come.
        progress: Every status that came to our INVITE, or that we answered the peer's with.
        sound: What it says and hears.
    """

    def __init__(self, phone: "Phone", flow: Flow, *, callid: str, tag: str) -> None:
        self.callid = callid
        self.tag = tag
        self.state: CallState = "calling"
        self.progress: list[int] = []
        self.sound = PhoneSound(phone.name, phone.host, phone.ticker, phone.changed)
        self._phone = phone
        self._flow = flow
        self._dialog: Dialog | None = None
        self._incoming: IncomingRequest | None = None
        self._outgoing: OutgoingRequest | None = None
        self._answering: asyncio.TimerHandle | None = None
        self._digest = DigestClient(phone.name, phone.password, lambda: secrets.token_hex(8))
        self._is_hung_up = False

    @property
    def peer(self) -> str:
        """URI of the other party, as it stands in the dialog; empty before there is one."""
        return "" if self._dialog is None else str(self._dialog.remote_uri)

    @property
    def direction(self) -> Direction:
        """What the phone does with its sound now."""
        return self.sound.direction

    @property
    def sent_packets(self) -> int:
        """RTP packets that the phone has sent."""
        return self.sound.stream.sent

    @property
    def received_packets(self) -> int:
        """RTP packets that have come."""
        return self.sound.stream.received

    # We are called.

    @classmethod
    def ringing(cls, phone: "Phone", incoming: IncomingRequest) -> "PhoneCall":
        """Ring, and answer when the phone's behaviour says so.

        Raises:
            BadHeader: The INVITE makes no dialog.
        """
        call = cls(phone, incoming.flow, callid=incoming.request.callid, tag=incoming.to_tag)
        call.state = "ringing"
        try:
            call._dialog = Dialog.from_request(incoming.request, incoming.to_tag, call._contact)
        except BadHeader:
            call.sound.close()
            raise
        call._incoming = incoming
        incoming.on_cancel = call._end
        call._respond(180)
        if phone.behaviour.answer_after is not None:
            loop = asyncio.get_running_loop()
            call._answering = loop.call_later(phone.behaviour.answer_after, call.answer)
        return call

    def answer(self) -> None:
        """Take the call, if it still rings."""
        incoming, dialog = self._incoming, self._dialog
        if self.state != "ringing" or incoming is None or dialog is None:
            return
        self.state = "up"
        self._accept(incoming, dialog)
        dialog.confirm()
        self._phone.changed()

    # We call.

    @classmethod
    def calling(cls, phone: "Phone", target: str, flow: Flow) -> "PhoneCall":
        """Call ``target``, a SIP URI."""
        call = cls(phone, flow, callid=new_callid(), tag=new_tag())
        call._invite(target, 1)
        return call

    def _invite(
        self, target: str, cseq: int, credentials: tuple[tuple[str, str], ...] = ()
    ) -> None:
        invite = new_request(
            "INVITE",
            target,
            from_=f"<{self._phone.uri}>;tag={self.tag}",
            to=f"<{target}>",
            callid=self.callid,
            cseq=cseq,
            headers=[("Contact", self._contact), *credentials],
            body=self.sound.offer(),
        )

        def take(response: Response) -> None:
            if not self._challenged(invite, response):
                self._take_answer(invite, response)

        self._outgoing = self._phone.agent.request(
            invite, self._flow, take, ring_for=self._phone.behaviour.ring_for
        )

    def _challenged(self, invite: Request, response: Response) -> bool:
        """Send the INVITE again with credentials, if that is what the response asks for."""
        names = _CHALLENGES.get(response.status)
        if names is None or self._is_hung_up:
            return False
        challenge, credentials = names
        if not self._digest.accept(response.headers.all(challenge)):
            return False
        value = self._digest.authorization("INVITE", invite.uri) or ""
        self._invite(invite.uri, invite.cseq.number + 1, ((credentials, value),))
        return True

    def _take_answer(self, invite: Request, response: Response) -> None:
        self.progress.append(response.status)
        if response.is_success:
            self._outgoing = None
            self._dialog = dialog = Dialog.from_response(invite, response)
            ack = dialog.ack(invite.cseq.number, credentials=invite)
            self._phone.agent.send_ack(ack, self._flow)
            self.state = "up"
            self.sound.take_answer(response.body)
            if self._is_hung_up:  # our CANCEL came too late
                self.hang_up()
        elif response.is_final:
            self._end()
        self._phone.changed()

    # In the call.

    def hang_up(self) -> None:
        """End the call in the way that its state asks for."""
        self._is_hung_up = True
        if self.state == "calling" and self._outgoing is not None:
            self._outgoing.cancel()
        elif self.state == "ringing":
            self._respond(603)
            self._end()
        elif self.state == "up" and self._dialog is not None:
            self._phone.agent.request(self._dialog.request("BYE"), self._way(), _ignore)
            self._end()

    def drop(self) -> None:
        """End the call without a word to the peer."""
        self._end()

    async def hold(self) -> int:
        """Put the peer on hold; return the final status."""
        return await self._offer("sendonly")

    async def resume(self) -> int:
        """End the hold; return the final status."""
        return await self._offer("sendrecv")

    def take(self, incoming: IncomingRequest) -> None:
        """Take a request of the peer's in this dialog."""
        dialog, method = self._dialog, incoming.request.method
        if dialog is None or not dialog.accepts(incoming.request):
            incoming.respond(500)
        elif method == "BYE":
            incoming.respond(200)
            self._end()
        elif method == "INVITE":
            self._take_reinvite(incoming, dialog)
        else:
            incoming.respond(200 if method in ("OPTIONS", "INFO") else 405)

    async def _offer(self, wish: Direction) -> int:
        dialog = self._dialog
        if self.state != "up" or dialog is None or self._outgoing is not None:
            return 491
        loop = asyncio.get_running_loop()
        final: asyncio.Future[int] = loop.create_future()
        invite = dialog.request("INVITE", body=self.sound.offer(wish))

        def take(response: Response) -> None:
            if response.is_final:
                self._outgoing = None
                if response.is_success:
                    dialog.refresh(response)
                    self._phone.agent.send_ack(dialog.ack(invite.cseq.number), self._way())
                    self.sound.wish = wish
                    self.sound.take_answer(response.body)
                if not final.done():
                    final.set_result(response.status)

        self._outgoing = self._phone.agent.request(
            invite, self._way(), take, ring_for=self._phone.behaviour.ring_for
        )
        return await final

    def _take_reinvite(self, incoming: IncomingRequest, dialog: Dialog) -> None:
        status = self._phone.behaviour.refuse_reinvites_with
        if self._outgoing is not None:
            status = 491  # both at once (RFC 3261, section 14.2)
        elif self.state != "up":
            status = 500
        if status is not None:
            incoming.respond(status)
        else:
            self._accept(incoming, dialog)
            dialog.refresh(incoming.request)
        self._phone.changed()

    def _accept(self, incoming: IncomingRequest, dialog: Dialog) -> None:
        """Answer an INVITE: with an answer, or with an offer if it brought none."""
        self._incoming = incoming
        offer = incoming.request.body
        body = self.sound.answer_to(offer) if offer else self.sound.offer()
        if body is None:
            self._respond(488)
            if dialog.is_early:
                self._end()
            return

        def acked(ack: Request) -> None:
            if not offer:
                self.sound.take_answer(ack.body)

        incoming.on_ack = acked
        incoming.on_no_ack = self.hang_up
        self._respond(200, body)

    def _respond(self, status: int, body: bytes = b"") -> None:
        if self._incoming is not None:
            headers = [("Contact", self._contact)] if status < 300 else []
            self._incoming.respond(status, headers=headers, body=body)
            self.progress.append(status)

    def _end(self) -> None:
        if self._answering is not None:
            self._answering.cancel()
        self.state = "ended"
        self._outgoing = None
        self.sound.close()
        self._phone.forget(self)
        self._phone.changed()

    @property
    def _contact(self) -> str:
        return f"<{contact_uri(self._flow, self._phone.name)}>"

    def _way(self) -> Flow:
        """Return the way to the peer; a new one if the old one is gone."""
        if not self._flow.is_open:
            self._flow = self._phone.flow()
        return self._flow


def _ignore(response: Response) -> None:
    """Take the response to a BYE: the call is over either way."""
