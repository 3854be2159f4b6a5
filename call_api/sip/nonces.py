"""Nonces that tell their own age, and the check that each request with one counts up."""

import hashlib
import hmac
import itertools
import re

_NONCE = re.compile(r"([0-9a-f]{1,16})-[0-9a-f]{1,16}-[0-9a-f]{32}")


class Nonces:
    """Issues signed nonces and tells whether one may be used (RFC 7616, section 5.4).

    What was issued is not kept. Kept is the highest count of each nonce in use, so that no
    request counts twice; and of these only ``max_used``. When the oldest one is forgotten, all
    that were issued before it go with it: forgetting never lets a request pass again.

    Args:
        key: Secret random bytes.
        nonce_for: Seconds that a nonce may be used.
    """

    def __init__(self, key: bytes, *, nonce_for: float, max_used: int) -> None:
        self._key = key
        self._nonce_for_ms = nonce_for * 1000
        self._max_used = max_used
        self._numbers = itertools.count()
        self._counts: dict[str, int] = {}  # by nonce, in the order of their first use
        self._forgotten_ms = -1  # when the youngest forgotten nonce was issued

    def issue(self, now: float, holder: str = "") -> str:
        """Return a nonce that was never issued before.

        Args:
            holder: Who alone may use it, such as an address; empty: anybody.
        """
        text = f"{int(now * 1000):x}-{next(self._numbers):x}"
        return f"{text}-{sign(self._key, text + holder)}"

    def is_good(self, nonce: str, now: float, holder: str = "") -> bool:
        """Return whether a nonce was issued to its holder, and not too long ago."""
        found = _NONCE.fullmatch(nonce)
        if not found:
            return False
        text, _, signature = nonce.rpartition("-")
        if not hmac.compare_digest(signature, sign(self._key, text + holder)):
            return False
        return 0 <= now * 1000 - int(found[1], 16) < self._nonce_for_ms

    def use(self, nonce: str, count: int, now: float, holder: str = "") -> bool:
        """Return whether a request may use the nonce with this count; if so, it is used up.

        Args:
            count: The request's ``nc``. It must exceed those of all requests before.
        """
        if not self.is_good(nonce, now, holder):
            return False
        issued_ms = int(nonce.partition("-")[0], 16)
        least = 0 if issued_ms > self._forgotten_ms else count
        if count <= self._counts.get(nonce, least):
            return False
        self._counts[nonce] = count
        if len(self._counts) > self._max_used:
            oldest = next(iter(self._counts))
            del self._counts[oldest]
            self._forgotten_ms = max(self._forgotten_ms, int(oldest.partition("-")[0], 16))
        return True


def sign(key: bytes, text: str) -> str:
    """Return 32 hexadecimal digits that only the holder of ``key`` can make of ``text``."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]
