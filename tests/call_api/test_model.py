import msgspec
import pytest
from msgspec import ValidationError

from call_api.model import CallId, CmdId


@pytest.mark.parametrize("text", ["a", "1fc8043a-0@10.0.0.1", "!~", "x" * 256])
def test_a_call_id_is_printable_ascii_without_blanks(text: str) -> None:
    assert msgspec.convert(text, CallId) == text


@pytest.mark.parametrize("text", ["", "a b", "a\n", "\ta", "é", "a\x7f", "x" * 257, "a\r\nVia: b"])
def test_any_other_text_is_no_call_id(text: str) -> None:
    with pytest.raises(ValidationError):
        msgspec.convert(text, CallId)


@pytest.mark.parametrize("text", ["a", "my command", "x" * 128, '"\\'])
def test_a_command_id_is_printable_ascii(text: str) -> None:
    assert msgspec.convert(text, CmdId) == text


@pytest.mark.parametrize("text", ["", "a\n", "\n", "é", "x" * 129, 5, None])
def test_anything_else_is_no_command_id(text: object) -> None:
    with pytest.raises(ValidationError):
        msgspec.convert(text, CmdId)
