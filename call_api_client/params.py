"""Parameters as they are typed: JSON, a file of JSON, and ``key=value`` words."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path


class BadParams(ValueError):
    """What was typed is no parameters. The message is one line."""


def read_params(text: str, words: Iterable[str] = ()) -> dict[str, object]:
    """Return the parameters of a request; a word overrides the JSON.

    Args:
        text: A JSON object; ``@FILE``: one in that file; ``-``: one on stdin; empty: none.
        words: As `read_words` takes them.

    Raises:
        BadParams: It is not that, or the file cannot be read.
    """
    params: object = _parse(_fetch(text), "the parameters") if text else {}
    if not isinstance(params, dict):
        raise BadParams('the parameters are one JSON object, like {"callid": "1fc8043a"}')
    return {**params, **read_words(words)}


def read_words(words: Iterable[str]) -> dict[str, object]:
    """Return what ``key=value`` (a string) and ``key:=value`` (JSON) say; the last one counts.

    Raises:
        BadParams: A word is neither.
    """
    return dict(map(_read_word, words))


def _read_word(word: str) -> tuple[str, object]:
    key, equals, value = word.partition("=")
    is_json = key.endswith(":")
    key = key.removesuffix(":")
    if not key or not equals:
        raise BadParams(f"{word!r}: a parameter is key=value, or key:=value for JSON")
    return key, _parse(value, key) if is_json else value


def _fetch(text: str) -> str:
    try:
        if text == "-":
            return sys.stdin.buffer.read().decode("utf-8-sig")
        if text.startswith("@"):
            return Path(text[1:]).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise BadParams(f"{text}: not UTF-8 ({exc.reason} at byte {exc.start})") from exc
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the name
        why = exc.strerror if isinstance(exc, OSError) else exc
        raise BadParams(f"{text}: cannot be read: {why}") from exc
    return text


def _parse(text: str, what: str) -> object:
    try:
        value: object = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as exc:
        raise BadParams(f"{what}: no JSON: {exc}") from exc
    except RecursionError as exc:
        raise BadParams(f"{what}: JSON nested too deep") from exc
    return value


def _refuse_constant(name: str) -> Mapping[str, object]:
    raise BadParams(f"JSON has no {name}")
