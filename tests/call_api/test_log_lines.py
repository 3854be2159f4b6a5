import json
import logging

import pytest

from call_api.log_lines import Life, json_line, text_line, time_text


def test_a_time_is_utc_with_its_milliseconds_cut_off() -> None:
    assert time_text(0.0) == "1970-01-01T00:00:00.000Z"
    assert time_text(1_780_000_000.9999) == "2026-05-28T20:26:40.999Z"
    assert time_text(1_780_000_001.0625) == "2026-05-28T20:26:41.062Z"
    assert time_text(1_780_000_001.5) == "2026-05-28T20:26:41.500Z"


def test_what_does_not_show_itself_is_spelled_out() -> None:
    line = text_line(0.0, "INFO", "[a]", "x\n\u2028\U000e0001")

    assert line == "1970-01-01T00:00:00.000Z INFO  [a] x\\x0a\\u2028\\U000e0001"


def test_a_line_for_programs_has_a_traceback_only_if_there_is_one() -> None:
    said = {
        "time": "1970-01-01T00:00:00.000Z",
        "level": "INFO",
        "subject": "[a]",
        "logger": "x",
        "message": "m",
    }
    assert json.loads(json_line(0.0, "INFO", "[a]", "x", "m")) == said
    assert json.loads(json_line(0.0, "INFO", "[a]", "x", "m", "t")) == said | {"traceback": "t"}


def test_whether_a_life_is_told_is_asked_of_its_logger(caplog: pytest.LogCaptureFixture) -> None:
    life = Life(logging.getLogger("call_api.x"))
    caplog.set_level(logging.WARNING)
    assert not life.is_told()

    caplog.set_level(logging.INFO)
    assert life.is_told()
