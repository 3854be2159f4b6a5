"""How much: counts and token buckets, for one token or for one address."""

from call_api.errors import TooManyRequests

BUSY_FOR = 1.0
"""Seconds to wait where nobody knows when there is room again: until a command ends."""


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
        self._left = min(self._size, self._left + (now - self._touched) * self._per_second)
        self._touched = now
        return 0.0 if self._left >= 1 else (1 - self._left) / self._per_second

    def take(self) -> None:
        """Count one event, now that `wait` has said 0."""
        self._left -= 1

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
        name: Whose, for the client: ``token`` or ``address``.
        connections: How many it may have; None: any number. So with the rest.
        running: Commands that may run at a time.
        requests: One out for each request.
        calls: One out for each CallStart.
    """

    __slots__ = ("calls", "connected", "connections", "name", "requests", "running", "started")

    def __init__(
        self,
        name: str,
        *,
        connections: int | None = None,
        running: int | None = None,
        requests: Bucket | None = None,
        calls: Bucket | None = None,
    ) -> None:
        self.name = name
        self.connections = connections
        self.running = running
        self.requests = requests
        self.calls = calls
        self.connected = 0
        self.started = 0

    def check_start(self, now: float, *, is_call: bool) -> None:
        """Return if one more command may run.

        Raises:
            TooManyRequests: As many as may run do, or calls come too fast.
        """
        if self.running is not None and self.started >= self.running:
            raise TooManyRequests(BUSY_FOR, f"{self.name}.running")
        if is_call and self.calls is not None and (wait := self.calls.wait(now)):
            raise TooManyRequests(wait, f"{self.name}.calls_per_minute")
