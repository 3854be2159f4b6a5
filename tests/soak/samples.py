"""What a daemon holds whenever it has nothing to do, and whether that grows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

OBJECTS_A_COMMAND = 0.5
KIB_A_COMMAND = 0.25
"""What may be more after each command than before it; a leak of anything in it would be more."""

LOOSE_OBJECTS, LOOSE_KIB = 500, 4000
"""What may be more all the same: caches that fill, memory that is not handed back at once."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The daemon at rest.

    Attributes:
        commands: How many had ended by then.
        longest_ms: How long its loop has computed at a stretch since the last look, at most.
        left: What still is there of commands, calls and clients; at rest, nothing.
    """

    commands: int
    tasks: int
    descriptors: int
    objects: int
    memory_kib: int
    longest_ms: int
    left: Mapping[str, int]

    @property
    def is_at_rest(self) -> bool:
        return not any(self.left.values())


def grown(samples: Sequence[Sample]) -> list[str]:
    """Return what has grown from one rest to another, in words.

    Args:
        samples: In order, and after the warm-up: what is loaded once is loaded.
    """
    found = []
    for name in ("tasks", "descriptors"):
        values = [getattr(sample, name) for sample in samples]
        if len(set(values)) > 1:
            found.append(f"{name}: {values}")
    first, last = samples[0], samples[-1]
    commands = last.commands - first.commands
    for name, each, loose in (
        ("objects", OBJECTS_A_COMMAND, LOOSE_OBJECTS),
        ("memory_kib", KIB_A_COMMAND, LOOSE_KIB),
    ):
        more = getattr(last, name) - getattr(first, name)
        if more > commands * each + loose:
            found.append(f"{name}: {more} more after {commands} commands")
    return found
