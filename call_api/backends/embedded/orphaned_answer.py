"""An answer to an INVITE of a daemon that died: the phone is in a call that nobody has any more.

It gets an ACK and a BYE, for which the answer is enough. Each is sent once: a forged answer must
not make us send more than that.
"""

from call_api.backends.embedded.transaction_layer import TransactionLayer
from call_api.backends.embedded.unwanted_forks import dialog_of
from call_api.sip.flow import Flow, host_port
from call_api.sip.message import Response


def hang_up(layer: TransactionLayer, response: Response, flow: Flow) -> bool:
    """Hang up on a phone that answers an INVITE from our address which we know nothing of.

    Returns:
        Whether that is what the response is.
    """
    is_answer = response.cseq.method == "INVITE" and response.status // 100 == 2
    has_one_via = len(response.headers.all("Via")) == 1
    is_ours = has_one_via and response.top_via.sent_by == host_port(flow.local)
    if not (is_answer and is_ours and response.to_tag):
        return False
    dialog = dialog_of(response)
    for request in (dialog.ack(response.cseq.number), dialog.request("BYE")):
        layer.put_via(request, flow)
        layer.send(request.encode(), flow)
    return True
