"""What takes SIP in, put together."""

import asyncio

from call_api.backends.embedded.exchange import SWEEP_EVERY
from tests.fakes.sip_office import ALL_TIMERS, HOST, sip_office
from tests.fakes.virtual_time import in_virtual_time


@in_virtual_time
async def test_users_are_those_of_the_domains_and_of_the_host() -> None:
    async with sip_office("alice") as office:
        phones = office.board.phones

        assert len(phones("x", "sip:alice@localhost").targets) == 1
        assert len(phones("x", "sip:alice@127.0.0.1").targets) == 1


@in_virtual_time
async def test_what_has_expired_is_swept_away() -> None:
    async with sip_office("alice") as office:
        await office.phones["alice"].register(expires=60)
        assert office.exchange.registrar.next_timer() is not None

        await asyncio.sleep(60.0 + SWEEP_EVERY)

        assert office.exchange.registrar.contacts("alice") == []


@in_virtual_time
async def test_a_lost_connection_takes_its_bindings_along() -> None:
    async with sip_office() as office:
        alice = await office.phone("alice", transport="TCP")
        assert office.exchange.registrar.contacts("alice")

        office.disconnect(alice)

        assert office.exchange.registrar.contacts("alice") == []


@in_virtual_time
async def test_it_says_who_it_is() -> None:
    async with sip_office("alice") as office:
        response = await office.phones["alice"].request("OPTIONS", "sip:localhost")

        assert response.headers.get("Server") == "call-api"


@in_virtual_time
async def test_answers_that_come_again_after_their_transactions_end_no_call() -> None:
    async with sip_office("alice", "bob") as office:
        call = await office.dial(office.phones["alice"], office.phones["bob"])
        await asyncio.sleep(ALL_TIMERS)
        said = [(host, data) for host, data in office.link.carried if b"200 OK" in data[:20]]
        answers = [data for host, data in said if host != HOST and b"INVITE" in data]
        assert answers

        office.link.carried.clear()
        for answer in answers:
            office.phones["bob"].flow.send(answer)
        await asyncio.sleep(1.0)

        assert [host for host, _ in office.link.carried] == [office.phones["bob"].media[0]]
        assert (call.state, office.phones["bob"].calls[-1].state) == ("up", "up")
