"""Which digest algorithms each phone is asked for: those that it does not stumble over."""

import re
from collections.abc import Sequence

from call_api.sip.digest import ALGORITHMS

MAX_REMEMBERED = 10_000
"""Most phones of which it is known that they did not answer a challenge; the oldest go first."""

_MD5 = "MD5"
# They register only if nothing but MD5 is asked for: re, the library, has SHA-256 since 3.12.
_KNOWS_MD5_ALONE = re.compile(r"baresip v(?:[0-2]|3\.(?:[0-9]|1[01])(?![0-9]))(?![0-9])", re.I)


class Algorithms:
    """Says what a phone is asked for.

    That is all that is allowed, as the phone likes. Some know MD5 alone and give up on a 401 that
    names anything else besides. Of known ones their User-Agent tells; and who comes again without
    an answer is asked for MD5 alone.

    Args:
        allowed: Of `ALGORITHMS`; not empty.
    """

    def __init__(self, allowed: Sequence[str] = ALGORITHMS) -> None:
        self._allowed = tuple(name for name in ALGORITHMS if name in allowed)
        self._has_choice = self._allowed == ALGORITHMS
        self._unanswered: dict[tuple[str, str], None] = {}  # by address and user

    def to_ask(
        self, address: str, user: str, credentials: Sequence[str], user_agent: str
    ) -> Sequence[str]:
        """Return what a phone is to be asked for, if it is asked, the strongest first.

        Args:
            address: Where its request comes from.
            user: Whose phone it says that it is.
            credentials: Those of its request.
            user_agent: What it says that it is; possibly empty.
        """
        if not self._has_choice:
            return self._allowed
        if _KNOWS_MD5_ALONE.match(user_agent):
            return (_MD5,)
        phone, unanswered = (address, user), self._unanswered
        if any(ALGORITHMS[0] in text.upper() for text in credentials):
            unanswered.pop(phone, None)
        elif phone in unanswered:
            return (_MD5,)
        elif not credentials:
            unanswered[phone] = None
            if len(unanswered) > MAX_REMEMBERED:
                del unanswered[next(iter(unanswered))]
        return self._allowed
