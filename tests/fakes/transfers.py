"""What OpenSIPS tells of a transfer, as it was recorded, and what is made of it."""

from call_api.backends.opensips import events
from call_api.backends.opensips.dialogs import Dialog
from call_api.backends.opensips.events import EventParams, ProxyEvent
from call_api.backends.opensips.transfer_progress import TransferProgress
from call_api.errors import CallFailed
from call_api.model import CallId, SipUri

A, B, NEW = map(CallId, ("a", "b", "new"))
CINDY = SipUri("sip:cindy@127.0.0.1")


def transfer(state: str, status: str = "", *, new: str = NEW, of: str = A) -> ProxyEvent:
    return ProxyEvent(
        events.TRANSFER,
        EventParams(
            callid=of,
            leg=new,  # OpenSIPS says so, and it means nothing
            transfer_callid=new,
            destination="sip:cindy@127.0.0.1:5073;ob",
            state=state,
            status=status,
        ),
    )


START = transfer("start")
RINGING = transfer("notify", "180 Ringing")
ANSWERED = transfer("notify", "200 OK")
OK = transfer("ok", "200 OK")


def changed(callid: str, new_state: int) -> ProxyEvent:
    return ProxyEvent(events.STATE, EventParams(callid=callid, new_state=new_state))


def dialog(callid: str = A, state: int = 4, **values: str) -> Dialog:
    return Dialog(id="1.2", callid=callid, state=state, values=values)


def states(progress: TransferProgress) -> list[str]:
    return [step.status or step.state for step in progress.steps]


def outcome(progress: TransferProgress) -> object:
    failed = progress.outcome
    return (failed.status, failed.reason) if isinstance(failed, CallFailed) else failed


def accepted(destination: SipUri | None = CINDY) -> TransferProgress:
    progress = TransferProgress((A,), destination)
    progress.accept(0.0)
    return progress


def after(*told: ProxyEvent) -> TransferProgress:
    progress = accepted()
    for event in told:
        progress.receive(event, 0.0)
    return progress


def run_out(progress: TransferProgress, until: float) -> None:
    """Let the time pass; nobody answers a question."""
    while (at := progress.next_timer()) is not None and at <= until:
        progress.handle_timer(at)
        progress.question = None
