"""A client that asks one query, without a conversation around it."""

from call_api.journal import Record
from call_api.memory_journal import MemoryJournal
from call_api.model import DialectName
from tests.fakes.scripted_backend import ScriptedBackend


class FakeAsking:
    """Remembers what it was attached to.

    Attributes:
        attached: The id of each command, and the seq after which its notifications are wanted.
    """

    def __init__(
        self, *, backend: ScriptedBackend | None = None, dialect: DialectName = "v2"
    ) -> None:
        self.backend = backend or ScriptedBackend()
        self.journal = MemoryJournal(clock=lambda: 0.0, call_soon=lambda callback: None)
        self.dialect = dialect
        self.attached: list[tuple[str, int]] = []

    def attach(self, record: Record, after: int) -> None:
        self.attached.append((record.cmd_id, after))
