"""Commands as the journal knows them."""

from datetime import UTC, datetime

from call_api.model import CallId, CmdId
from call_api.record import Record

PARAMS = '{"callid":"c"}'
STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()


def record(
    cmd_id: str = "a",
    *,
    method: str = "CallHold",
    params: str = PARAMS,
    token: str = "",
    callid: str = "",
    timeout: float = 5.0,
    started: float = STARTED,
) -> Record:
    """A command of which only what matters is given."""
    return Record(
        cmd_id=CmdId(cmd_id),
        method=method,
        params=params.encode(),
        token=token,
        callid=CallId(callid or ("own-call" if cmd_id == "a" else f"own-call-{cmd_id}")),
        proxy="",
        timeout=timeout,
        started=started,
    )
