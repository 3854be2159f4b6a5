"""Which of this machine's addresses a peer can reach."""

import socket
from collections import OrderedDict

from call_api.sip.flow import Address

_UNSPECIFIED = ("0.0.0.0", "::")  # noqa: S104  # compared with, not bound
MAX_REMEMBERED = 1024
"""Most peers whose route is remembered."""


class LocalAddress:
    """What a socket that is bound to ``host`` and ``port`` is called towards each peer.

    Args:
        host: An IP address; when it stands for all addresses, the routing table decides.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._known: OrderedDict[str, str] = OrderedDict()

    def __len__(self) -> int:
        """How many routes are remembered."""
        return len(self._known)

    def toward(self, peer: str) -> Address:
        """Return the address that packets to ``peer`` come from."""
        if self._host not in _UNSPECIFIED:
            return self._host, self._port
        if peer not in self._known:
            self._known[peer] = self._look_up(peer)
            if len(self) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        return self._known[peer], self._port

    def _look_up(self, peer: str) -> str:
        family = socket.AF_INET6 if ":" in peer else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((peer, 9))  # sends nothing: it only asks for the route
            except OSError:  # no route: nothing will be sent to that peer either
                return self._host
            host: str = probe.getsockname()[0]
        return host
