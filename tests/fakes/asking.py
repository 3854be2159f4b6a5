"""A client that asks one query, without a conversation around it."""

from call_api.memory_journal import MemoryJournal
from call_api.model import CallId, DialectName
from call_api.record import Record
from tests.fakes.scripted_backend import ScriptedBackend


class FakeAsking:
    """Remembers what it was attached to, and what it watches.

    Attributes:
        attached: The id of each command, and the seq after which its notifications are wanted.
        watched: What was watched, and not taken back.
    """

    def __init__(
        self, *, backend: ScriptedBackend | None = None, dialect: DialectName = "v2"
    ) -> None:
        self.backend = backend or ScriptedBackend()
        self.journal = MemoryJournal(clock=lambda: 0.0, call_soon=lambda callback: None)
        self.token: str | None = None
        self.dialect = dialect
        self.attached: list[tuple[str, int]] = []
        self.watched: list[str | None] = []

    def attach(self, record: Record, after: int) -> None:
        self.attached.append((record.cmd_id, after))

    def watch(self, callid: CallId | None) -> None:
        self.watched.append(callid)

    def unwatch(self, callid: CallId | None) -> None:
        self.watched.remove(callid)
