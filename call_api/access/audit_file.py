"""The file of the audit log: written by a thread, so that a slow or full disk holds up nobody."""

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Final

logger = logging.getLogger(__name__)

FLUSH_EVERY = 0.1
"""Seconds until a line is handed to the thread, with all that have come meanwhile."""

MOST_BYTES = 32 * 1024 * 1024
"""Lines that may wait for the disk; more are lost, and counted."""

CLOSE_WITHIN = 5.0
"""Seconds that the last lines have when the daemon stops."""

_REOPEN: Final = b"reopen"


class AuditFile:
    """Appends lines to a file. Made by `audit_file`."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            OSError: It cannot be opened for appending.
        """
        self._path = path
        self._file = _open(path)
        self._lines: list[bytes] = []
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()  # bounded by MOST_BYTES
        self._taken = 0  # bytes, counted by the loop alone
        self._done = 0  # bytes, counted by the thread alone
        self._lost = 0  # lines, since the last one that was written
        self._is_failing = self._is_torn = False
        self._thread = threading.Thread(target=self._run, name="audit log", daemon=True)
        self._thread.start()

    def write(self, line: bytes) -> None:
        """Take a line. Never waits, never raises."""
        if self._taken - self._done > MOST_BYTES:
            self._lose(1, "the disk is too slow")
            return
        self._taken += len(line)
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_EVERY, self.flush)
        self._lines.append(line)

    def flush(self) -> None:
        """Hand what there is to the thread."""
        if self._lines:
            self._queue.put(b"".join(self._lines))
            self._lines.clear()

    def reopen(self) -> None:
        """Open the file by its name again, and go on with the old one if that fails."""
        self.flush()
        self._queue.put(_REOPEN)

    def close(self) -> None:
        """Write what is left, in bounded time."""
        self.flush()
        self._queue.put(None)
        self._thread.join(CLOSE_WITHIN)

    def _run(self) -> None:
        while (text := self._queue.get()) is not None:
            if text is _REOPEN:
                self._open_again()
            else:
                self._append(text)
                self._done += len(text)
        os.close(self._file)

    def _append(self, text: bytes) -> None:
        rest = b"\n" + text if self._is_torn else text
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
                self._is_torn = True
        except OSError as exc:
            self._lose(rest.count(b"\n"), exc.strerror or "it cannot be written")
            return
        self._is_torn = False
        if self._is_failing:
            logger.warning("%s is written again, %d lines were lost", self._path, self._lost)
            self._is_failing, self._lost = False, 0

    def _lose(self, lines: int, why: str) -> None:
        """Count lines that are lost, and say so the first time."""
        self._lost += lines
        if not self._is_failing:
            self._is_failing = True
            logger.error("audit.file_path: %s: lines are lost: %s", self._path, why)

    def _open_again(self) -> None:
        try:
            new = _open(self._path)
        except OSError as exc:
            logger.error("audit.file_path: %s stays as it is: %s", self._path, exc.strerror)
            return
        os.close(self._file)
        self._file = new


@asynccontextmanager
async def audit_file(path: str) -> AsyncIterator[AuditFile | None]:
    """Keep a file open for as long as the block runs; none if ``path`` is empty.

    Raises:
        ValueError: It cannot be opened: ``key: what was expected``.
    """
    if not path:
        yield None
        return
    try:
        file = AuditFile(Path(path))
    except OSError as exc:
        raise ValueError(f"audit.file_path: expected a file to append to: {exc.strerror}") from exc
    try:
        yield file
    finally:
        file.close()


def _open(path: Path) -> int:
    """Who called whom is for its owner's eyes, where the file is new."""
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
