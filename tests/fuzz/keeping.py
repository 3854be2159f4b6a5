"""The inputs that the tests replay: as few as reach all the code that was reached so far.

Those that once broke their target stay besides, under names that begin with `BROKE`.

python -m tests.fuzz.keeping FOLDER      adds what is new in FOLDER/TARGET, for every target
"""

import hashlib
import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

from tests.fuzz.targets import TARGETS, Target

CORPUS = Path(__file__).parent / "corpus"
PACKAGES = tuple(f"/{name}/" for name in ("call_api", "call_api_client"))

BROKE = "broke-"

Arc: TypeAlias = tuple[str, int, int]
"""In which file execution went from which line to which."""


def keep(name: str, *folders: Path) -> int:
    """Add to a target's corpus what reaches new code, and drop what is not needed for that.

    Args:
        folders: Where there are new inputs; those that break the target are passed over.

    Returns:
        How many of them there are now.
    """
    corpus = CORPUS / name
    corpus.mkdir(parents=True, exist_ok=True)
    replaced = [one for one in corpus.iterdir() if not one.name.startswith(BROKE)]
    old = {one.read_bytes() for one in replaced}
    new = {one.read_bytes() for folder in folders if folder.is_dir() for one in folder.iterdir()}
    kept = needed(TARGETS[name], sorted(old | new, key=lambda data: (len(data), data)))
    for one in replaced:
        one.unlink()
    for data in kept:
        (corpus / hashlib.sha1(data, usedforsecurity=False).hexdigest()[:16]).write_bytes(data)
    return len(kept)


def needed(target: Target, inputs: Iterable[bytes]) -> list[bytes]:
    """Return as few of ``inputs`` as reach all that they reach together, or nearly so few."""
    reach = {data: arcs for data in inputs if (arcs := reached(target, data)) is not None}
    left: set[Arc] = set().union(*reach.values())
    kept = []
    while left:
        best = max(reach, key=lambda data: (len(reach[data] & left), -len(data)))
        left -= reach[best]
        kept.append(best)
    return kept


def reached(target: Target, data: bytes) -> frozenset[Arc] | None:
    """Return what code of ours an input reaches, or None if it breaks the target."""
    arcs: set[Arc] = set()
    last: dict[FrameType, int] = {}

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        file = frame.f_code.co_filename
        if not any(package in file for package in PACKAGES) or "/tests/" in file:
            return None
        line = frame.f_lineno
        if event in ("call", "line"):
            arcs.add((file, last.get(frame, 0), line))
            last[frame] = line
        elif event == "return":
            last.pop(frame, None)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        target(data)
    except Exception:  # noqa: BLE001  # whatever it is, it is told where the input was found
        return None
    finally:
        sys.settrace(before)
    return frozenset(arcs)


def main() -> None:
    logging.disable()
    for name in TARGETS:
        print(f"{name}: {keep(name, Path(sys.argv[1], name))} inputs are kept", flush=True)


if __name__ == "__main__":
    main()
