"""Who tries passwords that are wrong, and has to wait before it may try more."""

from call_api.access.meters import Bucket, network_of

AT_ONCE = 10
"""Wrong passwords that may come from one address at once."""

EVERY = 2.0
"""Seconds after which one more may come: some 43,000 a day."""

MAX_REMEMBERED = 10_000
"""Addresses that are remembered; the oldest ones go first."""


class Guesses:
    """Counts wrong passwords for each address, of IPv6 for each network of 64 bits."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}  # the one that guessed last is the last one

    def wait(self, address: str, now: float) -> float:
        """Return the seconds until an address may try a password again; 0: now."""
        bucket = self._buckets.get(network_of(address)[0])
        return 0.0 if bucket is None else bucket.wait(now)

    def count(self, address: str, now: float) -> None:
        """Take note that a password was wrong, of an address that may try one."""
        network = network_of(address)[0]
        bucket = self._buckets.pop(network, None) or Bucket(AT_ONCE, 1 / EVERY, now)
        self._buckets[network] = bucket
        bucket.take(now)
        if len(self._buckets) > MAX_REMEMBERED:
            del self._buckets[next(iter(self._buckets))]
