"""Logging set-up: text or JSON, to stderr or to a file that is reopened on SIGHUP."""

import asyncio
import logging
import sys
from abc import ABC, abstractmethod
from collections import deque
from contextlib import nullcontext, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TextIO

from call_api.config import Log
from call_api.log_lines import LINES_AT_ONCE, ONLY, json_line, text_line

SUBJECT: ContextVar[str] = ContextVar("SUBJECT", default="-")
"""Whom the lines of the running code are about: ``[cmd_id]`` of a command, or a peer. It leads
every line. A single line about somebody else says so: ``extra={"subject": peer}``."""

_LEVELS = {"DEBUG": logging.DEBUG, "INFO": logging.INFO, "WARN": logging.WARNING}
_logger = logging.getLogger(__name__)


class _Formatter(logging.Formatter, ABC):
    """What both formats know of a record."""

    @abstractmethod
    def line(self, created: float, level: str, subject: str, name: str, message: str) -> str:
        """Return a line.

        Args:
            created: Seconds since 1970.
            level: As the setting spells it.
            name: The logger's.
        """

    @staticmethod
    def level_of(record: logging.LogRecord) -> str:
        """The level as the setting ``log.level`` spells it."""
        return "WARN" if record.levelno == logging.WARNING else record.levelname

    @staticmethod
    def subject_of(record: logging.LogRecord) -> str:
        """Whom it is about."""
        return str(getattr(record, "subject", None) or SUBJECT.get())

    def traceback_of(self, record: logging.LogRecord) -> str:
        """The traceback that came with it, or nothing."""
        parts = []
        if record.exc_info:
            parts.append(self.formatException(record.exc_info))
        if record.stack_info:
            parts.append(record.stack_info)
        return "\n".join(parts)


class TextFormatter(_Formatter):
    """Lines for people. Every line, those of a traceback too, has time, level and subject."""

    def line(self, created: float, level: str, subject: str, name: str, message: str) -> str:  # noqa: ARG002
        """Return a line, led by time, level and subject."""
        return text_line(created, level, subject, message)

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, and one more for each line of a traceback."""
        about = record.created, self.level_of(record), self.subject_of(record), record.name
        first = self.line(*about, record.getMessage())
        if not record.exc_info and not record.stack_info:
            return first
        more = (self.line(*about, line) for line in self.traceback_of(record).splitlines())
        return "\n".join((first, *more))


class JsonFormatter(_Formatter):
    """One JSON object a line, for programs."""

    def line(self, created: float, level: str, subject: str, name: str, message: str) -> str:
        """Return the members time, level, subject, logger and message."""
        return json_line(created, level, subject, name, message)

    def format(self, record: logging.LogRecord) -> str:
        """Return the members of a line, and maybe traceback."""
        about = record.created, self.level_of(record), self.subject_of(record), record.name
        return json_line(*about, record.getMessage(), self.traceback_of(record))


class _TurnHandler(logging.StreamHandler[TextIO]):
    """Writes what is logged in one turn of the event loop in one go; a warning at once.

    Two lines for each command, each with a system call of its own, would cost more than the
    command. What was logged before a crash is there but for the lines of the very last turn.
    Lines that cannot be written, for the disk is full or nobody reads the pipe, are lost; whoever
    logs them goes on, the loop too.
    """

    formatter: _Formatter
    waiting: deque[str]  # lines; other threads may add to it
    _is_failing = False

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line, to be written before the loop waits for anything."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001  # as every handler does
            self.handleError(record)
        else:
            self.add(line, at_once=record.levelno >= logging.WARNING)

    def add(self, line: str, *, at_once: bool = False) -> None:
        """Take a line as it is."""
        self.waiting.append(line)
        if at_once or len(self.waiting) >= LINES_AT_ONCE:
            self.flush()
        elif len(self.waiting) == 1:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:  # no loop runs, or this is another thread
                self.flush()

    def flush(self) -> None:
        """Write what there is, if that can be done."""
        with self.lock or nullcontext():
            try:
                if self.waiting:
                    lines = [self.waiting.popleft() for _ in range(len(self.waiting))]
                    if self.stream is not None:
                        self.stream.write("\n".join([*lines, ""]))
                super().flush()
            except OSError as exc:
                self._fail(exc)
            else:
                self._is_failing = False

    def _fail(self, exc: OSError) -> None:
        if not self._is_failing:
            self._is_failing = True
            with suppress(OSError, AttributeError):  # it may be closed
                sys.stderr.write(f"the log cannot be written: {exc.strerror}\n")


class _Stderr(_TurnHandler):
    """What is logged goes to stderr; nowhere, if that was closed before the program began."""

    def __init__(self) -> None:
        self.waiting = deque()
        super().__init__(sys.stderr)


class LogFile(_TurnHandler, logging.FileHandler):
    """A log file that can be moved away while it is written to."""

    def __init__(self, path: Path) -> None:
        self.waiting = deque()
        logging.FileHandler.__init__(self, path, encoding="utf-8")

    def reopen(self) -> None:
        """Open the file by its name again, and go on with the old one if that fails."""
        try:
            stream = self._open()
        except OSError as exc:
            _logger.error("log.file_path: %s stays as it is: %s", self.baseFilename, exc.strerror)
            return
        old = self.setStream(stream)
        if old is not None:
            with suppress(OSError):  # the disk was full
                old.close()


def set_up(log: Log) -> LogFile | None:
    """Send what the whole program logs where the settings say, and nowhere else.

    Returns:
        The log file, to be reopened on SIGHUP; None for stderr.

    Raises:
        OSError: The file cannot be opened for writing.
    """
    file = LogFile(Path(log.file_path)) if log.file_path else None
    handler = file or _Stderr()
    handler.setFormatter(JsonFormatter() if log.format == "json" else TextFormatter())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    ONLY.handler = handler
    root.setLevel(_LEVELS.get(log.level, logging.ERROR))
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    return file
