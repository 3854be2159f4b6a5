"""URLs of a daemon, and the dialect that their path names."""

DIALECTS = ("v1", "v2")


def dialect_of(url: str) -> str | None:
    """Return the dialect that ``url`` asks for, or None if it leaves that to the daemon."""
    last = _parts(url)[1]
    return last if last in DIALECTS else None


def with_dialect(url: str, dialect: str) -> str:
    """Return ``url``, which names no dialect, asking for this one."""
    base, last, rest = _parts(url)
    return f"{base}/{last}/{dialect}{rest}"


def _parts(url: str) -> tuple[str, str, str]:
    """Return what is before the last part of the path, that part, and what comes after it."""
    head, query, rest = url.partition("?")
    base, _, last = head.rstrip("/").rpartition("/")
    return base, last, query + rest
