"""Calls of a demo phone, against a far end that plays by hand, over loopback sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.backends.embedded.phone import Behaviour, Line, Phone, phone
from call_api.sip.digest import DigestServer
from call_api.sip.message import Request
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
async def scene(behaviour: Behaviour | None = None) -> AsyncIterator[Scene]:
    async with tiny_registrar({"alice": "secret"}) as desk:
        line = Line(name="alice", password="secret", domain="localhost", registrar=desk.address)
        treats = behaviour or Behaviour(answer_after=0.0)
        media = RtpSocket("127.0.0.1", lambda packet: None)
        try:
            async with phone(line, behaviour=treats, timers=FAST) as alice:
                yield Scene(desk, alice, media)
        finally:
            media.close()


# Alice is called.


async def test_she_rings_answers_and_there_is_sound() -> None:
    async with scene() as s:
        far = await s.call_alice()
        (call,) = s.alice.calls
        await s.alice.until(lambda: call.sent_packets > 2)
        answer_port = call.sound.stream.port
        for _ in range(3):
            s.media.send(b"\x80" * 172, ("127.0.0.1", answer_port))
        await s.alice.until(lambda: s.alice.received_packets == 3)

        assert far.statuses == [180, 200]
        assert (call.state, call.direction, call.peer) == ("up", "sendrecv", DESK)
        assert (await far.request("BYE")).status == 200
        assert (call.state, s.alice.calls, s.alice.past_calls) == ("ended", [], [call])
        assert s.alice.received_packets == 3
        assert s.alice.sent_packets == call.sent_packets > 2


async def test_her_session_is_one_whose_version_grows() -> None:
    async with scene() as s:
        far = FarEnd(s.desk, "alice")
        first = Sdp.parse((await far.call(s.offer())).body)
        far.ack()
        second = Sdp.parse((await far.reinvite(s.offer("sendonly"))).body)
        far.ack()

    (_, id_, version, *_), (_, same_id, next_version, *_) = (
        line.split() for sdp in (first, second) for line in sdp.session if line.startswith("o=")
    )
    assert (same_id, int(next_version)) == (id_, int(version) + 1)


MIRRORED: list[tuple[Direction, Direction]] = [
    ("sendonly", "recvonly"),
    ("inactive", "inactive"),
    ("recvonly", "sendonly"),
    ("sendrecv", "sendrecv"),
]


@pytest.mark.parametrize(("asked", "done"), MIRRORED)
async def test_she_goes_along_with_a_change_of_direction(asked: Direction, done: Direction) -> None:
    async with scene() as s:
        far = await s.call_alice()
        response = await far.reinvite(s.offer(asked))
        far.ack()

        assert Sdp.parse(response.body).direction == done
        assert s.alice.calls[0].direction == done


async def test_asked_for_an_offer_she_makes_one_and_takes_the_answer_from_the_ack() -> None:
    async with scene() as s:
        far = FarEnd(s.desk, "alice")
        offer = Sdp.parse((await far.call(b"")).body)
        (call,) = s.alice.calls
        assert (offer.direction, call.direction) == ("sendrecv", "inactive")
        far.ack(s.offer("recvonly"))
        await s.alice.until(lambda: call.direction == "sendonly")

        again = Sdp.parse((await far.reinvite(b"")).body)
        far.ack(s.offer())
        await s.alice.until(lambda: call.direction == "sendrecv")
        assert again.direction == "sendrecv"


async def test_who_gives_up_is_let_go() -> None:
    async with scene(Behaviour(answer_after=None)) as s:
        far = FarEnd(s.desk, "alice")
        final = far.start(s.offer())
        await s.alice.until(lambda: bool(s.alice.calls))
        (call,) = s.alice.calls
        far.outgoing.cancel()
        async with asyncio.timeout(LIMIT):
            assert (await final).status == 487
        await s.alice.until(lambda: call.state == "ended")
        call.answer()

        assert call.state == "ended"
        assert far.statuses[-1] == 487


async def test_a_hand_may_answer_or_refuse_a_phone_that_rings_for_ever() -> None:
    async with scene(Behaviour(answer_after=None)) as s:
        for act, status in (("answer", 200), ("hang_up", 603)):
            far = FarEnd(s.desk, "alice")
            final = far.start(s.offer())
            await s.alice.until(lambda: len(s.alice.calls) > 0)
            call = s.alice.calls[-1]
            getattr(call, act)()
            async with asyncio.timeout(LIMIT):
                assert (await final).status == status
            call.hang_up()


async def test_what_she_cannot_hear_she_refuses() -> None:
    async with scene() as s:
        far = FarEnd(s.desk, "alice")
        response = await far.call(s.offer().replace(b"RTP/AVP 0", b"RTP/AVP 9"))

        assert response.status == 488
        assert s.alice.calls == []


async def test_in_a_call_what_she_cannot_hear_changes_nothing() -> None:
    async with scene() as s:
        far = await s.call_alice()
        response = await far.reinvite(b"nonsense")

        assert response.status == 488
        assert s.alice.calls[0].direction == "sendrecv"
        assert (await far.request("BYE")).status == 200


async def test_a_phone_may_refuse_to_change_a_call() -> None:
    async with scene(Behaviour(answer_after=0.0, refuse_reinvites_with=488)) as s:
        far = await s.call_alice()

        assert (await far.reinvite(s.offer("sendonly"))).status == 488
        assert s.alice.calls[0].direction == "sendrecv"


async def test_who_never_acks_is_hung_up() -> None:
    async with scene() as s:
        far = FarEnd(s.desk, "alice")
        assert (await far.call(s.offer())).status == 200
        s.desk.on_request = lambda incoming: incoming.respond(200)

        await s.desk.until(lambda: bool(s.desk.requests))

        assert s.desk.requests[0].request.method == "BYE"
        assert s.alice.calls == []


REQUESTS = [("OPTIONS", 200), ("INFO", 200), ("REFER", 405), ("UPDATE", 405)]


@pytest.mark.parametrize(("method", "status"), REQUESTS)
async def test_other_requests_in_the_call(method: str, status: int) -> None:
    async with scene() as s:
        far = await s.call_alice()

        assert (await far.request(method)).status == status


async def test_requests_in_the_wrong_order_are_refused() -> None:
    async with scene() as s:
        far = await s.call_alice()
        far.dialog.local_cseq += 5
        await far.request("INFO")
        far.dialog.local_cseq -= 5

        assert (await far.request("INFO")).status == 500


async def test_while_she_rings_nothing_can_be_changed() -> None:
    async with scene(Behaviour(answer_after=None)) as s:
        far = FarEnd(s.desk, "alice")
        far.start(s.offer())
        await s.alice.until(lambda: bool(s.alice.calls))
        (call,) = s.alice.calls
        invite = far.invite
        invite.headers.set("To", f"{invite.headers.get('To')};tag={call.tag}")
        invite.headers.set("CSeq", "2 INVITE")

        async with asyncio.timeout(LIMIT):
            response = await far._send(invite)

        assert response.status == 500


# Alice calls.


async def test_she_calls_and_hangs_up() -> None:
    async with scene() as s:
        invite = await s.answered_call()
        (call,) = s.alice.calls
        await s.alice.until(lambda: call.state == "up")
        assert invite.request.uri == DESK
        assert str(invite.request.from_.uri) == "sip:alice@localhost"
        assert call.progress == [200]
        assert call.direction == "sendrecv"

        call.hang_up()
        await s.desk.until(lambda: len(s.desk.requests) == 2)
        call.hang_up()

        assert s.desk.requests[1].request.method == "BYE"
        assert call.state == "ended"


async def test_a_call_that_is_refused_ends() -> None:
    async with scene() as s:
        call = s.alice.call(DESK)
        assert call.peer == ""
        await s.alice.until(lambda: call.state == "ended")

        assert call.progress == [404]
        assert await call.hold() == 491


CHALLENGES = [
    (401, "WWW-Authenticate", "Authorization"),
    (407, "Proxy-Authenticate", "Proxy-Authorization"),
]


@pytest.mark.parametrize(("status", "challenge", "credentials"), CHALLENGES)
@pytest.mark.parametrize("password", ["secret", "wrong"])
async def test_she_gives_her_password_when_she_is_asked(
    status: int, challenge: str, credentials: str, password: str
) -> None:
    digest = DigestServer("localhost", {"alice": password}, b"0123456789abcdef")

    def ask(incoming: IncomingRequest) -> None:
        request = incoming.request
        verdict = digest.verify("INVITE", request.uri, request.headers.all(credentials), 1.0)
        if verdict.outcome == "ok":
            incoming.respond(486)
        else:
            texts = digest.challenges(1.0)
            incoming.respond(status, headers=[(challenge, text) for text in texts])

    async with scene() as s:
        s.desk.on_request = ask
        call = s.alice.call(DESK)
        await s.alice.until(lambda: call.state == "ended")

        assert call.progress == [486 if password == "secret" else status]
        assert [r.request.cseq.number for r in s.desk.requests] == [1, 2]


async def test_she_takes_her_call_back_while_it_rings() -> None:
    async with scene() as s:
        s.desk.on_request = lambda incoming: incoming.respond(180)
        call = s.alice.call(DESK)
        await s.alice.until(lambda: call.progress == [180])

        call.hang_up()
        await s.alice.until(lambda: call.state == "ended")

        assert call.progress == [180, 487]
        assert s.desk.requests[0].is_cancelled


async def test_an_answer_that_crosses_her_cancel_is_hung_up() -> None:
    async with scene() as s:
        s.desk.on_request = lambda incoming: incoming.respond(200)
        call = s.alice.call(DESK)

        call.hang_up()
        await s.desk.until(lambda: len(s.desk.requests) == 2)

        assert s.desk.requests[1].request.method == "BYE"
        assert call.state == "ended"


async def test_a_challenge_that_crosses_her_cancel_is_not_answered() -> None:
    async with scene() as s:
        s.desk.on_request = lambda incoming: incoming.respond(401)
        call = s.alice.call(DESK)

        call.hang_up()
        await s.alice.until(lambda: call.state == "ended")

        assert call.progress == [401]


# Alice changes the call.


async def test_she_holds_and_resumes() -> None:
    async with scene() as s:
        await s.answered_call()
        (call,) = s.alice.calls
        await s.alice.until(lambda: call.state == "up")
        answers = iter(["recvonly", "sendrecv"])

        def answer(incoming: IncomingRequest) -> None:
            incoming.respond(200, body=s.offer(next(answers)))  # type: ignore[arg-type]  # str

        s.desk.on_request = answer
        assert await call.hold() == 200
        assert (call.direction, call.sound.wish) == ("sendonly", "sendonly")
        assert await call.resume() == 200
        assert (call.direction, call.sound.wish) == ("sendrecv", "sendrecv")

        assert [s.body_of(number).direction for number in (1, 2)] == ["sendonly", "sendrecv"]


async def test_a_hold_that_is_refused_changes_nothing() -> None:
    async with scene() as s:
        await s.answered_call()
        (call,) = s.alice.calls
        await s.alice.until(lambda: call.state == "up")
        s.desk.on_request = lambda incoming: incoming.respond(488)

        assert await call.hold() == 488
        assert call.direction == "sendrecv"


async def test_two_changes_at_once_get_491() -> None:
    async with scene() as s:
        far = await s.call_alice()
        (call,) = s.alice.calls
        s.desk.on_request = lambda incoming: incoming.respond(100)
        async with asyncio.TaskGroup() as group:
            hold = group.create_task(call.hold(), name="hold")
            await s.desk.until(lambda: bool(s.desk.requests))

            assert await call.hold() == 491
            assert (await far.reinvite(s.offer())).status == 491
            s.desk.requests[0].respond(488)
        assert hold.result() == 488


async def test_who_waits_no_more_for_a_hold_leaves_the_call_in_order() -> None:
    async with scene() as s:
        await s.call_alice()
        (call,) = s.alice.calls
        s.desk.on_request = lambda incoming: incoming.respond(100)
        async with asyncio.TaskGroup() as group:
            hold = group.create_task(call.hold(), name="hold")
            await s.desk.until(lambda: bool(s.desk.requests))
            hold.cancel()
        s.desk.requests[0].respond(200, body=s.offer("recvonly"))
        await s.alice.until(lambda: call.direction == "sendonly")

        assert call.state == "up"


async def test_a_connection_that_is_gone_is_made_anew_for_the_bye() -> None:
    async with tiny_registrar({"alice": "secret"}) as desk:
        line = Line(
            name="alice",
            password="secret",
            domain="localhost",
            registrar=desk.address,
            transport="TCP",
        )
        acks: list[Request] = []

        def answer(incoming: IncomingRequest) -> None:
            incoming.on_ack = acks.append
            incoming.respond(200)

        desk.on_request = answer
        async with phone(line, timers=FAST) as alice:
            call = alice.call(DESK)
            await alice.until(lambda: call.state == "up")
            first = alice.flow()
            first.close()  # type: ignore[attr-defined]  # a TCP flow has it
            call.hang_up()
            await desk.until(lambda: len(desk.requests) == 2)
            await desk.until(lambda: len(desk.registers) == 3)

            assert alice.flow() is not first
            assert [r.request.method for r in desk.requests] == ["INVITE", "BYE"]
