"""What happens in a proxy after it was asked for something, one step after the other."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Answer:
    """The MI request is answered: ``{"result":...}`` or ``{"error":...}``."""

    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Raise:
    """An event of callops or of the script is raised."""

    name: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Move:
    """A dialog changes its state.

    Attributes:
        made: What is known of a dialog that is new: ``did``, ``caller``, ``callee`` ...
    """

    callid: str
    state: int
    made: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Referred:
    """A phone has answered a REFER, or has not within the proxy's patience (408)."""

    callid: str
    status: int


Deed: TypeAlias = Answer | Raise | Move | Referred

Steps: TypeAlias = Sequence[tuple[float, Deed]]
"""Seconds after the request, and what happens then; in order of time."""


class Play:
    """Lets steps happen, one after the other, each at its time.

    Args:
        do: Lets one happen.
        done: Called after the last one.
    """

    def __init__(self, steps: Steps, do: Callable[[Deed], None], done: Callable[[], None]) -> None:
        self._steps = list(steps)
        self._do = do
        self._done = done
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    def go_on(self) -> None:
        """Do what is due, and come back for the rest."""
        self._timer = None
        while self._steps:
            at = self._start + self._steps[0][0]
            if at > self._loop.time():
                self._timer = self._loop.call_at(at, self.go_on)
                return
            self._do(self._steps.pop(0)[1])
        self._done()

    def due_within(self, seconds: float) -> list[Deed]:
        """Return what happens in the next moment."""
        until = self._loop.time() - self._start + seconds
        return [deed for at, deed in self._steps if at <= until]

    def stop(self) -> None:
        """Let nothing more happen."""
        self._steps.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def replace(self, steps: Steps) -> None:
        """Let something else happen from now on."""
        self.stop()
        self._steps = list(steps)
        self._start = self._loop.time()
        self.go_on()
