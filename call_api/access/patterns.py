"""Patterns of SIP URIs: who may be called, or be made to call."""

import re

from call_api.sip.uri import BadUri, parse_target, unescape


class UriPattern:
    """Covers the URIs whose user and host are like its own: ``*`` is any text, ``?`` any character.

    User and host are compared apart, as RFC 3261, section 19.1.4 does it, so that nothing in the
    one can stand for the other. A URI that names another host to send to (``maddr``) is never
    covered. A pattern without a port covers every port.

    Args:
        text: ``user@host`` or ``user@host:port``.
    """

    def __init__(self, text: str) -> None:
        user, _, place = text.rpartition("@")
        found = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::([0-9]+|\*))?", place)
        if not found or not user:
            raise ValueError("expected user@host, as in *@example.com")
        self._user = _glob(re.sub(r"^sips?:", "", user))
        self._host = _glob(found[1].lower().rstrip("."))
        self._port = None if found[2] in {None, "*"} else int(found[2])

    def covers(self, uri: str) -> bool:
        """Return whether a URI is like the pattern."""
        try:
            parsed = parse_target(uri)
        except BadUri:
            return False
        return (
            "maddr" not in parsed.params
            and self._user.fullmatch(unescape(parsed.user or "")) is not None
            and self._host.fullmatch(parsed.host.lower().rstrip(".")) is not None
            and self._port in {None, parsed.port}
        )


def _glob(text: str) -> re.Pattern[str]:
    parts = (re.escape(part) for part in re.sub(r"\*+", "*", text))
    regex = "".join({r"\*": ".*", r"\?": "."}.get(part, part) for part in parts)
    return re.compile(regex, re.DOTALL)
