"""How much: counts and token buckets, one set for each token and each address."""

import ipaddress

from call_api.config_access import Quota
from call_api.errors import TooManyRequests

BUSY_FOR = 1.0
"""Seconds to wait where nobody knows when there is room again: until a command ends."""

MOST = 20_000
"""Meters of one kind. Beyond it those go that count nothing now."""


class Bucket:
    """A token bucket: full at first, one out for each event, filled again at a steady rate.

    Args:
        size: Events that may come at once.
        per_second: Events that may come in the long run.
    """

    __slots__ = ("_left", "_per_second", "_size", "_touched")

    def __init__(self, size: float, per_second: float, now: float) -> None:
        self._size = self._left = size
        self._per_second = per_second
        self._touched = now

    def wait(self, now: float) -> float:
        """Return the seconds until one more event may come; 0: now."""
        wait = self.take(now)
        if not wait:
            self._left += 1
        return wait

    def take(self, now: float) -> float:
        """Count one event if it may come; return the seconds until it may; 0: it was counted."""
        left = self._left + (now - self._touched) * self._per_second
        left = self._size if left > self._size else left  # min() takes longer
        self._touched = now
        if left >= 1:
            self._left = left - 1
            return 0.0
        self._left = left
        return (1 - left) / self._per_second

    def give_back(self) -> None:
        """Take one event back: it was none."""
        self._left = min(self._size, self._left + 1)

    def is_full(self, now: float) -> bool:
        """Return whether nothing has come for so long that nothing is remembered."""
        self.wait(now)
        return self._left >= self._size


class Meter:
    """What one token, or one address, has in use.

    Args:
        name: Which of both it is, for the client: ``token`` or ``address``.

    Attributes:
        requests: One out for each request; None: they are not bounded.
        calls: One out for each CallStart; likewise.
        connected: Connections that there are.
        started: Commands that run.
    """

    __slots__ = ("_connections", "_running", "calls", "connected", "name", "requests", "started")

    def __init__(self, name: str, quota: Quota, now: float) -> None:
        self.name = name
        self.connected = 0
        self.started = 0
        self.adapt(quota, now)

    def adapt(self, quota: Quota, now: float) -> None:
        """Go by other limits from now on."""
        fast, calls = quota.per_second, quota.calls_per_minute
        self._connections, self._running = quota.connections, quota.running
        self.requests = Bucket(2 * fast, fast, now) if fast else None
        self.calls = Bucket(calls, calls / 60, now) if calls else None

    def check_connection(self) -> None:
        """Return if one more client may connect.

        Raises:
            TooManyRequests: As many as may be are.
        """
        if 0 < self._connections <= self.connected:
            raise TooManyRequests(BUSY_FOR, f"{self.name}.connections")

    def begin(self, now: float, *, is_call: bool) -> None:
        """Count a command that is about to run; `end` takes it back.

        Raises:
            TooManyRequests: As many as may run do, or calls come too fast.
        """
        if 0 < self._running <= self.started:
            raise TooManyRequests(BUSY_FOR, f"{self.name}.running")
        if is_call and self.calls is not None and (wait := self.calls.take(now)):
            raise TooManyRequests(wait, f"{self.name}.calls_per_minute")
        self.started += 1

    def end(self, *, is_call: bool) -> None:
        """Count a command no more.

        Args:
            is_call: Whether a call is not to be counted either, because there was none.
        """
        self.started -= 1
        if is_call and self.calls is not None:
            self.calls.give_back()

    def is_idle(self, now: float) -> bool:
        """Return whether it counts nothing, and so need not be kept."""
        buckets = [bucket for bucket in (self.requests, self.calls) if bucket is not None]
        return not self.is_used and all(bucket.is_full(now) for bucket in buckets)

    @property
    def is_used(self) -> bool:
        """Whether it counts what there is now."""
        return bool(self.connected or self.started)


class Meters:
    """The meters of all tokens, or of all addresses.

    Args:
        most: How many are kept; those in use are kept in any case.
    """

    def __init__(self, name: str, quota: Quota, *, most: int = MOST) -> None:
        self._name = name
        self._quota = quota
        self._most = most
        self._meters: dict[str, Meter] = {}

    def __len__(self) -> int:
        return len(self._meters)

    def of(self, key: str, now: float) -> Meter:
        """Return the meter of one token or address."""
        meter = self._meters.get(key)
        if meter is None:
            if len(self._meters) >= self._most:
                self._make_room()
            meter = self._meters[key] = Meter(self._name, self._quota, now)
        return meter

    def adapt(self, quota: Quota, now: float) -> None:
        """Go by other limits from now on, if these are others."""
        if quota != self._quota:
            self._quota = quota
            for meter in self._meters.values():
                meter.adapt(quota, now)

    def sweep(self, now: float) -> None:
        """Forget those that count nothing."""
        idle = [key for key, meter in self._meters.items() if meter.is_idle(now)]
        for key in idle:
            del self._meters[key]

    def _make_room(self) -> None:
        """Forget the oldest one that is not in use, though its buckets are not full."""
        for key, meter in self._meters.items():
            if not meter.is_used:
                del self._meters[key]
                return


def network_of(address: str) -> tuple[str, bool]:
    """Return what an address is counted under, and whether it is this machine's own.

    Of IPv6 that is the network of 64 bits: who has one address there has all of them.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # a socket without an address
        return address, False
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip), ip.is_loopback
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped), ip.ipv4_mapped.is_loopback
    return str(ipaddress.IPv6Network((int(ip) >> 64 << 64, 64))), ip.is_loopback
