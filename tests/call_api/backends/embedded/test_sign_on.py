"""Phones register."""

import asyncio
import logging

import pytest

from tests.fakes.sip_office import sip_office
from tests.fakes.virtual_time import in_virtual_time, until


@in_virtual_time
async def test_a_phone_is_reached_while_it_is_registered() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        await bob.register(expires=60)
        await asyncio.sleep(59.0)
        assert office.exchange.registrar.contacts("bob")

        await asyncio.sleep(10.0)

        assert not office.exchange.registrar.contacts("bob")
        call = alice.dial(bob.uri)
        await until(lambda: call.ended_by == 404)


@in_virtual_time
async def test_a_phone_that_signs_off_is_not_reached() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()

        assert await bob.register(expires=0) == 200

        call = alice.dial(bob.uri)
        await until(lambda: call.ended_by == 404)


@pytest.mark.parametrize(
    ("user", "password", "status"),
    [("alice", "secret", 200), ("alice", "guess", 401), ("mallory", "guess", 401)],
)
@in_virtual_time
async def test_only_who_knows_the_password_registers(user: str, password: str, status: int) -> None:
    async with sip_office(users={"alice": "secret"}) as office:
        phone = await office.phone(user, registers=False)
        phone.password = password

        assert await phone.register() == status
        assert bool(office.exchange.registrar.contacts(user)) is (status == 200)


@in_virtual_time
async def test_nobody_registers_or_calls_for_somebody_else() -> None:
    async with sip_office("bob", users={"alice": "a", "bob": "b"}) as office:
        bob = office.phones["bob"]
        mallory = await office.phone("alice", registers=False)
        mallory.name, mallory.password = "bob", "b"  # proves to be bob, says to be alice

        assert await mallory.register() == 403
        call = mallory.dial(bob.uri)
        await until(lambda: call.ended_by == 403)
        assert bob.heard == []


@in_virtual_time
async def test_the_domain_has_to_be_ours() -> None:
    async with sip_office(users={"alice": "a"}) as office:
        phone = await office.phone("alice", registers=False)
        phone.uri = "sip:alice@elsewhere"

        assert await phone.register() == 404


@in_virtual_time
async def test_what_is_not_reached_over_tls_is_not_registered_for_it() -> None:
    async with sip_office() as office:
        phone = await office.phone("alice", registers=False)
        phone.uri = "sips:alice@localhost"

        assert await phone.register() == 416


@in_virtual_time
async def test_who_comes_and_who_goes_is_logged_and_refreshing_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "call_api")
    async with sip_office() as office:
        phone = await office.phone("alice", registers=False)

        await phone.register()
        await phone.register()
        await phone.register(expires=0)

    at = "'sip:alice@127.0.0.11:5060'"
    assert caplog.messages == [
        f"UDP 127.0.0.11:5060: 'alice' is reached at {at}",
        f"UDP 127.0.0.11:5060: 'alice' has left {at}",
    ]


@in_virtual_time
async def test_who_is_refused_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with sip_office(users={"alice": "secret"}) as office:
        phone = await office.phone("alice", registers=False)

        phone.password = "guess"
        await phone.register()
        phone.password, phone.uri = "secret", "sip:bob@localhost"
        await phone.register()
        phone.uri = "sip:alice@elsewhere"
        await phone.register()

    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "UDP 127.0.0.11:5060: a wrong password for 'sip:alice@localhost'"),
        ("WARNING", "UDP 127.0.0.11:5060: 'alice' may not act as 'sip:bob@localhost'"),
        ("WARNING", "UDP 127.0.0.11:5060: 'sip:alice@elsewhere' may not register: 404 Not Found"),
    ]
    assert "secret" not in caplog.text
