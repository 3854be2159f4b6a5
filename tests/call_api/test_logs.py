import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from call_api.config import Log
from call_api.logs import SUBJECT, JsonFormatter, LogFile, TextFormatter, set_up


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """Give the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    yield root
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(autouse=True)
def _about_nobody() -> Iterator[None]:
    token = SUBJECT.set("-")
    yield
    SUBJECT.reset(token)


def record(message: str, *args: object, level: int = logging.INFO) -> logging.LogRecord:
    made = logging.LogRecord("call_api.x", level, "x.py", 1, message, args, None)
    made.created = 1_700_000_000.25
    return made


def test_a_line_is_led_by_time_level_and_subject() -> None:
    token = SUBJECT.set("[831717ed]")
    try:
        line = TextFormatter().format(record("calls %s", "bob"))
    finally:
        SUBJECT.reset(token)

    assert line == "2023-11-14T22:13:20.250Z INFO  [831717ed] calls bob"


def test_a_line_may_say_itself_whom_it_is_about() -> None:
    about_peer = record("gone")
    about_peer.subject = "127.0.0.1:4711"

    assert TextFormatter().format(about_peer).endswith(" 127.0.0.1:4711 gone")


def test_a_line_about_nobody_has_a_dash() -> None:
    assert TextFormatter().format(record("started")).endswith(" INFO  - started")


def test_warnings_are_spelled_as_the_setting_spells_them() -> None:
    assert " WARN  - " in TextFormatter().format(record("odd", level=logging.WARNING))


def test_one_message_is_one_line_whatever_it_holds() -> None:
    line = TextFormatter().format(record("a\r\nb\x1b[31m\x7f\u2028c ä"))

    assert line.endswith(" a\\x0d\\x0ab\\x1b[31m\\x7f\\u2028c ä")


def test_nothing_in_a_line_is_invisible_or_turns_the_direction_of_the_rest() -> None:
    line = TextFormatter().format(record("a\u202eb\u200bc\udcffd\U000e0041e\xa0f"))

    assert line.endswith(" a\\u202eb\\u200bc\\udcffd\\U000e0041e\\xa0f")


def failed() -> logging.LogRecord:
    made = record("failed", level=logging.ERROR)
    try:
        raise ValueError("no\nsuch")
    except ValueError:
        made.exc_info = sys.exc_info()
    return made


def test_every_line_of_a_traceback_has_the_same_head() -> None:
    lines = TextFormatter().format(failed()).splitlines()

    assert len(lines) > 3
    assert all(line.startswith("2023-11-14T22:13:20.250Z ERROR - ") for line in lines)
    assert lines[-2].endswith("ValueError: no")


def test_json_is_one_object_a_line() -> None:
    text = JsonFormatter().format(record("a\nb %d", 7))

    assert "\n" not in text
    assert json.loads(text) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "INFO",
        "subject": "-",
        "logger": "call_api.x",
        "message": "a\nb 7",
    }


def test_json_holds_tracebacks_and_stacks() -> None:
    made = failed()
    made.stack_info = "Stack (most recent call last): here"

    text = JsonFormatter().format(made)

    assert "\n" not in text
    traceback = json.loads(text)["traceback"]
    assert "ValueError: no\nsuch" in traceback
    assert traceback.endswith("here")


def test_json_can_say_what_is_no_text() -> None:
    assert json.loads(JsonFormatter().format(record("%s", "\ud800")))["message"] == "\ud800"


@pytest.mark.usefixtures("root_logger")
def test_without_a_file_lines_go_to_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)

    assert set_up(Log(level="WARN")) is None
    logging.getLogger("call_api.x").info("unheard")
    logging.getLogger("call_api.x").warning("heard")

    assert stderr.getvalue().endswith("WARN  - heard\n")
    assert "unheard" not in stderr.getvalue()


@pytest.mark.usefixtures("root_logger")
def test_a_file_is_appended_to_and_reopened_after_it_was_moved(tmp_path: Path) -> None:
    path, moved = tmp_path / "api.log", tmp_path / "api.log.1"
    path.write_text("before\n")
    file = set_up(Log(level="DEBUG", file_path=str(path), format="json"))
    assert isinstance(file, LogFile)

    logging.getLogger("call_api.x").debug("one")
    path.rename(moved)
    file.reopen()
    logging.getLogger("call_api.x").debug("two")

    assert [line[:6] for line in moved.read_text().splitlines()] == ["before", '{"time']
    assert json.loads(path.read_text())["message"] == "two"


@pytest.mark.usefixtures("root_logger")
def test_a_file_that_cannot_be_reopened_is_written_on(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "api.log"
    path.parent.mkdir()
    file = set_up(Log(level="ERROR", file_path=str(path)))
    assert file is not None
    moved = path.parent.rename(tmp_path / "away") / "api.log"

    file.reopen()
    logging.getLogger("call_api.x").error("still here")

    lines = moved.read_text().splitlines()
    assert "stays as it is: No such file or directory" in lines[0]
    assert lines[1].endswith("still here")


@pytest.mark.usefixtures("root_logger")
def test_a_file_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        set_up(Log(file_path=str(tmp_path / "missing" / "api.log")))


def test_setting_up_twice_leaves_one_handler(root_logger: logging.Logger) -> None:
    set_up(Log())
    set_up(Log())

    assert len(root_logger.handlers) == 1
