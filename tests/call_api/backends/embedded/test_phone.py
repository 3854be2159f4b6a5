"""A demo phone as a whole: registered while it is on, plain with its callers."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from call_api.backends.embedded.phone import MAX_CALLS, Behaviour, Line, Phone, phone
from call_api.backends.embedded.registration import RegistrationFailed
from call_api.backends.embedded.silence import Ticker
from call_api.sip.dialog import new_callid, new_request
from call_api.sip.flow import Transport
from call_api.sip.message import Response
from call_api.sip.sdp import make_offer
from tests.fakes.tiny_registrar import FAST, LIMIT, FarEnd, TinyRegistrar, tiny_registrar

OFFER = make_offer("127.0.0.1", 9).encode()


def line(desk: TinyRegistrar, *, password: str = "secret", transport: Transport = "UDP") -> Line:
    return Line(
        name="alice",
        password=password,
        domain="localhost",
        registrar=desk.address,
        transport=transport,
    )


@asynccontextmanager
async def scene(
    behaviour: Behaviour | None = None, transport: Transport = "UDP"
) -> AsyncIterator[tuple[TinyRegistrar, Phone]]:
    async with (
        tiny_registrar({"alice": "secret"}) as desk,
        phone(line(desk, transport=transport), behaviour=behaviour, timers=FAST) as alice,
    ):
        yield desk, alice


async def ask(desk: TinyRegistrar, method: str, to: str = "<sip:alice@localhost>") -> Response:
    """Send a request outside dialogs; return the final response."""
    binding = FarEnd(desk, "alice")
    final: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
    request = new_request(
        method,
        "sip:alice@localhost",
        from_="<sip:desk@localhost>;tag=d1",
        to=to,
        callid=new_callid(),
    )
    desk.agent.request(request, binding.flow, lambda r: final.set_result(r) if r.is_final else None)
    async with asyncio.timeout(LIMIT):
        return await final


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
async def test_it_is_registered_as_long_as_it_is_on(transport: Transport) -> None:
    async with tiny_registrar({"alice": "secret"}) as desk:
        async with phone(line(desk, transport=transport)) as alice:
            assert desk.is_registered("alice")
            assert alice.registration.is_registered
            assert str(desk.binding("alice").uri).startswith(f"sip:alice@{alice.address[0]}:")
            flow = alice.flow()
        assert not desk.is_registered("alice")
        assert not flow.is_open


async def test_with_a_wrong_password_it_does_not_come_up() -> None:
    async with tiny_registrar({"alice": "secret"}) as desk:
        with pytest.raises(RegistrationFailed, match="401"):
            async with phone(line(desk, password="guessed")):
                pytest.fail("it came up")

    assert len(desk.registers) == 2


async def test_without_a_registrar_it_does_not_come_up() -> None:
    async with tiny_registrar({"alice": "secret"}) as desk:
        desk.is_deaf = True
        with pytest.raises(RegistrationFailed, match="408"):
            async with phone(line(desk), timers=FAST):
                pytest.fail("it came up")


async def test_a_registrar_that_is_gone_at_the_end_is_only_noted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        async with scene() as (desk, _):
            desk.refuses_with = 500

    assert any("alice: still registered: not registered: 500" in m for m in caplog.messages)


async def test_at_the_end_its_calls_are_hung_up() -> None:
    async with tiny_registrar({"alice": "secret"}) as desk:
        desk.on_request = lambda incoming: incoming.respond(200)
        async with phone(line(desk), behaviour=Behaviour(answer_after=0.0)) as alice:
            far = FarEnd(desk, "alice")
            await far.call(OFFER)
            far.ack()
            called = alice.call("sip:nobody@localhost")
            await alice.until(lambda: called.state == "up")
            desk.on_request = lambda incoming: incoming.respond(180)
            ringing = alice.call("sip:nobody@localhost")
            await alice.until(lambda: ringing.progress == [180])
            desk.on_request = lambda incoming: incoming.respond(200)

        assert [r.request.method for r in desk.requests] == ["INVITE", "INVITE", "BYE", "BYE"]
        assert (called.state, ringing.state, alice.calls) == ("ended", "ended", [])
        assert desk.requests[1].is_cancelled


async def test_a_phone_without_power_answers_nothing() -> None:
    behaviour = Behaviour()
    async with scene(behaviour) as (desk, _):
        behaviour.is_dead = True
        response = await ask(desk, "OPTIONS")
        assert response.status == 408
        behaviour.is_dead = False
        assert (await ask(desk, "OPTIONS")).status == 200


async def test_a_phone_may_be_busy() -> None:
    async with scene(Behaviour(refuse_with=486)) as (desk, alice):
        assert (await FarEnd(desk, "alice").call(OFFER)).status == 486
        assert alice.calls == []


async def test_a_phone_has_only_so_many_lines() -> None:
    async with scene(Behaviour(answer_after=None)) as (desk, alice):
        for _ in range(MAX_CALLS):
            FarEnd(desk, "alice").start(OFFER)
        await alice.until(lambda: len(alice.calls) == MAX_CALLS)

        assert (await FarEnd(desk, "alice").call(OFFER)).status == 486


async def test_a_call_from_nowhere_is_refused() -> None:
    async with scene() as (desk, _):
        assert (await ask(desk, "INVITE")).status == 400


REQUESTS = [("OPTIONS", 200), ("MESSAGE", 405), ("BYE", 405)]


@pytest.mark.parametrize(("method", "status"), REQUESTS)
async def test_other_requests_outside_calls(method: str, status: int) -> None:
    async with scene() as (desk, _):
        response = await ask(desk, method)

    assert response.status == status
    assert "INVITE" in (response.headers.get("Allow") or "")


async def test_requests_in_a_call_that_is_not_there_are_refused() -> None:
    async with scene() as (desk, _):
        assert (await ask(desk, "BYE", "<sip:alice@localhost>;tag=x")).status == 481


async def test_a_lost_connection_is_replaced_and_registered() -> None:
    async with scene(transport="TCP") as (desk, alice):
        first = alice.flow()
        assert len(desk.registers) == 2

        first.close()  # type: ignore[attr-defined]  # a TCP flow has it
        await desk.until(lambda: len(desk.registers) == 3)

        assert alice.flow() is not first
        assert (await ask(desk, "OPTIONS")).status == 200


async def test_another_connection_that_is_lost_does_not_matter() -> None:
    async with scene(transport="TCP") as (desk, alice):
        reader, writer = await asyncio.open_connection(*alice.address)
        writer.write(b"\r\n\r\n")
        async with asyncio.timeout(LIMIT):
            assert await reader.readexactly(2) == b"\r\n"
        writer.close()
        await writer.wait_closed()

        assert (await ask(desk, "OPTIONS")).status == 200
        assert len(desk.registers) == 2


async def test_what_does_not_become_true_is_given_up() -> None:
    async with scene() as (_, alice):
        with pytest.raises(TimeoutError):
            await alice.until(lambda: False, within=0.01)


async def test_a_phone_that_is_off_has_no_way_to_anybody() -> None:
    async with tiny_registrar({}) as desk:
        loop = asyncio.get_running_loop()
        off = Phone(line(desk), behaviour=Behaviour(), ticker=Ticker(loop))

        with pytest.raises(RuntimeError, match="the phone alice is off"):
            off.flow()
        off.agent.close()


def test_a_password_is_not_shown() -> None:
    shown = repr(Line(name="a", password="hidden", domain="d", registrar=("127.0.0.1", 1)))

    assert "hidden" not in shown


async def test_a_connection_that_is_gone_is_made_anew_for_the_bye() -> None:
    async with scene(transport="TCP") as (desk, alice):
        desk.on_request = lambda incoming: incoming.respond(200)
        call = alice.call("sip:desk@localhost")
        await alice.until(lambda: call.state == "up")
        first = alice.flow()

        first.close()  # type: ignore[attr-defined]  # a TCP flow has it
        call.hang_up()
        await desk.until(lambda: len(desk.requests) == 2)

        assert alice.flow() is not first
        assert [r.request.method for r in desk.requests] == ["INVITE", "BYE"]
