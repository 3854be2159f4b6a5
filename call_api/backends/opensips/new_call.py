"""The call that a referred phone makes, looked for where the proxy tells nothing of it."""

from typing import Final

from call_api.backends.opensips.client import ProxyClient
from call_api.backends.opensips.dialogs import Dialog
from call_api.backends.opensips.recent_dialogs import RecentDialogs
from call_api.model import CallId

_SEARCHED: Final = 50  # recent dialogs, at most, in one search


class NewCallSearch:
    """Looks for the call that was made by a transfer, among those that came up since.

    A phone that hangs up as soon as it is referred (baresip, when its first NOTIFY is refused)
    makes callops forget what the new call belongs to; the mark in its URI still tells.
    """

    def __init__(self, recent: RecentDialogs, proxy: ProxyClient) -> None:
        self._recent = recent
        self._proxy = proxy
        self._mark = recent.mark
        self._others: set[str] = set()  # that it is not; no dialog changes its mark

    async def find(self, dialog_id: str) -> Dialog | None:
        """Return the call that was made by the transfer of the dialog with this id.

        Raises:
            ProxyUnreachable, ProxyRefused, CallBusy, NotSupported: The proxy does not tell.
        """
        for callid in self._recent.since(self._mark)[:_SEARCHED]:
            if callid in self._others:
                continue
            dialog = await self._proxy.dialog(CallId(callid))
            if dialog is not None and dialog.replaces(dialog_id):
                return dialog
            self._others.add(callid)
        return None
