import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from call_api.yaml_nodes import BadYaml, List, Map, Scalar, parse, shown


@pytest.fixture(params=["C", "Python"])
def _either_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With libyaml and without it: PyYAML is installed either way."""
    if request.param == "Python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)


pytestmark = pytest.mark.usefixtures("_either_parser")


def plain(text: str, line: int = 1) -> Scalar:
    return Scalar(text, is_plain=True, line=line)


def test_values_know_their_lines() -> None:
    assert parse("# c\na:\n  b: 1\n  c: [x,\n   'y']\n") == Map(
        (
            (
                plain("a", 2),
                Map(
                    (
                        (plain("b", 3), plain("1", 3)),
                        (
                            plain("c", 4),
                            List((plain("x", 4), Scalar("y", is_plain=False, line=5)), 4),
                        ),
                    ),
                    3,
                ),
            ),
        ),
        2,
    )


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "\ufeff"])
def test_no_document_is_nothing(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5060", 5060),
        ("-1", -1),
        ("0x1F", 31),
        ("010", 10),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("no", "no"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("2024-13-45", "2024-13-45"),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("1_000", "1_000"),
        (".nan", ".nan"),
        ("9" * 5000, float("inf")),
        ("'5060'", "5060"),
        ('"true"', "true"),
        ("''", ""),
        ('"\\x00"', "\x00"),
    ],
)
def test_plain_words_mean_what_the_core_schema_says(text: str, value: object) -> None:
    node = parse(text)

    assert isinstance(node, Scalar)
    assert (node.value, type(node.value)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a:\n\tb: 2", 2, "found character"),
        ("a: 1\nb: [1, 2", None, "did not find|expected"),
        ("a: b: c", 1, "mapping values are not allowed"),
        ("a: 'b", 1, "unexpected end of stream"),
        ("\n\n}", 3, "node content"),
        ("%YAML 9.9\n---\na: 1", 1, "incompatible YAML document"),
        ("a: 1\nb: \x00", 2, r"found the character '\\x00', which YAML forbids"),
        ("a: \x1b[31m", 1, r"found the character '\\x1b', which YAML forbids"),
        ("a: \ud800", 1, r"found the character '\\ud800', which YAML forbids"),
        ('a: "\\ud800"', 1, "escape"),
        ('a: "\\U00110000"', 1, "escape"),
        ("a: &x 1\nb: *x", 1, "found an anchor or an alias"),
        ("a: *x", 1, "found an anchor or an alias"),
        ("&a [*a]", 1, "found an anchor or an alias"),
        ("&a {b: *a}", 1, "found an anchor or an alias"),
        ("a: !!python/name:os.system", 1, "found a tag"),
        ("a:\n- !!binary aGk=", 2, "found a tag"),
        ("!!map {a: 1}", 1, "found a tag"),
        ("a: 1\nb: 2\na: 3", 3, "expected the key 'a' once, the first is on line 1"),
        ("? [a]\n: b", 1, "found a key that is no plain word"),
        ("{{a: 1}: 2}", 1, "found a key that is no plain word"),
        ("a: 1\n---\nb: 2", 2, "found a second document"),
        ("[" * 100_000, 1, "nested too deep"),
        ("- " * 5000, 1, "nested too deep"),
    ],
)
def test_what_a_settings_file_does_not_need_is_refused(
    text: str, line: int | None, problem: str
) -> None:
    with pytest.raises(BadYaml, match=problem) as caught:
        parse(text)

    assert line in {None, caught.value.line}
    assert "\n" not in caught.value.problem


def test_an_alias_bomb_is_refused_at_its_first_anchor() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 64)]

    with pytest.raises(BadYaml, match="line 1: found an anchor or an alias"):
        parse("\n".join(lines))


@given(st.text(max_size=40) | st.text(alphabet="{}[]:-,'\"&*!|>%@#? \n\tab1", max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        line = getattr(parse(text), "line", 1)
    except BadYaml as exc:
        line = exc.line

    assert 1 <= line <= len(text.splitlines()) + 1


def test_what_is_shown_is_escaped_and_cut() -> None:
    assert shown("a\nb\x1b") == r"'a\nb\x1b'"
    assert shown("x" * 100) == "'" + "x" * 57 + "...'"
