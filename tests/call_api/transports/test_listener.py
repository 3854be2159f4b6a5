import asyncio
import socket

import pytest

from call_api.transports.listener import CannotListen, authority, open_sockets


async def test_localhost_is_loopback_of_both_families_on_one_port() -> None:
    sockets = await open_sockets("localhost", 0)
    try:
        names = [opened.getsockname() for opened in sockets]
        assert names[0][0] == "127.0.0.1"
        assert {name[0] for name in names} <= {"127.0.0.1", "::1"}
        assert len({name[1] for name in names}) == 1
    finally:
        for opened in sockets:
            opened.close()


async def test_accepted_connections_have_no_nagle() -> None:
    (listening,) = await open_sockets("127.0.0.1", 0)
    accepted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    class Accepting(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            its = transport.get_extra_info("socket")
            accepted.set_result(bool(its.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
            assert isinstance(transport, asyncio.Transport)
            transport.abort()

    server = await asyncio.get_running_loop().create_server(Accepting, sock=listening)
    async with asyncio.timeout(5):
        _, writer = await asyncio.open_connection(*listening.getsockname())
        assert await accepted
        writer.close()
    server.close()


async def test_a_port_that_is_taken_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListen, match="another program has this port") as caught:
            await open_sockets("127.0.0.1", port)

    assert (caught.value.host, caught.value.port) == ("127.0.0.1", port)


async def test_a_port_that_is_taken_in_one_family_alone_is_refused() -> None:
    try:
        other = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        other = socket.create_server(("127.0.0.1", 0))
    with other, pytest.raises(CannotListen, match="another program has this port"):
        await open_sockets("localhost", other.getsockname()[1])


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".example", "..."])
async def test_a_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(CannotListen, match=r":5059: no such host$"):
        await open_sockets(host, 5059)


async def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(CannotListen, match="cannot assign requested address"):
        await open_sockets("192.0.2.1", 0)


def test_an_ipv6_address_has_brackets() -> None:
    assert authority("::1", 5059) == "[::1]:5059"
    assert authority("localhost", 5059) == "localhost:5059"
    assert str(CannotListen("::1", 1, "no")) == "cannot listen on [::1]:1: no"
