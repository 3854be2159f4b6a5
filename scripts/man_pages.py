"""Writes the manual pages in docs/man, from the same words that ``--help`` shows.

    python scripts/man_pages.py        `make man` does it

docs/cli.md says what the exit statuses are.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import click

import call_api.cli
import call_api_client.cli
import call_cmd.cli
from call_api.config import TOOLS
from call_api.settings import search_path
from call_api.version import VERSION

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "man"

PROGRAMS: dict[str, tuple[click.Command, str]] = {
    "call-api": (call_api.cli.call_api, "daemon that starts, transfers, holds and ends SIP calls"),
    "call-api-client": (
        call_api_client.cli.call_api_client,
        "call one method of a Call API daemon and print what it says",
    ),
    "call-cmd": (call_cmd.cli.call_cmd, "start, transfer, hold and end calls from a shell"),
}
"""Each program, and what it is."""

CONFIGURED_BY = {"call-api": "call-api", "call-api-client": "call-api", "call-cmd": "call-cmd"}
"""Whose settings a program reads."""


def page(name: str) -> str:
    """Return the manual page of a program."""
    command, summary = PROGRAMS[name]
    context = click.Context(command, info_name=name)
    parts = [
        [f'.TH {name.upper()} 1 "" "call-api {VERSION}" "Call API"'],
        [".SH NAME", f"{roff(name)} \\- {roff(summary)}"],
        [".SH SYNOPSIS", *_usage(context)],
        [".SH DESCRIPTION", *_prose(command.help or "")],
        *_options(".SH", context),
        *_subcommands(context),
        [".SH EXIT STATUS", *_statuses(name)],
        [".SH FILES", *_files(name)],
        [".SH ENVIRONMENT", *_environment()],
        [".SH SEE ALSO", *_others(name)],
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


def roff(text: str) -> str:
    """Return text as roff takes it for nothing but text."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped[:1] in {".", "'"} else escaped


def _usage(context: click.Context) -> Iterator[str]:
    pieces = " ".join(context.command.collect_usage_pieces(context))
    yield f".B {roff(context.command_path)}"
    yield roff(pieces)


def _prose(text: str) -> Iterator[str]:
    """Lay out help: paragraphs are filled, those after a backspace stand as they are."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        verbatim = paragraph.startswith("\b")
        yield ".PP"
        if verbatim:
            yield ".nf"
        yield from (roff(line) for line in paragraph.lstrip("\b\n").split("\n"))
        if verbatim:
            yield ".fi"


def _options(heading: str, context: click.Context) -> Iterator[list[str]]:
    """Yield a section of options for each heading that help has."""
    sections: dict[str, list[str]] = {}
    for param in context.command.get_params(context):
        record = param.get_help_record(context)
        if isinstance(param, click.Option) and record is not None:
            lines = sections.setdefault(str(getattr(param, "section", "Options")), [])
            lines += [".TP", f".B {roff(record[0])}", *map(roff, record[1].split("\n"))]
    for name, lines in sections.items():
        yield [f"{heading} {name.upper() if heading == '.SH' else name}", *lines]


def _subcommands(context: click.Context, heading: str = ".SH COMMANDS") -> Iterator[list[str]]:
    group = context.command
    if not isinstance(group, click.Group):
        return
    yield [heading] if heading else []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        pieces = " ".join(command.collect_usage_pieces(inner))
        title = roff(f"{inner.command_path.removeprefix(context.command_path)} {pieces}".strip())
        yield [f'.SS "{title}"', *_prose(command.help or "")]
        yield [line for part in _own_options(inner, context) for line in part]
        yield from _subcommands(inner, "")


def _own_options(inner: click.Context, outer: click.Context) -> Iterator[list[str]]:
    """Yield the options that a subcommand has and its program has not."""
    known = {name for param in outer.command.get_params(outer) for name in param.opts}
    for param in inner.command.get_params(inner):
        record = param.get_help_record(inner)
        is_own = isinstance(param, click.Option) and not known & set(param.opts)
        if is_own and record is not None:
            yield [".TP", f".B {roff(record[0])}", *map(roff, record[1].split("\n"))]


def _statuses(name: str) -> Iterator[str]:
    if name == "call-api":
        yield roff("0: stopped as asked. 1: it cannot start. 2: the command line or a setting is")
        yield "wrong."
        return
    manual = (ROOT / "docs" / "cli.md").read_text("utf-8")
    table = manual.partition("## Exit statuses")[2].partition("\n## ")[0]
    for status, meaning in re.findall(r"^\| (\d+) \| (.*) \|$", table, flags=re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", meaning).replace("`", "").replace("\\|", "|")
        yield from (".TP", f".B {status}", roff(plain))


def _files(name: str) -> Iterator[str]:
    kind = TOOLS[CONFIGURED_BY[name]]
    yield "The first of these that is there is read:"
    for path in search_path(kind, {"HOME": "~"}):
        yield from (".br", f".I {roff(str(path))}")


def _environment() -> Iterator[str]:
    yield from (".TP", ".B CALL_API_SECTION_KEY")
    yield roff("overrides one setting, as in CALL_API_WS_SERVER_PORT=5060.")
    yield from (".TP", ".B NO_COLOR")
    yield "no colours on a terminal."


def _others(name: str) -> Iterator[str]:
    others = [other for other in PROGRAMS if other != name]
    for other in others:
        comma = "" if other == others[-1] else ","
        yield f".BR {roff(other)} (1){comma}"


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(exist_ok=True)
    for name in PROGRAMS:
        (FOLDER / f"{name}.1").write_text(page(name), "utf-8")


if __name__ == "__main__":
    main()
