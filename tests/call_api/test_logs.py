import asyncio
import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path
from typing import Literal

import pytest

from call_api.config import Log
from call_api.log_lines import ONLY, Life
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
def test_without_stderr_lines_go_nowhere(
    root_logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    set_up(Log())

    logging.getLogger("call_api.x").warning("unheard")

    assert len(root_logger.handlers) == 1


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


class Stream(io.StringIO):
    """Remembers how often it was written to."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


@pytest.fixture
def stderr() -> Iterator[Stream]:
    yield Stream()
    ONLY.handler = None


def set_up_on(stream: Stream, log: Log) -> None:
    with redirect_stderr(stream):
        set_up(log)


@pytest.mark.usefixtures("root_logger")
async def test_what_is_logged_in_one_turn_of_the_loop_is_one_write(stderr: Stream) -> None:
    set_up_on(stderr, Log(level="INFO"))
    logger = logging.getLogger("call_api.x")

    for number in range(3):
        logger.info("%d", number)
    assert stderr.writes == 0
    await asyncio.sleep(0)

    assert stderr.writes == 1
    assert [line[-1] for line in stderr.getvalue().splitlines()] == ["0", "1", "2"]


@pytest.mark.usefixtures("root_logger")
async def test_a_warning_is_written_at_once_and_so_is_very_much(stderr: Stream) -> None:
    set_up_on(stderr, Log(level="INFO"))
    logger = logging.getLogger("call_api.x")

    logger.info("before")
    logger.warning("now")
    assert [line.split()[-1] for line in stderr.getvalue().splitlines()] == ["before", "now"]
    for _ in range(1500):
        logger.info("much")

    assert len(stderr.getvalue().splitlines()) == 1002


@pytest.mark.usefixtures("root_logger")
async def test_a_message_that_cannot_be_formatted_costs_its_own_line_alone(stderr: Stream) -> None:
    set_up_on(stderr, Log(level="INFO"))
    logger = logging.getLogger("call_api.x")

    logger.info("%d", "x")
    logger.info("next")
    await asyncio.sleep(0)

    assert stderr.getvalue().endswith(" INFO  - next\n")


@pytest.mark.usefixtures("root_logger")
async def test_a_log_that_cannot_be_written_stops_nobody(
    root_logger: logging.Logger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loop, problems = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, problem: problems.append(problem))
    path, log = tmp_path / "log", logging.getLogger("call_api.x")
    path.symlink_to("/dev/full")
    file = set_up(Log(file_path=str(path)))
    assert file is not None

    log.warning("at once")
    Life(log).tell("[a]", "in this turn")
    for number in range(2000):
        log.info("%d", number)
    await asyncio.sleep(0.01)
    path.unlink()
    file.reopen()
    log.info("again")
    await asyncio.sleep(0.01)

    assert problems == []
    assert capsys.readouterr().err == "the log cannot be written: No space left on device\n"
    assert path.read_text().endswith(" again\n")


@pytest.mark.parametrize("format_", ["text", "json"])
async def test_the_life_of_a_command_is_told_as_any_other_line(
    stderr: Stream, format_: Literal["text", "json"]
) -> None:
    set_up_on(stderr, Log(level="INFO", format=format_))
    logger = logging.getLogger("call_api.x")

    Life(logger).tell("[a]", "gone\n")
    logger.info("gone\n", extra={"subject": "[a]"})
    await asyncio.sleep(0)

    one, other = stderr.getvalue().splitlines()
    if format_ == "text":
        assert one[24:] == other[24:] == " INFO  [a] gone\\x0a"
    else:
        assert {**json.loads(one), "time": 0} == {**json.loads(other), "time": 0}


def test_the_life_of_a_command_is_told_to_whoever_listens(
    root_logger: logging.Logger, stderr: Stream
) -> None:
    heard: list[logging.LogRecord] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record)

    set_up_on(stderr, Log(level="INFO"))
    life = Life(logging.getLogger("call_api.x"))
    root_logger.addHandler(Listener())

    life.tell("[a]", "100 % heard")
    root_logger.setLevel(logging.WARNING)
    assert not life.is_told()

    assert [(one.getMessage(), vars(one)["subject"]) for one in heard] == [("100 % heard", "[a]")]
    assert stderr.getvalue().endswith("[a] 100 % heard\n")
