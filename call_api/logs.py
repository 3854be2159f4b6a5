"""Logging set-up: text or JSON, to stderr or to a file that is reopened on SIGHUP."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

from call_api.config import Log

SUBJECT: ContextVar[str] = ContextVar("SUBJECT", default="-")
"""Whom the lines of the running code are about: ``[cmd_id]`` of a command, or a peer. It leads
every line. A single line about somebody else says so: ``extra={"subject": peer}``."""

_LEVELS = {"DEBUG": logging.DEBUG, "INFO": logging.INFO, "WARN": logging.WARNING}
_logger = logging.getLogger(__name__)


class _Formatter(logging.Formatter):
    """What both formats know of a record."""

    @staticmethod
    def time_of(record: logging.LogRecord) -> str:
        """When it was logged: RFC 3339, UTC, milliseconds."""
        time = datetime.fromtimestamp(record.created, UTC)
        return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")

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

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, and one more for each line of a traceback."""
        head = f"{self.time_of(record)} {self.level_of(record):<5} {self.subject_of(record)} "
        lines = [record.getMessage(), *self.traceback_of(record).splitlines()]
        return "\n".join(_escape(head + line) for line in lines)


class JsonFormatter(_Formatter):
    """One JSON object a line, for programs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the members time, level, subject, logger, message, and maybe traceback."""
        said = {
            "time": self.time_of(record),
            "level": self.level_of(record),
            "subject": self.subject_of(record),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if traceback := self.traceback_of(record):
            said["traceback"] = traceback
        return json.dumps(said)


class LogFile(logging.FileHandler):
    """A log file that can be moved away while it is written to."""

    def reopen(self) -> None:
        """Open the file by its name again, and go on with the old one if that fails."""
        try:
            stream = self._open()
        except OSError as exc:
            _logger.error("log.file_path: %s stays as it is: %s", self.baseFilename, exc.strerror)
            return
        old = self.setStream(stream)
        if old is not None:
            old.close()


def set_up(log: Log) -> LogFile | None:
    """Send what the whole program logs where the settings say, and nowhere else.

    Returns:
        The log file, to be reopened on SIGHUP; None for stderr.

    Raises:
        OSError: The file cannot be opened for writing.
    """
    file = LogFile(Path(log.file_path), encoding="utf-8") if log.file_path else None
    handler = file or logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log.format == "json" else TextFormatter())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(_LEVELS.get(log.level, logging.ERROR))
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    return file


def _escape(line: str) -> str:
    """Return ``line`` with every character spelled out that does not show itself."""
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else _spelled(char) for char in line)


def _spelled(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
