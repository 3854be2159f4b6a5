import pytest

from call_api.backends.embedded.demo_phones import DEMO_USERS, demo_phones, random_passwords
from call_api.backends.embedded.registration import RegistrationFailed
from call_api.sip.flow import Transport
from tests.fakes.tiny_registrar import tiny_registrar


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
async def test_two_of_them_talk_hold_and_part(transport: Transport) -> None:
    passwords = random_passwords()
    async with tiny_registrar(passwords) as desk:
        async with demo_phones(desk.address, "localhost", passwords, transport=transport) as phones:
            assert all(desk.is_registered(name) for name in passwords)
            alice, bob = phones["alice"], phones["bob"]
            call = alice.call("sip:bob@localhost", bob.address)
            await alice.until(lambda: call.state == "up")
            await alice.until(lambda: alice.received_packets > 2)
            await bob.until(lambda: bob.received_packets > 2)
            (other,) = bob.calls

            assert call.progress == [180, 200]
            assert await call.hold() == 200
            assert (call.direction, other.direction) == ("sendonly", "recvonly")
            assert await other.hold() == 200
            assert (call.direction, other.direction) == ("inactive", "inactive")
            assert await call.resume() == 200
            assert (call.direction, other.direction) == ("recvonly", "sendonly")
            assert await other.resume() == 200
            assert (call.direction, other.direction) == ("sendrecv", "sendrecv")

            other.hang_up()
            await alice.until(lambda: not alice.calls)
        assert not any(desk.is_registered(name) for name in passwords)


def test_there_are_three_and_nobody_knows_their_passwords() -> None:
    first, second = random_passwords(), random_passwords()

    assert tuple(first) == DEMO_USERS == ("alice", "bob", "carol")
    assert len({*first.values(), *second.values()}) == 6


async def test_one_that_cannot_register_takes_the_others_down() -> None:
    passwords = random_passwords()
    async with tiny_registrar(passwords) as desk:
        with pytest.raises(RegistrationFailed, match="401"):
            async with demo_phones(desk.address, "localhost", {**passwords, "carol": "guessed"}):
                pytest.fail("they came up")

        assert not any(desk.is_registered(name) for name in passwords)
