"""Calls of a demo phone, against a far end that plays by hand, over loopback sockets."""

import asyncio
from collections.abc import Iterator

import pytest

from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.backends.embedded.phone import Behaviour
from call_api.sip.digest import DigestServer
from call_api.sip.sdp import Direction, Sdp
from tests.fakes.phone_scene import DESK, phone_scene
from tests.fakes.tiny_registrar import LIMIT, FarEnd

# Alice is called.


async def test_she_rings_answers_and_there_is_sound() -> None:
    async with phone_scene() as s:
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
    async with phone_scene() as s:
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
    async with phone_scene() as s:
        far = await s.call_alice()
        response = await far.reinvite(s.offer(asked))
        far.ack()

        assert Sdp.parse(response.body).direction == done
        assert s.alice.calls[0].direction == done


async def test_asked_for_an_offer_she_makes_one_and_takes_the_answer_from_the_ack() -> None:
    async with phone_scene() as s:
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
    async with phone_scene(Behaviour(answer_after=None)) as s:
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
    async with phone_scene(Behaviour(answer_after=None)) as s:
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
    async with phone_scene() as s:
        far = FarEnd(s.desk, "alice")
        response = await far.call(s.offer().replace(b"RTP/AVP 0", b"RTP/AVP 9"))

        assert response.status == 488
        assert s.alice.calls == []


async def test_in_a_call_what_she_cannot_hear_changes_nothing() -> None:
    async with phone_scene() as s:
        far = await s.call_alice()
        response = await far.reinvite(b"nonsense")

        assert response.status == 488
        assert s.alice.calls[0].direction == "sendrecv"
        assert (await far.request("BYE")).status == 200


async def test_a_phone_may_refuse_to_change_a_call() -> None:
    async with phone_scene(Behaviour(answer_after=0.0, refuse_reinvites_with=488)) as s:
        far = await s.call_alice()

        assert (await far.reinvite(s.offer("sendonly"))).status == 488
        assert s.alice.calls[0].direction == "sendrecv"


async def test_who_never_acks_is_hung_up() -> None:
    async with phone_scene() as s:
        far = FarEnd(s.desk, "alice")
        assert (await far.call(s.offer())).status == 200
        s.desk.on_request = lambda incoming: incoming.respond(200)

        await s.desk.until(lambda: bool(s.desk.requests))

        assert s.desk.requests[0].request.method == "BYE"
        assert s.alice.calls == []


REQUESTS = [("OPTIONS", 200), ("INFO", 200), ("REFER", 405), ("UPDATE", 405)]


@pytest.mark.parametrize(("method", "status"), REQUESTS)
async def test_other_requests_in_the_call(method: str, status: int) -> None:
    async with phone_scene() as s:
        far = await s.call_alice()

        assert (await far.request(method)).status == status


async def test_requests_in_the_wrong_order_are_refused() -> None:
    async with phone_scene() as s:
        far = await s.call_alice()
        far.dialog.local_cseq += 5
        await far.request("INFO")
        far.dialog.local_cseq -= 5

        assert (await far.request("INFO")).status == 500


async def test_while_she_rings_nothing_can_be_changed() -> None:
    async with phone_scene(Behaviour(answer_after=None)) as s:
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
    async with phone_scene() as s:
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
    async with phone_scene() as s:
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

    async with phone_scene() as s:
        s.desk.on_request = ask
        call = s.alice.call(DESK)
        await s.alice.until(lambda: call.state == "ended")

        assert call.progress == [486 if password == "secret" else status]
        assert [r.request.cseq.number for r in s.desk.requests] == [1, 2]


async def test_she_takes_her_call_back_while_it_rings() -> None:
    async with phone_scene() as s:
        s.desk.on_request = lambda incoming: incoming.respond(180)
        call = s.alice.call(DESK)
        await s.alice.until(lambda: call.progress == [180])

        call.hang_up()
        await s.alice.until(lambda: call.state == "ended")

        assert call.progress == [180, 487]
        assert s.desk.requests[0].is_cancelled


async def test_an_answer_that_crosses_her_cancel_is_hung_up() -> None:
    async with phone_scene() as s:
        s.desk.on_request = lambda incoming: incoming.respond(200)
        call = s.alice.call(DESK)

        call.hang_up()
        await s.desk.until(lambda: len(s.desk.requests) == 2)

        assert s.desk.requests[1].request.method == "BYE"
        assert call.state == "ended"


async def test_a_challenge_that_crosses_her_cancel_is_not_answered() -> None:
    async with phone_scene() as s:
        s.desk.on_request = lambda incoming: incoming.respond(401)
        call = s.alice.call(DESK)

        call.hang_up()
        await s.alice.until(lambda: call.state == "ended")

        assert call.progress == [401]


# Alice changes the call.


async def test_she_holds_and_resumes() -> None:
    async with phone_scene() as s:
        await s.answered_call()
        (call,) = s.alice.calls
        await s.alice.until(lambda: call.state == "up")
        answers: Iterator[Direction] = iter(("recvonly", "sendrecv"))

        def answer(incoming: IncomingRequest) -> None:
            incoming.respond(200, body=s.offer(next(answers)))

        s.desk.on_request = answer
        assert await call.hold() == 200
        assert (call.direction, call.sound.wish) == ("sendonly", "sendonly")
        assert await call.resume() == 200
        assert (call.direction, call.sound.wish) == ("sendrecv", "sendrecv")

        assert [s.body_of(number).direction for number in (1, 2)] == ["sendonly", "sendrecv"]


async def test_a_hold_that_is_refused_changes_nothing() -> None:
    async with phone_scene() as s:
        await s.answered_call()
        (call,) = s.alice.calls
        await s.alice.until(lambda: call.state == "up")
        s.desk.on_request = lambda incoming: incoming.respond(488)

        assert await call.hold() == 488
        assert call.direction == "sendrecv"


async def test_two_changes_at_once_get_491() -> None:
    async with phone_scene() as s:
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
    async with phone_scene() as s:
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
