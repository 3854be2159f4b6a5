import io
import sys

import pytest

from call_cmd.prompt import _completer, lines


def test_what_is_no_terminal_is_read_without_a_prompt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a\nb\n"))

    with lines(lambda _before, _word: []) as typed:
        assert list(typed) == ["a\n", "b\n"]
    assert capsys.readouterr() == ("", "")


def test_readline_is_given_one_completion_after_the_other() -> None:
    asked: list[tuple[str, str]] = []

    def complete(before: str, word: str) -> list[str]:
        asked.append((before, word))
        return ["hold", "help"]

    completion = _completer(complete, lambda: "call-cmd h", lambda: 9)

    assert [completion("h", number) for number in range(3)] == ["hold ", "help ", None]
    assert asked == [("call-cmd ", "h")]
