import io
import json
import sys
from pathlib import Path

import pytest

from call_api_client.params import BadParams, read_params, read_words


class Stdin:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def test_parameters_are_a_json_object() -> None:
    assert read_params('{"callid": "x", "deep": [1, {"a": null}]}') == {
        "callid": "x",
        "deep": [1, {"a": None}],
    }
    assert read_params("") == {}


def test_large_numbers_keep_every_digit() -> None:
    assert read_params('{"n": 123456789012345678901234567890}') == {
        "n": 123456789012345678901234567890
    }


def test_parameters_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "params.json"
    file.write_bytes(b'\xef\xbb\xbf{\n  "text": "\xc3\xbc"\n}\n')

    assert read_params(f"@{file}") == {"text": "ü"}


def test_parameters_come_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b'{"a": 1}\n'))

    assert read_params("-") == {"a": 1}


def test_words_are_text_or_json_and_override() -> None:
    words = ["caller=sip:a@h;user=phone", "limit:=10", "list:=[1]", "empty=", "a==b", "caller=x"]

    assert read_params('{"caller": "y", "leg": "caller"}', words) == {
        "leg": "caller",
        "caller": "x",
        "limit": 10,
        "list": [1],
        "empty": "",
        "a": "=b",
    }


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("alice", "'alice': a parameter is key=value, or key:=value for JSON"),
        ("=x", "'=x': a parameter"),
        (":=1", "':=1': a parameter"),
        ("n:=ten", "n: no JSON: Expecting value: line 1 column 1 (char 0)"),
        ("n:=NaN", "JSON has no NaN"),
        ("n:=" + "[" * 100_000, "n: JSON nested too deep"),
    ],
)
def test_a_wrong_word_is_explained(word: str, problem: str) -> None:
    with pytest.raises(BadParams) as caught:
        read_words([word])

    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "the parameters: no JSON: Expecting property name"),
        ('["a"]', "the parameters are one JSON object"),
        ("@/nowhere", "@/nowhere: cannot be read: No such file or directory"),
        ("@\0", "@\0: cannot be read: embedded null byte"),
    ],
)
def test_wrong_parameters_are_explained(text: str, problem: str) -> None:
    with pytest.raises(BadParams) as caught:
        read_params(text)

    assert str(caught.value).startswith(problem)


def test_a_file_that_is_no_text_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b'{"a": "\xff"}')

    with pytest.raises(BadParams, match=r"not UTF-8 \(invalid start byte at byte 7\)"):
        read_params(f"@{file}")


def test_what_was_read_can_be_said_again() -> None:
    text = '{"a": 1.5, "b": "\\u2028\\ud83d\\ude00", "c": true}'

    assert read_params(json.dumps(read_params(text))) == read_params(text)
