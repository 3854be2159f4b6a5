import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_api.sip.grammar import (
    BadHeader,
    format_params,
    parse_number,
    parse_params,
    quote,
    split_list,
    unquote,
)


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ("", []),
        (" a ", ["a"]),
        ("a, b ,c", ["a", "b", "c"]),
        (",, a,,b,", ["a", "b"]),
        ('"x, y" <sip:a@b>, <sip:c,d@e>;q=1', ['"x, y" <sip:a@b>', "<sip:c,d@e>;q=1"]),
        (r'"x\", y", z', [r'"x\", y"', "z"]),
        ('"", <>', ['""', "<>"]),
        ("<sip:a@b>,", ["<sip:a@b>"]),
        ('<a>, "open <b>, c', ["<a>", '"open <b>, c']),
        ('a "open, b', ["a", '"open, b']),
        ("<a>, <open, b", ["<a>", "<open, b"]),
        (', "open, x', ['"open, x']),
    ],
)
def test_commas_separate_outside_of_quotes_and_brackets(value: str, items: list[str]) -> None:
    assert split_list(value) == items


@given(st.text('a",<>\\ '))
def test_splitting_loses_nothing_but_commas_and_blanks(value: str) -> None:
    kept = "".join(split_list(value))

    assert kept.replace(" ", "").replace(",", "") == value.replace(" ", "").replace(",", "")


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("", {}),
        (";lr", {"lr": None}),
        (";Tag=aB;q=0.5", {"tag": "aB", "q": "0.5"}),
        (' ; a = "x;y" ; b = [::1] ; c ', {"a": '"x;y"', "b": "[::1]", "c": None}),
        (';a="\\""', {"a": '"\\""'}),
        (";tag=abc==@x?", {"tag": "abc==@x?"}),
    ],
)
def test_parameters_are_read_with_their_values_as_written(
    text: str, params: dict[str, str | None]
) -> None:
    assert parse_params(text) == params
    assert parse_params(format_params(params)) == params


@pytest.mark.parametrize("text", [";", ";;", "a=b", ";a=", ";=b", ";a=b c", ";a<", ';a="open'])
def test_parameters_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(BadHeader, match="wrong form"):
        parse_params(text)


@pytest.mark.parametrize("text", [";a;A", ';a="1" ;a'])
def test_a_parameter_may_stand_once(text: str) -> None:
    with pytest.raises(BadHeader, match="parameter a twice"):
        parse_params(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("0010", 10),
        ("99", 99),
        ("100", None),
        ("-1", None),
        ("", None),
        (" 1", None),
        ("\u0663", None),
        ("\u00b2", None),
        ("0" * 5000, None),
        ("9" * 5000, None),
    ],
)
def test_a_number_is_plain_digits_within_its_limit(text: str, number: int | None) -> None:
    assert parse_number(text, 99) == number


@given(st.text())
def test_what_is_quoted_comes_back(text: str) -> None:
    assert unquote(quote(text)) == text


def test_what_is_not_quoted_is_left_alone() -> None:
    assert [unquote(text) for text in ("", '"', "a", '"a', 'a"')] == ["", '"', "a", '"a', 'a"']
