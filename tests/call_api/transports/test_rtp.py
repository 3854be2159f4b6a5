import asyncio
import socket

import pytest

from call_api.transports.rtp import RtpSocket


class Ear:
    """Hears packets, and tells when it has heard enough."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._changed = asyncio.Event()

    def __call__(self, packet: bytes) -> None:
        self.heard.append(packet)
        self._changed.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.heard) < count:
                self._changed.clear()
                await self._changed.wait()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_packets_go_from_one_socket_to_the_other(host: str) -> None:
    ear = Ear()
    sender, receiver = RtpSocket(host, Ear()), RtpSocket(host, ear)
    try:
        for number in range(100):
            assert sender.send(b"%d" % number, (receiver.host, receiver.port))
        await ear.until(100)
    finally:
        sender.close()
        receiver.close()

    assert ear.heard == [b"%d" % number for number in range(100)]


async def test_what_cannot_be_sent_is_a_loss_and_no_error() -> None:
    sender = RtpSocket("127.0.0.1", Ear())

    assert not sender.send(b"x" * 70_000, (sender.host, sender.port))
    sender.close()
    assert not sender.send(b"x", ("127.0.0.1", 9))
    sender.close()

    assert not sender.is_open


async def test_who_hears_may_close_the_socket() -> None:
    heard: list[bytes] = []

    def hear(packet: bytes) -> None:
        heard.append(packet)
        receiver.close()
        done.set()

    done = asyncio.Event()
    sender, receiver = RtpSocket("127.0.0.1", Ear()), RtpSocket("127.0.0.1", hear)
    for _ in range(3):
        sender.send(b"x", (receiver.host, receiver.port))
    async with asyncio.timeout(10):
        await done.wait()
    sender.close()

    assert heard == [b"x"]


async def test_an_address_that_is_not_ours_is_refused() -> None:
    with pytest.raises(OSError, match="assign"):
        RtpSocket("192.0.2.1", Ear())


class Awkward(socket.socket):
    """A socket whose network reports an error of the past first."""

    complaints = 1

    def recv(self, *args: object) -> bytes:
        if self.complaints:
            self.complaints -= 1
            raise ConnectionRefusedError(111, "Connection refused")
        return super().recv(*args)  # type: ignore[arg-type]  # passed on


async def test_icmp_errors_are_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", Awkward)
    ear = Ear()
    receiver = RtpSocket("127.0.0.1", ear)
    receiver.send(b"at last", (receiver.host, receiver.port))
    await ear.until(1)
    receiver.close()

    assert ear.heard == [b"at last"]
