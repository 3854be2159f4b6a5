"""Dialogs of the proxies as calls of the API."""

from collections.abc import Container
from datetime import UTC, datetime

from call_api.backends.base import CallInfo
from call_api.backends.opensips.dialogs import Dialog
from call_api.backends.opensips.shared import Shared
from call_api.model import CallId


class CallInfos:
    """Makes calls of dialogs, and remembers what the proxy does not tell.

    While a call rings the proxy does not say since when: then it is since it was first seen.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._first_seen: dict[CallId, float] = {}

    def of(self, dialog: Dialog) -> CallInfo:
        """Return the call that a dialog is."""
        callid = CallId(dialog.callid)
        started = self._first_seen.get(callid) or dialog.started
        if not started:
            started = self._first_seen[callid] = datetime.now(UTC).timestamp()
        # The first leg of a call that is being made comes from the proxy itself.
        parties = (dialog.uri("caller"), dialog.uri("callee"))
        caller, callee = self._shared.starting.get(callid, parties)
        return CallInfo(
            callid=callid,
            state=dialog.call_state,
            caller=caller,
            callee=callee,
            started=datetime.fromtimestamp(started, UTC),
            held=dialog.held,
        )

    def keep(self, callids: Container[CallId]) -> None:
        """Forget all other calls."""
        self._first_seen = {one: at for one, at in self._first_seen.items() if one in callids}
