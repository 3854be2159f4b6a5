import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from call_api.backends.embedded.agent import Agent
from call_api.backends.embedded.registration import RETRY_AFTER, Registration, RegistrationFailed
from call_api.sip.flow import Transport
from call_api.sip.message import Request
from tests.fakes.manual_clock import ManualClock
from tests.fakes.recording_flow import RecordingFlow


class Wire(RecordingFlow):
    """A flow that tells when it is used."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.used = asyncio.Event()

    def send(self, data: bytes) -> None:
        super().send(data)
        self.used.set()


class Scene:
    """A registration whose registrar is the test. The agent's time is the test's, too."""

    def __init__(self, transport: Transport = "UDP", expires: int = 300) -> None:
        self.clock = ManualClock()
        self.flow = Wire(transport)
        self.agent = Agent(clock=self.clock, on_request=lambda incoming: None)
        self.registration = Registration(
            self.agent,
            lambda: self.flow,
            self.clock,
            user="alice",
            password="secret",
            domain="localhost",
            expires=expires,
        )

    async def sent(self) -> Request:
        """Return the next REGISTER."""
        async with asyncio.timeout(10):
            await self.flow.used.wait()
        self.flow.used.clear()
        (request,) = self.flow.take_requests()
        return request

    def answer(self, request: Request, status: int, *headers: tuple[str, str]) -> None:
        response = request.response(status, to_tag="r1", headers=headers)
        self.agent.receive(response.encode(), self.flow)


CHALLENGE = ("WWW-Authenticate", 'Digest realm="localhost", nonce="n1", qop="auth"')


async def refused(scene: Scene, *statuses: int) -> RegistrationFailed:
    """Return why registering fails when it is answered so, and then no more."""

    async def answer_all() -> None:
        for status in statuses:
            scene.answer(await scene.sent(), status, CHALLENGE)
        if not statuses:
            await scene.sent()
            scene.clock.advance(32.0)

    async with asyncio.TaskGroup() as group:
        group.create_task(answer_all(), name="answers")
        with pytest.raises(RegistrationFailed) as failed:
            await scene.registration.register()
    return failed.value


@asynccontextmanager
async def registering(scene: Scene) -> AsyncIterator[asyncio.Task[None]]:
    """Start to register; the task ends when that is done."""
    async with asyncio.TaskGroup() as group:
        yield group.create_task(scene.registration.register(), name="register")
    scene.registration.stop()


async def test_a_phone_registers_where_it_can_be_reached() -> None:
    scene = Scene()
    async with registering(scene):
        request = await scene.sent()
        scene.answer(request, 100)
        scene.answer(request, 200)

    assert (request.method, request.uri) == ("REGISTER", "sip:localhost")
    assert str(request.to) == "<sip:alice@localhost>"
    assert request.headers.get("Contact") == "<sip:alice@192.0.2.2:5060>;expires=300"
    assert "Authorization" not in request.headers
    assert scene.registration.is_registered


async def test_over_tcp_the_contact_says_so() -> None:
    scene = Scene("TCP")
    async with registering(scene):
        request = await scene.sent()
        scene.answer(request, 200)

    assert request.headers.get("Contact") == (
        "<sip:alice@192.0.2.2:5060;transport=tcp>;expires=300"
    )


async def test_a_challenge_is_answered_with_the_next_number() -> None:
    scene = Scene()
    async with registering(scene):
        first = await scene.sent()
        scene.answer(first, 401, CHALLENGE)
        second = await scene.sent()
        scene.answer(second, 200)

    assert 'username="alice"' in (second.headers.get("Authorization") or "")
    assert (second.cseq.number, second.callid) == (first.cseq.number + 1, first.callid)
    assert second.from_tag == first.from_tag


async def test_a_wrong_password_is_refused_and_not_tried_again() -> None:
    scene = Scene()

    failure = await refused(scene, 401, 401)

    assert (failure.status, str(failure)) == (401, "not registered: 401 Unauthorized")
    assert not scene.registration.is_registered
    scene.clock.advance(100.0)
    assert scene.flow.sent == []


async def test_silence_is_a_failure_too() -> None:
    failure = await refused(Scene())

    assert failure.status == 408


GRANTS = [
    ([("Contact", "<sip:alice@192.0.2.2:5060>;expires=60")], 60),
    ([("Contact", "<sip:a@h>;expires=200, <sip:b@h>;expires=100")], 100),
    ([("Contact", "<sip:a@h>;expires=x"), ("Expires", "120")], 120),
    ([("Contact", "*")], 300),
    ([("Contact", "<sip:a@h>;expires=99999")], 300),
    ([], 300),
]


@pytest.mark.parametrize(("headers", "granted"), GRANTS)
async def test_what_the_registrar_grants_counts(
    headers: list[tuple[str, str]], granted: int
) -> None:
    scene = Scene()
    async with registering(scene):
        scene.answer(await scene.sent(), 200, *headers)

    assert scene.registration.granted == granted


async def test_the_binding_is_refreshed_before_it_ends() -> None:
    scene = Scene()
    async with registering(scene) as task:
        scene.answer(await scene.sent(), 200)
        await task
        scene.clock.advance(239.0)
        assert scene.flow.sent == []
        scene.clock.advance(1.0)
        refresh = await scene.sent()
        scene.answer(refresh, 200, ("Contact", "<sip:alice@192.0.2.2:5060>;expires=100"))
        scene.clock.advance(80.0)
        again = await scene.sent()

    assert (refresh.cseq.number, again.cseq.number) == (2, 3)


async def test_a_refresh_that_fails_is_logged_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scene()
    async with registering(scene) as task:
        scene.answer(await scene.sent(), 200)
        await task
        scene.clock.advance(240.0)
        scene.answer(await scene.sent(), 503)
        assert not scene.registration.is_registered
        scene.clock.advance(RETRY_AFTER)
        scene.answer(await scene.sent(), 200)

    assert caplog.messages == ["<sip:alice@localhost>: not registered: 503 Service Unavailable"]
    assert scene.registration.is_registered


async def test_losing_the_connection_makes_it_register_anew_at_once() -> None:
    scene = Scene("TCP")
    async with registering(scene) as task:
        scene.answer(await scene.sent(), 200)
        await task
        scene.registration.flow_lost()
        scene.clock.advance(0.0)
        scene.answer(await scene.sent(), 200)

    scene.clock.advance(1000.0)
    assert scene.flow.sent == []


async def test_the_binding_is_taken_back() -> None:
    scene = Scene()
    async with registering(scene):
        scene.answer(await scene.sent(), 200)
    async with asyncio.TaskGroup() as group:
        group.create_task(scene.registration.unregister(), name="unregister")
        request = await scene.sent()
        scene.answer(request, 200, ("Contact", "<sip:other@h>;expires=99"))

    assert request.headers.get("Expires") == "0"
    assert (request.headers.get("Contact") or "").endswith(";expires=0")
    assert not scene.registration.is_registered


async def test_who_is_not_registered_has_nothing_to_take_back() -> None:
    scene = Scene()

    await scene.registration.unregister()
    scene.registration.flow_lost()

    assert scene.flow.sent == []


async def test_who_waits_no_more_is_not_told() -> None:
    scene = Scene()
    async with registering(scene) as task:
        request = await scene.sent()
        task.cancel()
        await asyncio.wait([task])
        scene.answer(request, 200)

    assert task.cancelled()
    assert scene.registration.is_registered
