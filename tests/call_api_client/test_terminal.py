import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_api_client.terminal import Screen, escape, escape_json, one_line


class Paper(io.TextIOWrapper):
    """A stream that remembers what was written, and may be a terminal."""

    def __init__(self, *, is_terminal: bool = False, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    @property
    def written(self) -> bytes:
        self.flush()
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue()


@pytest.fixture
def coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Jürgen 日本", "Jürgen 日本"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("one\r\ntwo\tthree", r"one\r\ntwo\tthree"),
        ("\x9b2J\x7f", r"\x9b2J\x7f"),
        ("a\u202eb\u2066\ufeff", r"a\u202eb\u2066\ufeff"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_does_not_show_itself_is_spelled_out(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(st.text())
def test_escaped_text_moves_no_cursor(text: str) -> None:
    assert escape(text).isprintable()


@given(st.recursive(st.text() | st.integers(), st.lists, max_leaves=5))
def test_escaped_json_says_the_same(value: object) -> None:
    for text in (json.dumps(value, ensure_ascii=False), json.dumps(value, indent=1)):
        escaped = escape_json(one_line(text))

        assert escaped.isprintable()
        assert json.loads(escaped) == value


def test_json_on_one_line_is_left_as_it_came() -> None:
    assert one_line('{"a" :  1}') == '{"a" :  1}'
    assert one_line('{"a":\r\n 1}') == '{"a":1}'
    assert escape_json('{"a":\t1}') == '{"a": 1}'


def test_a_pipe_gets_lines_without_colours() -> None:
    paper = Paper()
    screen = Screen(paper)

    screen.line(("callid ", ""), ("x\ny", "bold green"))
    screen.json('{"a" :  "\x9b\u202eü"}')

    assert paper.written.decode() == 'callid x\\ny\n{"a" :  "\x9b\u202eü"}\n'
    assert not screen.is_terminal


@pytest.mark.usefixtures("coloured")
def test_a_terminal_gets_colours_and_whole_lines_and_nothing_that_does_not_show() -> None:
    paper = Paper(is_terminal=True)
    screen = Screen(paper)

    screen.line(("callid ", ""), ("x" * 50, "bold"), ("[red]:smile:\x1b", ""))
    screen.json('{"a": "\x9b\u202e' + "y" * 50 + '"}')

    first, second, rest = paper.written.decode().split("\n")
    assert f"callid \x1b[1m{'x' * 50}\x1b[0m[red]:smile:\\x1b" in first
    assert "\x1b[" in second
    assert r"\u009b\u202e" + "y" * 50 in second
    assert rest == ""


@pytest.mark.usefixtures("coloured")
@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_who_wants_no_colours_gets_none(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    paper = Paper(is_terminal=True)
    screen = Screen(paper)

    screen.line(("callid \x1b", "bold"))
    screen.json('{"a":"\x9b"}')

    assert paper.written.decode() == 'callid \\x1b\n{"a":"\\u009b"}\n'


@pytest.mark.usefixtures("coloured")
@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_locale_without_unicode_stops_nothing(is_terminal: bool) -> None:
    paper = Paper(is_terminal=is_terminal, encoding="ascii")
    screen = Screen(paper)

    screen.line(("Jürgen", ""))

    assert paper.written == b"J\\xfcrgen\n"


def test_json_between_programs_is_utf_8_whatever_the_locale() -> None:
    paper = Paper(encoding="ascii")

    Screen(paper).json('"ü"')

    assert paper.written == b'"\xc3\xbc"\n'


def test_a_closed_stream_swallows_everything() -> None:
    screen = Screen(None)

    screen.line(("x", ""))
    screen.json("{}")

    assert not screen.is_terminal
