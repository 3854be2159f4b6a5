from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta

from call_api.setting_types import Mismatch, convert, is_secret, parse_text, words
from call_api.yaml_nodes import BadYaml, Node, Scalar, parse

Port = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[float, Meta(ge=0.01, le=86400.0)]
Name = Annotated[str, Meta(pattern="^[a-z]*$", extra={"expected": "a name"})]
Secret = Annotated[str, Meta(pattern="^.+$", extra={"expected": "a password", "secret": True})]
Names = tuple[Name, ...]
Users = Mapping[Name, Secret]
OneOrMore = Name | Names
Level = Literal["LOW", "HIGH"]


def node(text: str) -> Node:
    return parse(text) or Scalar("", is_plain=True, line=1)


@pytest.mark.parametrize(
    ("text", "wanted", "value"),
    [
        ("5060", Port, 5060),
        ("20", Seconds, 20.0),
        ("0.5", Seconds, 0.5),
        ("abc", Name, "abc"),
        ("'abc'", Name, "abc"),
        ("", Name, ""),
        ("HIGH", Level, "HIGH"),
        ("[a, b]", Names, ("a", "b")),
        ("[]", Names, ()),
        ("", Names, ()),
        ("{a: x, b: '5'}", Users, {"a": "x", "b": "5"}),
        ("{}", Users, {}),
        ("~", Users, {}),
        ("{true: x}", Users, {"true": "x"}),
        ("a", OneOrMore, "a"),
        ("", OneOrMore, ""),
        ("[a]", OneOrMore, ("a",)),
    ],
)
def test_what_fits_is_taken(text: str, wanted: Any, value: object) -> None:
    assert convert(node(text), wanted) == value


@pytest.mark.parametrize(
    ("text", "wanted", "below", "problem"),
    [
        ("70000", Port, "", "expected a whole number from 0 to 65535, not '70000'"),
        ("5.5", Port, "", "expected a whole number from 0 to 65535, not '5.5'"),
        ("true", Port, "", "expected a whole number from 0 to 65535, not 'true'"),
        ("'5'", Port, "", "expected a whole number from 0 to 65535, not '5'"),
        ("", Port, "", "expected a whole number from 0 to 65535, not nothing"),
        ("[5]", Port, "", "expected a whole number from 0 to 65535, not a list"),
        ("{a: 5}", Port, "", "expected a whole number from 0 to 65535, not keys with values"),
        ("soon", Seconds, "", "expected a number from 0.01 to 86400, not 'soon'"),
        ("1e999", Seconds, "", "expected a number from 0.01 to 86400, not '1e999'"),
        (".nan", Seconds, "", "expected a number from 0.01 to 86400, not '.nan'"),
        ("http://u:p/w@h", Name, "", "expected a name, not 'http://...@h'"),
        ("u:pw@h:1", Name, "", "expected a name, not 'u:...@h:1'"),
        ("A", Name, "", "expected a name, not 'A'"),
        ("5", Name, "", "expected a name; put a number or a word like true in quotes"),
        ("true", Name, "", "expected a name; put a number or a word like true in quotes"),
        ("low", Level, "", "expected one of LOW, HIGH, not 'low'"),
        ("a", Names, "", "expected a list, each item a name, not 'a'"),
        ("[a, B]", Names, "[1]", "expected a name, not 'B'"),
        ("[a, [b]]", Names, "[1]", "expected a name, not a list"),
        ("a", Users, "", "expected keys with values, each value a password"),
        ("[a]", Users, "", "expected keys with values, each value a password, not a list"),
        ("{A: x}", Users, "", "expected a name, not 'A'"),
        ("{a: 5}", Users, ".a", "expected a password; put a number or a word like true in quotes"),
        ("{a: ''}", Users, ".a", "expected a password"),
        ("{a: }", Users, ".a", "expected a password"),
        ("{a: {b: c}}", Users, ".a", "expected a password, not keys with values"),
        ("A", OneOrMore, "", "expected a name, not 'A'"),
        ("[a, B]", OneOrMore, "[1]", "expected a name, not 'B'"),
        ("{a: b}", OneOrMore, "", "expected a name, not keys with values"),
    ],
)
def test_what_does_not_fit_says_what_was_expected(
    text: str, wanted: Any, below: str, problem: str
) -> None:
    with pytest.raises(Mismatch) as caught:
        convert(node(text), wanted)

    assert (caught.value.below, caught.value.problem) == (below, problem)


def test_a_wrong_item_is_found_on_its_own_line() -> None:
    with pytest.raises(Mismatch) as caught:
        convert(node("\n- a\n- b\n- C"), Names)

    assert (caught.value.line, caught.value.below) == (4, "[2]")


def test_the_name_of_a_wrong_entry_is_escaped() -> None:
    with pytest.raises(Mismatch) as caught:
        convert(node('{a: x, "b\\n": ""}'), Mapping[str, Secret])

    assert caught.value.below == r".b\n"


def test_a_secret_is_never_shown() -> None:
    with pytest.raises(Mismatch) as caught:
        convert(node("s3cret"), Users)

    assert "s3cret" not in caught.value.problem


@pytest.mark.parametrize(
    ("text", "wanted", "value"),
    [
        ("5060", Port, 5060),
        ("true", Annotated[str, Meta(pattern=".*")], "true"),
        ("5", str, "5"),
        ("", str, ""),
        ("'quotes' and #hash", str, "'quotes' and #hash"),
        ("HIGH", Level, "HIGH"),
        ("[a, b]", Names, ("a", "b")),
        ("", Names, ()),
        ("{a: x}", Users, {"a": "x"}),
        ("a", OneOrMore, "a"),
        ("[a, b]", OneOrMore, ("a", "b")),
    ],
)
def test_the_text_of_a_variable_is_read_as_its_setting_wants(
    text: str, wanted: Any, value: object
) -> None:
    assert convert(parse_text(text, wanted), wanted) == value


def test_a_variable_that_is_no_yaml_is_refused() -> None:
    with pytest.raises(BadYaml):
        parse_text("[a", Names)


def test_a_union_is_worded_with_or() -> None:
    assert words(OneOrMore) == "a name or a list, each item a name"


@pytest.mark.parametrize(
    ("wanted", "yes"), [(Secret, True), (Users, True), (Name, False), (Port, False), (Level, False)]
)
def test_secrets_are_marked(wanted: Any, yes: bool) -> None:
    assert is_secret(wanted) is yes
