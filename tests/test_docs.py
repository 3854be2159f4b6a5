"""Holds the documents: every command, error, setting and option has its entry, no link is dead."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

from call_api.commands import COMMANDS, QUERIES
from call_api.config import TOOLS
from call_api.conversation import Limits
from call_api.dialects import V1_WORDS
from call_api.errors import BY_CODE

ROOT = Path(__file__).parent.parent
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("bench/*.md")])


def read(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


def sections(text: str) -> dict[str, str]:
    """The text under each heading of a Markdown document, up to the next heading of any level."""
    parts = re.split(r"^#{1,6} +(.+?) *$", without_code(text), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def without_code(text: str) -> str:
    """The text without fenced blocks: a comment in one of them is no heading."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def rows(text: str) -> Iterator[list[str]]:
    """The cells of every table row."""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def anchor(heading: str) -> str:
    """What links call a heading, as GitHub makes it."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower().replace("`", ""))
    return kept.replace(" ", "-")


def dead_links(path: Path) -> list[str]:
    """Links of a document that lead to no file or to no heading."""
    text = without_code(path.read_text("utf-8"))
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        name, _, fragment = target.partition("#")
        other = path.parent / name if name else path
        headings = sections(other.read_text("utf-8")) if other.is_file() else {}
        if not other.exists() or (fragment and fragment not in map(anchor, headings)):
            dead.append(target)
    return dead


COMMAND_PAGE = sections(read("docs/commands.md"))
METHODS = {**COMMANDS, **QUERIES}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_a_section_that_names_every_parameter_and_spelling(name: str) -> None:
    section = COMMAND_PAGE[name]

    parameters = {cell for row in rows(section) for cell in re.findall(r"`(\w+)`", row[0])}
    fields = {field.name for field in msgspec.structs.fields(METHODS[name])}
    if name != "Echo":  # takes anything
        assert parameters == fields | set(METHODS[name].param_aliases)
    assert all(alias in section for alias in METHODS[name].aliases)


def test_no_section_is_about_a_method_that_is_gone() -> None:
    named = {name for name in COMMAND_PAGE if re.match(r"(Call|Command)[A-Z]|Echo|rpc\.", name)}

    assert named == METHODS.keys()


def test_every_word_of_v1_stands_beside_its_event() -> None:
    told = {
        (row[0], word)
        for section in COMMAND_PAGE.values()
        for row in rows(section)
        if len(row) == 3
        for word in re.findall(r"\b[A-Z]+(?:_[A-Z]+)*\b", row[1])
        if len(word) > 2
    }

    assert told == set(V1_WORDS.items())


def test_every_error_has_its_row_and_every_row_its_error() -> None:
    listed = {
        int(row[0]): row[1] for row in rows(read("docs/errors.md")) if re.fullmatch(r"-\d+", row[0])
    }

    assert listed == {code: error.__name__ for code, error in BY_CODE.items()}


def settings(struct: type[msgspec.Struct], prefix: str = "") -> Iterator[str]:
    """The dotted names of all settings of a struct and of those inside it."""
    for field in msgspec.structs.fields(struct):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from settings(field.type, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name


def test_the_limits_of_one_connection_are_told() -> None:
    told, limits = read("docs/commands.md"), Limits()

    assert f"A batch holds at most {limits.batch} requests." in told
    assert (
        f"may have {limits.unanswered} requests unanswered and follow {limits.followed}\n" in told
    )
    assert f"Up to {limits.watched} calls can be watched one by one." in told


@pytest.mark.parametrize("tool", TOOLS)
def test_every_setting_has_its_row_and_its_line(tool: str) -> None:
    parts = re.split(r"^## +", read("docs/config.md"), flags=re.MULTILINE)
    (page,) = [part for part in parts if part.startswith(f"{tool}.yml")]
    listed = {row[0].strip("`") for row in rows(page)} - {"key"}
    lines = re.findall(r"^ *#? *(\w+):", read(f"config/{tool}.yml"), flags=re.MULTILINE)

    names = set(settings(TOOLS[tool]))
    assert listed == names
    assert {name.rpartition(".")[2] for name in names} <= set(lines)


def programs() -> dict[str, click.Command]:
    """The three command lines, as click knows them."""
    import call_api.cli
    import call_api_client.cli
    import call_cmd.cli

    return {
        "call-api": call_api.cli.call_api,
        "call-api-client": call_api_client.cli.call_api_client,
        "call-cmd": call_cmd.cli.call_cmd,
    }


def options(name: str, command: click.Command) -> Iterator[tuple[str, str]]:
    """Every option of a command line and of its subcommands, with the words before it."""
    context = click.Context(command, info_name=name)
    for param in command.get_params(context):
        long = [spelling for spelling in param.opts if spelling.startswith("--")]
        if isinstance(param, click.Option) and not param.hidden and "--help" not in long:
            yield from ((name, spelling) for spelling in long)
    if isinstance(command, click.Group):
        for sub in command.list_commands(context):
            found = command.get_command(context, sub)
            assert found is not None
            yield (name, sub)
            yield from options(f"{name} {sub}", found)


@pytest.mark.parametrize("program", ["call-api", "call-api-client", "call-cmd"])
def test_every_option_and_subcommand_is_in_the_manual(program: str) -> None:
    page = read("docs/cli.md")

    missing = [
        f"{words} {option}"
        for words, option in options(program, programs()[program])
        if not re.search(rf"(?<![\w-])-?{re.escape(option.removeprefix('-'))}(?![\w-])", page)
    ]
    assert missing == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    assert dead_links(path) == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_make_target_that_is_told_exists(path: Path) -> None:
    text = path.read_text("utf-8")
    fenced = "\n".join(re.findall(r"^```.*?^```", text, flags=re.MULTILINE | re.DOTALL))
    told = set(re.findall(r"(?:^|`|; )make ([a-z-]+)", fenced + text, flags=re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), flags=re.MULTILINE))

    assert told <= targets


# The checks can fail.


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One\n[a](#one) [b](#two) [c](gone.md) [d](page.md#one) [e](page.md#x)\n")

    assert dead_links(page) == ["#two", "gone.md", "page.md#x"]


def test_headings_in_code_are_none() -> None:
    assert sections("# A\nx\n```\n# no\n```\n## B c\ny\n") == {"A": "\nx\n\n", "B c": "\ny\n"}
    assert anchor("`rpc.discover` is it") == "rpcdiscover-is-it"


def test_an_option_is_found_at_every_depth() -> None:
    @click.group()
    @click.option("--loud", is_flag=True)
    def tool() -> None:
        """Do things."""

    @tool.command()
    @click.option("--far", is_flag=True)
    def go() -> None:
        """Go."""

    assert list(options("tool", tool)) == [("tool", "--loud"), ("tool", "go"), ("tool go", "--far")]
