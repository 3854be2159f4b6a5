"""The back end over real sockets on loopback; its flows are tested without them."""

import asyncio
import socket

import pytest

from call_api.backends import BACKENDS
from call_api.backends.base import ACTING
from call_api.backends.embedded.backend import EmbeddedBackend, embedded_backend
from call_api.backends.embedded.demo_phones import demo_phones
from call_api.config import Config, Embedded
from call_api.errors import CallFailed, UnknownCall
from call_api.model import CallId, SipUri
from tests.fakes.sip_office import read

USERS = {"alice": "a", "bob": "b"}
ALICE, BOB = SipUri("sip:alice@localhost"), SipUri("sip:bob@localhost")


class Right:
    """A command's right to act, and the name of its call."""

    callid = CallId("the-commands-own")

    def __init__(self) -> None:
        self.asked = 0

    async def may_act(self) -> None:
        self.asked += 1


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
async def test_phones_on_sockets_are_called_and_hear_each_other(transport: str) -> None:
    async with (
        embedded_backend(Embedded(port=0, users=USERS)) as backend,
        demo_phones(
            ("127.0.0.1", backend.port),
            "localhost",
            USERS,
            transport="TCP" if transport == "TCP" else "UDP",
        ) as phones,
    ):
        for phone in phones.values():
            phone.behaviour.answer_after = 0.0
        assert backend.is_ready() is None

        steps = await read(backend.start(ALICE, BOB))

        for phone in phones.values():
            await phone.until(lambda p=phone: p.received_packets > 3)  # type: ignore[misc]  # a loop
        await backend.end(steps[-1].callid)
        for phone in phones.values():
            await phone.until(lambda p=phone: not p.calls)  # type: ignore[misc]  # a loop
    assert backend.is_ready() is not None


async def test_a_call_is_named_after_the_command_that_makes_it() -> None:
    right = Right()
    token = ACTING.set(right)
    try:
        async with (
            embedded_backend(Embedded(port=0, users=USERS)) as backend,
            demo_phones(("127.0.0.1", backend.port), "localhost", USERS) as phones,
        ):
            for phone in phones.values():
                phone.behaviour.answer_after = 0.0

            steps = await read(backend.start(ALICE, BOB))

            assert {step.callid for step in steps} == {right.callid}
            assert [call.callid for call in phones["alice"].calls] == [right.callid]
            asked = right.asked
            assert asked >= 3  # before each INVITE
            await read(backend.hold(right.callid, ["caller"]))
            await backend.end(right.callid)
            assert right.asked >= asked + 3
    finally:
        ACTING.reset(token)


async def test_closing_hangs_up_the_calls() -> None:
    async with embedded_backend(Embedded(port=0)) as backend:
        address = ("127.0.0.1", backend.port)
        open_phones = demo_phones(address, "localhost", USERS)
        phones = await open_phones.__aenter__()
        for phone in phones.values():
            phone.behaviour.answer_after = 0.0
        await read(backend.start(ALICE, BOB))

    assert [call.state for phone in phones.values() for call in phone.calls] == []
    for phone in phones.values():
        phone.behaviour.is_dead = True
    await open_phones.__aexit__(None, None, None)


async def test_a_port_that_is_taken_is_an_error_of_its_own() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        settings = Embedded(port=taken.getsockname()[1])

        with pytest.raises(OSError, match="in use"):
            async with embedded_backend(settings):
                raise AssertionError("it was opened")


async def test_an_error_of_the_block_is_left_as_it_is() -> None:
    with pytest.raises(LookupError, match="mine"):
        async with embedded_backend(Embedded(port=0)):
            raise LookupError("mine")


async def test_a_block_that_is_cancelled_is_cancelled() -> None:
    ready = asyncio.Event()

    async def serve() -> None:
        async with embedded_backend(Embedded(port=0)):
            ready.set()
            await asyncio.get_running_loop().create_future()

    task = asyncio.get_running_loop().create_task(serve())
    await ready.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_registered_back_end_is_this_one() -> None:
    async with BACKENDS["embedded"](Config(embedded=Embedded(port=0))) as backend:
        assert isinstance(backend, EmbeddedBackend)
        assert (await backend.calls(10, None)).calls == []
        with pytest.raises(UnknownCall):
            await backend.end(CallId("nobody's"))
        with pytest.raises(CallFailed, match="404"):
            await read(backend.start(ALICE, BOB))
