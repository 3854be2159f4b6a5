"""Answers to an INVITE that nobody wants any more: other forks, and those that came too late."""

from collections.abc import Callable

from call_api.backends.embedded.transaction_layer import TransactionLayer
from call_api.sip.dialog import Dialog, contact_target
from call_api.sip.flow import Flow
from call_api.sip.message import Request, Response

MAX_UNWANTED = 8
"""Most forks of one INVITE that are hung up; more are left to their own timers."""

Send = Callable[[TransactionLayer, Request, Flow], None]


class UnwantedForks:
    """Ends the dialogs that an INVITE made besides the wanted one.

    Each gets an ACK, as every 2xx must, and a BYE (RFC 3261, section 13.2.2.4).

    Args:
        send: Sends a BYE that has its Via.
    """

    def __init__(self, layer: TransactionLayer, flow: Flow, send: Send) -> None:
        self._layer = layer
        self._flow = flow
        self._send = send
        self._acks: dict[str, bytes] = {}  # by the fork's tag

    def hang_up(self, response: Response) -> None:
        """Take a fork's 2xx, for the first time or again."""
        tag = response.to_tag or ""
        if tag not in self._acks:
            if len(self._acks) >= MAX_UNWANTED:
                return
            dialog = dialog_of(response)
            ack, bye = dialog.ack(response.cseq.number), dialog.request("BYE")
            for request in (ack, bye):
                self._layer.put_via(request, self._flow)
            self._acks[tag] = ack.encode()
            self._layer.send(self._acks[tag], self._flow)
            self._send(self._layer, bye, self._flow)
        else:
            self._layer.send(self._acks[tag], self._flow)


def dialog_of(response: Response) -> Dialog:
    """Return the dialog that a 2xx made; that is enough for it, the INVITE is not kept."""
    return Dialog(
        callid=response.callid,
        local=str(response.from_),
        remote=str(response.to),
        remote_target=contact_target(response) or str(response.to.uri),
        contact="",
        route_set=tuple(reversed(response.headers.all("Record-Route"))),
        local_cseq=response.cseq.number,
    )
