"""Where a journal is written to: a disk that may be full, slow, or both."""

import threading

from call_api.journal_store import Batch

WITHIN = 5.0


class SlowDisk:
    """A store that remembers what it was given.

    Attributes:
        tries: How often something was to be written.
        problem: Raised instead of writing.
        is_free: While it is not set, writing takes until it is.
    """

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.tries = 0
        self.problem: Exception | None = None
        self.is_free = threading.Event()
        self.is_free.set()
        self.is_closed = False

    def write(self, batch: Batch) -> None:
        self.tries += 1
        assert self.is_free.wait(WITHIN)
        if self.problem is not None:
            raise self.problem
        self.batches.append(batch)

    def close(self) -> None:
        self.is_closed = True

    @property
    def seqs(self) -> list[list[int]]:
        """The numbers of the events of each transaction."""
        return [[entry.seq for _, entry in batch.entries] for batch in self.batches]
