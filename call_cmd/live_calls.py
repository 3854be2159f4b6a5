"""The calls that there are now, kept up to date by what is told of them. No I/O."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from call_api_client.messages import members
from call_cmd.names import PhoneBook

Call: TypeAlias = Mapping[str, object]
"""A call, as CallList tells it."""

PARTIES = ("caller", "callee")


def of_user(user: str | None, book: PhoneBook) -> Callable[[Mapping[str, object]], bool]:
    """Return what says whether a change is about somebody.

    Args:
        user: A contact, a user name (of whatever domain), ``user@host`` or a SIP URI; None:
            everybody is meant.
    """
    if user is None:
        return lambda _: True
    uri = book.uri(user)

    def is_meant(party: object) -> bool:
        return party == uri or _user_of(str(party)) == user

    def fits(change: Mapping[str, object]) -> bool:
        call = members(change.get("call"))
        return any(map(is_meant, [*(call.get(party) for party in PARTIES), change.get("target")]))

    return fits


def _user_of(uri: str) -> str:
    """Return the user part of a SIP URI, without parameters and password."""
    user = uri.partition(":")[2].rpartition("@")[0]
    return user.partition(";")[0].partition(":")[0]


class LiveCalls:
    """Keeps what a list told, and what changed since.

    A list may be older than a change that came before it; so the change counts.

    Args:
        fits: Whether a change, or a call as the ``call`` of one, is wanted.
        callid: The only call that is wanted, under whatever name; None: all of them.

    Attributes:
        callid: What that call is called now.
    """

    def __init__(
        self, fits: Callable[[Mapping[str, object]], bool], callid: str | None = None
    ) -> None:
        self.callid = callid
        self._fits = fits
        self._names = None if callid is None else {callid}
        self._calls: dict[str, Call] = {}
        self._changed: set[str] = set()  # since a list was asked for

    @property
    def calls(self) -> list[Call]:
        """All of them, oldest first."""
        return sorted(self._calls.values(), key=lambda call: str(call.get("started")))

    def begin_list(self) -> None:
        """Take note that a list is asked for now."""
        self._changed.clear()

    def end_list(self, calls: Iterable[Call]) -> None:
        """Take that list."""
        listed = {str(call.get("callid")): call for call in calls if self._is_wanted(call)}
        changed = {name: call for name, call in self._calls.items() if name in self._changed}
        unchanged = {name: call for name, call in listed.items() if name not in self._changed}
        self._calls = {**unchanged, **changed}

    def change(self, change: Mapping[str, object]) -> bool:
        """Take a change; return whether it is wanted."""
        callid, call = str(change.get("callid")), members(change.get("call"))
        if self._names is not None:
            self._names.add(callid)  # of one call alone is told
            self.callid = callid
        self._changed.add(callid)
        if change.get("event") == "ended":
            self._calls.pop(callid, None)
        elif self._is_wanted(call):
            self._calls[callid] = call
        return self._fits(change)

    def _is_wanted(self, call: Call) -> bool:
        is_meant = self._names is None or call.get("callid") in self._names
        return is_meant and self._fits({"call": call})
