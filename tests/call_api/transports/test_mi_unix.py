import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest

from call_api.transports.mi_unix import open_mi_unix

Told = asyncio.Queue[object]


def proxy_at(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind(str(path))
    return sock


async def exchange(proxy: socket.socket, channel_told: Told) -> str:
    """Answer one request; return where it came from."""
    async with asyncio.timeout(5):
        data, address = await asyncio.get_running_loop().sock_recvfrom(proxy, 100)
        assert data == b"request"
        proxy.sendto(b"answer", address)
        assert await channel_told.get() == b"answer"
    return str(address)


def is_gone(path: Path) -> bool:
    return not path.exists() and not path.parent.exists()


async def test_requests_and_answers_are_datagrams_and_nothing_is_left(tmp_path: Path) -> None:
    told: Told = asyncio.Queue()
    with proxy_at(tmp_path / "mi") as proxy:
        channel = open_mi_unix(str(tmp_path / "mi"), told.put_nowait, lambda *_: None)
        channel.send(1, b"request")
        own = Path(await exchange(proxy, told))
        mode = stat.S_IMODE(os.stat(own).st_mode)  # noqa: PTH116  as the proxy sees it
        channel.forget(1)
        channel.close()

    assert mode == 0o666  # the proxy may be somebody else
    assert is_gone(own)
    assert (channel.local_host, channel.peer_host) == ("127.0.0.1", "127.0.0.1")


async def test_a_proxy_that_was_started_anew_is_found_again(tmp_path: Path) -> None:
    told: Told = asyncio.Queue()
    failures: asyncio.Queue[tuple[int | None, str]] = asyncio.Queue()
    path = tmp_path / "mi"
    channel = open_mi_unix(
        str(path), told.put_nowait, lambda request_id, why: failures.put_nowait((request_id, why))
    )

    channel.send(1, b"request")
    async with asyncio.timeout(5):
        assert await failures.get() == (None, "No such file or directory")
    for _ in range(2):
        with proxy_at(path) as proxy:
            channel.send(2, b"request")
            await exchange(proxy, told)
        path.unlink()
    channel.close()


async def test_without_room_for_our_own_socket_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    too_long = tmp_path / ("x" * 100)
    too_long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(too_long))

    with pytest.raises(OSError, match="path too long"):
        open_mi_unix("/nowhere", lambda _: None, lambda *_: None)

    assert list(too_long.iterdir()) == []
