"""Commands as the journal knows them."""

from datetime import UTC, datetime

from msgspec import Raw

from call_api.journal import Record
from call_api.model import CallId, CmdId

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def record(
    cmd_id: str = "a",
    *,
    method: str = "CallHold",
    params: str = '{"callid":"c"}',
    fingerprint: str = "f",
    token: str = "",
    timeout: float = 5.0,
) -> Record:
    """A command of which only what matters is given."""
    return Record(
        cmd_id=CmdId(cmd_id),
        method=method,
        params=Raw(params.encode()),
        fingerprint=fingerprint,
        token=token,
        callid=CallId("own-call" if cmd_id == "a" else f"own-call-{cmd_id}"),
        proxy="",
        timeout=timeout,
        started=STARTED,
    )
