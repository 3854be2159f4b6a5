"""The lines of the log, and the two that are told of each command."""

import json
import logging
from datetime import UTC, datetime
from time import time
from typing import Any, Final

LINES_AT_ONCE: Final = 1000
"""Lines that are written before the loop's turn is over, if they are so many."""


def text_line(created: float, level: str, subject: str, message: str) -> str:
    """Return a line for people; what would not show itself in it is spelled out.

    Args:
        created: Seconds since 1970.
    """
    level = level.ljust(5)
    line = f"{time_text(created)} {level} {subject} {message}"
    if line.isprintable():
        return line
    return "".join([char if char.isprintable() else _spelled(char) for char in line])


def json_line(
    created: float, level: str, subject: str, name: str, message: str, traceback: str = ""
) -> str:
    """Return one JSON object, for programs.

    Args:
        created: Seconds since 1970.
        name: The logger's.
        traceback: Empty: there is none.
    """
    said = {
        "time": time_text(created),
        "level": level,
        "subject": subject,
        "logger": name,
        "message": message,
    }
    if traceback:
        said["traceback"] = traceback
    return json.dumps(said)


def time_text(created: float) -> str:
    """Return a time as RFC 3339 has it: UTC, milliseconds."""
    second = int(created)
    if second != _now.second:
        _now.second = second
        _now.text = datetime.fromtimestamp(second, UTC).isoformat().removesuffix("+00:00")
    return f"{_now.text}.{_MILLISECONDS[int((created - second) * 1000)]}Z"


class OnlyHandler:
    """The handler of all lines, once `call_api.logs.set_up` has set up how things are logged."""

    def __init__(self) -> None:
        self.handler: logging.Handler | None = None


ONLY: Final = OnlyHandler()


class Life:
    """What a logger tells of the lives of commands, at INFO.

    Two lines for each command: `logging` would take longer to make them than the command takes.
    When nothing but `set_up` has set up how things are logged, they pass it by.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._name = logger.name

    def is_told(self) -> bool:
        """Whether `tell` is wanted: a line that nobody reads need not be made."""
        return self._logger.isEnabledFor(logging.INFO)

    def tell(self, subject: str, message: str) -> None:
        """Log a line about ``subject``. Ask `is_told` before."""
        handler: Any = ONLY.handler  # a Handler that takes lines, too
        if logging.root.handlers == [handler]:
            line = handler.formatter.line(time(), "INFO", subject, self._name, message)
            if 0 < len(handler.waiting) < LINES_AT_ONCE - 1:  # they are going to be written
                handler.waiting.append(line)
            else:
                handler.add(line)
        else:
            self._logger.info("%s", message, extra={"subject": subject})


class _Second:
    """The second of the last line."""

    def __init__(self) -> None:
        self.second = -1
        self.text = ""


_now: Final = _Second()
_MILLISECONDS: Final = [f"{number:03}" for number in range(1000)]


def _spelled(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
