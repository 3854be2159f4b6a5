"""The bounds of the embedded back end, each reached over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from call_api.backends.embedded.backend import EmbeddedBackend, embedded_backend
from call_api.config import Embedded
from call_api.errors import TooManyRequests
from call_api.model import SipUri
from tests.fakes.raw_sip import RawSip, raw_sip
from tests.fakes.sip_office import read

OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 0\r\n"
)
SDP = "Content-Type: application/sdp"


@asynccontextmanager
async def opened(settings: Embedded) -> AsyncIterator[tuple[EmbeddedBackend, RawSip]]:
    async with (
        embedded_backend(settings) as backend,
        raw_sip(("127.0.0.1", backend.port)) as phone,
    ):
        yield backend, phone


def register(phone: RawSip, user: str, line: str = "", expires: int = 600) -> bytes:
    contact = f"Contact: <sip:{user}{line}@{phone.address}>"
    return phone.request("REGISTER", contact, f"Expires: {expires}", user=user)


def invite(phone: RawSip, user: str = "alice") -> bytes:
    return phone.request("INVITE", f"Contact: <sip:{phone.address}>", SDP, user=user, body=OFFER)


async def test_a_user_too_many_is_told_when_to_come_again_and_the_others_may_refresh() -> None:
    async with opened(Embedded(port=0, max_registrations=2)) as (_, phone):
        assert (await phone.answer(register(phone, "alice"))).status == 200
        assert (await phone.answer(register(phone, "bob"))).status == 200

        refused = await phone.answer(register(phone, "carol"))
        refreshed = await phone.answer(register(phone, "bob"))
        await phone.answer(register(phone, "bob", expires=0))
        instead = await phone.answer(register(phone, "carol"))

    assert (refused.status, refused.headers.get("Retry-After")) == (503, "60")
    assert (refreshed.status, instead.status) == (200, 200)


async def test_a_contact_too_many_of_one_user_is_refused_until_another_one_ends() -> None:
    async with opened(Embedded(port=0, max_contacts=2)) as (_, phone):
        for line in "12":
            assert (await phone.answer(register(phone, "alice", line))).status == 200

        refused = await phone.answer(register(phone, "alice", "3"))
        other = await phone.answer(register(phone, "bob"))

    assert (refused.status, refused.reason) == (503, "Too Many Contacts")
    assert 590 <= int(refused.headers.get("Retry-After", "")) <= 600
    assert other.status == 200


async def test_a_call_too_many_is_refused_to_phones_and_to_commands() -> None:
    async with opened(Embedded(port=0, max_calls=1)) as (backend, phone):
        for user in ("alice", "bob"):
            await phone.answer(register(phone, user))
        phone.send(invite(phone))

        refused = await phone.answer(invite(phone, "bob"))
        with pytest.raises(TooManyRequests):
            await read(backend.start(SipUri("sip:alice@localhost"), SipUri("sip:bob@localhost")))

    assert (refused.status, refused.headers.get("Retry-After")) == (503, "5")


async def test_requests_beyond_the_transactions_are_refused_and_what_goes_on_goes_on() -> None:
    async with opened(Embedded(port=0, max_transactions=10)) as (_, phone):
        first = [phone.request("OPTIONS") for _ in range(10)]
        for data in first:
            assert (await phone.answer(data)).status == 200

        refused = await phone.answer(phone.request("OPTIONS"))
        phone.heard.clear()
        again = await phone.answer(first[0])

    assert (refused.status, refused.headers.get("Retry-After")) == (503, "5")
    assert again.status == 200


async def test_a_message_that_is_too_long_is_refused_and_the_next_one_taken() -> None:
    async with opened(Embedded(port=0, max_message=2048)) as (_, phone):
        size = len(phone.request("OPTIONS", "X: "))

        refused = await phone.answer(phone.request("OPTIONS", "X: " + "x" * (2060 - size)))
        taken = await phone.answer(phone.request("OPTIONS", "X: " + "x" * (2040 - size)))

    assert (refused.status, taken.status) == (513, 200)


async def test_a_message_that_is_too_long_for_a_connection_ends_it() -> None:
    async with opened(Embedded(port=0, max_message=2048)) as (backend, phone):
        reader, writer = await asyncio.open_connection("127.0.0.1", backend.port)
        writer.write(phone.request("OPTIONS", body=b"x" * 1000))
        taken = await reader.readuntil(b"\r\n\r\n")
        writer.write(phone.request("OPTIONS", body=b"x" * 2000))
        refused = await reader.read()
        writer.close()
        await writer.wait_closed()

    assert taken.startswith(b"SIP/2.0 200 ")
    assert refused.startswith(b"SIP/2.0 513 ")
