"""Session timers: who tells whom, and how often, that a call still goes on (RFC 4028)."""

import re
from dataclasses import dataclass

from call_api.sip.grammar import parse_number
from call_api.sip.message import Request, Response

OPTION = "timer"
"""The option tag."""
MIN_SECONDS = 90
"""Shortest interval that is agreed to (section 4)."""

_MAX_SECONDS = 2**31 - 1
_REFRESHER = re.compile(r";\s*refresher\s*=\s*(ua[cs])\s*(?:;|\Z)", re.IGNORECASE)


class IntervalTooSmall(ValueError):
    """A phone asks for refreshes that come too fast: 422, with ``Min-SE``."""


@dataclass(frozen=True, slots=True)
class SessionTimer:
    """What a phone and we agree on.

    Attributes:
        seconds: After which the session is over, if nobody refreshes it.
        is_ours: Whether it is for us to refresh it.
    """

    seconds: int
    is_ours: bool

    @property
    def refresh_after(self) -> float | None:
        """When we have to, in seconds; None: the phone does (section 10)."""
        return self.seconds / 2 if self.is_ours else None

    @staticmethod
    def asked(request: Request) -> "SessionTimer | None":
        """Return what we agree to when a phone's INVITE asks; None if it does not.

        The phone refreshes, unless it wants us to (section 9).

        Raises:
            IntervalTooSmall: The interval is below `MIN_SECONDS`.
        """
        seconds, refresher = _session_expires(request)
        if seconds is None or not _knows_timers(request):
            return None
        if seconds < MIN_SECONDS:
            raise IntervalTooSmall(f"{seconds} s are less than {MIN_SECONDS}")
        return SessionTimer(seconds, is_ours=refresher == "uas")

    @staticmethod
    def granted(response: Response) -> "SessionTimer | None":
        """Return what a phone's 2xx says; None if it wants no timer."""
        seconds, refresher = _session_expires(response)
        if seconds is None:
            return None
        return SessionTimer(max(seconds, MIN_SECONDS), is_ours=refresher != "uas")

    def answer(self) -> list[tuple[str, str]]:
        """Return the headers of our 2xx that agree to what was `asked`."""
        refresher = "uas" if self.is_ours else "uac"
        lines = [("Session-Expires", f"{self.seconds};refresher={refresher}")]
        return lines if self.is_ours else [*lines, ("Require", OPTION)]

    def refresh(self) -> list[tuple[str, str]]:
        """Return the headers of an INVITE of ours that refreshes the session."""
        return [("Session-Expires", f"{self.seconds};refresher=uac")]


class Refreshing:
    """How the session of one dialog is kept alive.

    Attributes:
        timer: What was agreed on last; None: nothing.
        due_at: When we are to refresh the session; None: never.
    """

    __slots__ = ("due_at", "timer")

    def __init__(self) -> None:
        self.timer: SessionTimer | None = None
        self.due_at: float | None = None

    def agree(self, timer: SessionTimer | None, now: float) -> None:
        """Note what a 2xx to an INVITE says, in either direction."""
        self.timer = timer
        after = None if timer is None else timer.refresh_after
        self.due_at = None if after is None else now + after


def _knows_timers(request: Request) -> bool:
    options = [*request.headers.all("Supported"), *request.headers.all("Require")]
    return OPTION in [option.lower() for option in options]


def _session_expires(message: Request | Response) -> tuple[int | None, str | None]:
    """Return seconds and refresher; a header that cannot be read counts as none."""
    text = message.headers.get("Session-Expires")
    if text is None:
        return None, None
    found = _REFRESHER.search(text)
    seconds = parse_number(text.partition(";")[0].strip(), _MAX_SECONDS)
    return seconds, found[1].lower() if found else None
