"""Management requests to a proxy over a Unix datagram socket."""

import contextlib
import socket
import tempfile
from pathlib import Path
from typing import Final

from call_api.transports.datagram_client import DatagramClient, widen
from call_api.transports.mi_udp import Fail, Receive

_MODE: Final = 0o666
"""Of our socket's file: the proxy, under another user perhaps, must be able to answer. The
folder that it is in is ours alone to list, but to be entered by all."""


class MiUnix:
    """Request and answer are one datagram each; the answer goes to a socket with a name."""

    def __init__(self, sock: socket.socket, peer: str, receive: Receive, fail: Fail) -> None:
        self._path = Path(sock.getsockname())
        # Not connected: a proxy that is started anew makes its socket anew, under the same name.
        self._datagrams = DatagramClient(sock, receive, lambda reason: fail(None, reason), peer)

    @property
    def local_host(self) -> str:
        """The proxy is on this machine."""
        return "127.0.0.1"

    @property
    def peer_host(self) -> str:
        """The proxy's address."""
        return "127.0.0.1"

    def send(self, request_id: int, data: bytes) -> None:  # noqa: ARG002  the id is in the data
        """Send a request. Never waits."""
        self._datagrams.send(data)

    def forget(self, request_id: int) -> None:
        """Nothing is kept of a request here."""

    def close(self) -> None:
        """Close the socket and remove its file."""
        self._datagrams.close()
        _remove(self._path)


def open_mi_unix(path: str, receive: Receive, fail: Fail) -> MiUnix:
    """Return a channel to a proxy that takes MI requests on a Unix datagram socket.

    Args:
        receive: Is given each answer. Must not raise.
        fail: Is told when the proxy is not there.

    Raises:
        OSError: There is no room for our own socket.
    """
    folder = tempfile.mkdtemp(prefix="call-api-")
    own = Path(folder, "mi.sock")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        widen(sock)
        sock.bind(str(own))
        Path(folder).chmod(0o711)
        own.chmod(_MODE)
        return MiUnix(sock, path, receive, fail)
    except BaseException:
        sock.close()
        _remove(own)
        raise


def _remove(own: Path) -> None:
    with contextlib.suppress(OSError):
        own.unlink()
    with contextlib.suppress(OSError):
        own.parent.rmdir()
