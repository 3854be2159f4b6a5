"""Who gets which events, for how long."""

import re
from typing import Any

from tests.fakes.opensips.mi_text import MiRefusal

EVENT_IDS = {
    "E_DLG_STATE_CHANGED": 15,
    "E_CALL_TRANSFER": 16,
    "E_CALL_HOLD": 17,
    "E_REFER_REJECTED": 18,
}
"""The events that there are, by the number OpenSIPS gives them."""

_SOCKET = re.compile(r"(udp|tcp):([0-9.]+):([0-9]+)")
_LINGERS = 1.5  # seconds for which events still come after ``expire: 0``


class Subscriptions:
    """The subscribers of each event.

    Attributes:
        known: Events that exist. E_REFER_REJECTED exists only if the script raises it.
    """

    def __init__(self) -> None:
        self.known = [*EVENT_IDS][:3]
        self._ends: dict[str, dict[str, tuple[int, float]]] = {}

    def subscribe(self, event: object, socket: object, expire: int, now: float) -> None:
        """Add or renew a subscription; 0 ends it."""
        if event not in self.known or not _SOCKET.fullmatch(str(socket)):
            raise MiRefusal(400, "Bad parameter value")
        if expire < 0:
            raise MiRefusal(-32602, "Invalid params", "Negative expire value")
        ends = self._ends.setdefault(str(event), {})
        ends[str(socket)] = (expire, now + (expire or _LINGERS))

    def sockets(self, event: str, now: float) -> list[tuple[str, str, int]]:
        """Return kind, host and port of everybody who gets an event now."""
        found = []
        for socket, (_, end) in self._ends.get(event, {}).items():
            match = _SOCKET.fullmatch(socket)
            if end > now and match is not None:
                found.append((match[1], match[2], int(match[3])))
        return found

    def alive(self, now: float) -> int:
        """Return how many subscriptions there are that nobody has ended."""
        return sum(
            expire > 0 and end > now
            for ends in self._ends.values()
            for expire, end in ends.values()
        )

    def clear(self) -> None:
        """Forget all, as a restart does."""
        self._ends.clear()

    def listed(self, now: float) -> dict[str, Any]:
        """Return what subscribers_list answers."""
        events = []
        for name, ends in self._ends.items():
            subscribers = [
                {"socket": socket, "expire": expire, "ttl": _ttl(expire, end, now)}
                for socket, (expire, end) in ends.items()
                if end > now - _LINGERS
            ]
            if subscribers:
                entry = {"name": name, "id": EVENT_IDS[name], "Subscribers": subscribers}
                events.append(entry)
        return {"Events": events}


def _ttl(expire: int, end: float, now: float) -> int | str:
    return int(end - now) if expire and end > now else "expired"
