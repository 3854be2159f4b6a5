"""What is told of the steps that a back end reports: each once, in order, none left out."""

from collections.abc import Sequence
from typing import Generic, TypeVar

S = TypeVar("S", bound=str)


class Progress(Generic[S]):
    """Puts the steps of one command, or of one leg in it, in order.

    A back end may repeat a step, or lose one and report a later one. Clients are told each step
    once and in order all the same, and what is pending only while it is.

    Args:
        order: The steps, first to last.
        pending: What may be reported any number of times.
        pends_after: The step of ``order`` right after which ``pending`` may be told.
    """

    def __init__(
        self, order: Sequence[S], *, pending: S | None = None, pends_after: S | None = None
    ) -> None:
        self._to_come = tuple(order)
        self._pending = pending
        self._pends_after = pends_after
        self._now: S | None = None

    def due(self, step: S) -> tuple[S, ...]:
        """Return what is to be told now that ``step`` is reported."""
        if step == self._pending:
            return (step,) if self._now == self._pends_after else ()
        to_come = self._to_come
        if to_come and step == to_come[0]:  # as nearly always
            self._to_come = to_come[1:]
            self._now = step
            return to_come[:1]
        if step not in to_come:
            return ()
        end = self._to_come.index(step) + 1
        told, self._to_come = self._to_come[:end], self._to_come[end:]
        self._now = step
        return told

    def finish(self) -> None:
        """Make sure that the last step has been told.

        Raises:
            RuntimeError: It has not: the back end broke its promise.
        """
        if self._to_come:
            raise RuntimeError(f"the back end reported no {self._to_come[-1]!r}")
