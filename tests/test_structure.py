"""Holds the arrows between the rooms: who may import whom, and how large things may grow.

Each rule is a function from one source file to the sentences that say what is wrong with it.
The second half of this file shows every rule a bad snippet, so that none sleeps unnoticed.
"""

import ast
import fnmatch
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("call_api", "call_cmd", "call_api_client")

NO_IO = (
    "call_api/access/access.py",
    "call_api/access/audit.py",
    "call_api/access/identity.py",
    "call_api/access/meters.py",
    "call_api/access/own_calls.py",
    "call_api/access/owners.py",
    "call_api/access/patterns.py",
    "call_api/access/scopes.py",
    "call_api/access/standing.py",
    "call_api/access/tokens.py",
    "call_api/access/web_tokens.py",
    "call_api/jsonrpc.py",
    "call_api/jsonrpc_texts.py",
    "call_api/dialects.py",
    "call_api/entry.py",
    "call_api/history.py",
    "call_api/journal.py",
    "call_api/record.py",
    "call_api/command_log.py",
    "call_api/command_logs.py",
    "call_api/memory_journal.py",
    "call_api/asked_commands.py",
    "call_api/attachments.py",
    "call_api/replies.py",
    "call_api/watches.py",
    "call_api/sip/*",
    "call_api/backends/embedded/bridge.py",
    "call_api/backends/embedded/changes.py",
    "call_api/backends/embedded/leg_state.py",
    "call_api/backends/embedded/routing.py",
    "call_api/backends/embedded/session.py",
    "call_api/backends/opensips/addresses.py",
    "call_api/backends/opensips/bye.py",
    "call_api/backends/opensips/dialogs.py",
    "call_api/backends/opensips/event_framing.py",
    "call_api/backends/opensips/event_table.py",
    "call_api/backends/opensips/events.py",
    "call_api/backends/opensips/hold_progress.py",
    "call_api/backends/opensips/mi.py",
    "call_api/backends/opensips/mi_exchange.py",
    "call_api/backends/opensips/outcomes.py",
    "call_api/backends/opensips/recent_dialogs.py",
    "call_api/backends/opensips/requests.py",
    "call_api/backends/opensips/transfer_progress.py",
    "call_api_client/events.py",
    "call_api_client/exchange.py",
    "call_api_client/messages.py",
    "call_api_client/mirror.py",
)
IO_MODULES = ("asyncio", "socket", "time", "websockets", "select", "selectors", "threading")
SOCKET_MODULES = ("socket", "socketserver", "websockets", "http", "urllib", "ssl")
SOCKET_CALLS = (
    "create_connection",
    "create_datagram_endpoint",
    "create_server",
    "create_unix_connection",
    "create_unix_server",
    "open_connection",
    "open_unix_connection",
    "start_server",
    "start_unix_server",
)
FILE_LINES = 350
FUNCTION_LINES = 40

Rule = Callable[[str, ast.Module], Iterator[str]]


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module a file imports, late imports included; of `from a import b` also ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def is_in(path: str, *rooms: str) -> bool:
    return any(fnmatch.fnmatchcase(path, room) for room in rooms)


def comes_from(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def no_io_rooms_do_no_io(path: str, tree: ast.Module) -> Iterator[str]:
    if is_in(path, *NO_IO):
        for module in imported(tree):
            if comes_from(module, *IO_MODULES):
                yield f"imports {module}, in a room without I/O"


def only_transports_open_sockets(path: str, tree: ast.Module) -> Iterator[str]:
    if is_in(path, "call_api/transports/*"):
        return
    for module in imported(tree):
        if comes_from(module, *SOCKET_MODULES):
            yield f"imports {module}: sockets are opened in call_api/transports"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in SOCKET_CALLS:
            yield f"calls {node.attr}: sockets are opened in call_api/transports"


def conversation_knows_no_socket_and_no_clock(path: str, tree: ast.Module) -> Iterator[str]:
    if is_in(path, "call_api/conversation.py"):
        for module in imported(tree):
            if comes_from(module, "call_api.transports", "socket", "time", "websockets"):
                yield f"imports {module}: one client is text in and text out"


def commands_know_no_back_end(path: str, tree: ast.Module) -> Iterator[str]:
    if is_in(path, "call_api/commands/*"):
        for module in imported(tree):
            inside = module == "call_api.backends" or comes_from(module, "call_api.backends.base")
            if comes_from(module, "call_api.backends") and not inside:
                yield f"imports {module}: commands know backends.base alone"
            if comes_from(module, "call_api.transports", "call_api.jsonrpc"):
                yield f"imports {module}: commands know neither JSON-RPC nor sockets"


def transports_know_no_commands(path: str, tree: ast.Module) -> Iterator[str]:
    upper = ("commands", "conversation", "jsonrpc", "dialects", "journal", "runner", "backends")
    if is_in(path, "call_api/transports/*"):
        for module in imported(tree):
            if comes_from(module, *(f"call_api.{name}" for name in upper)):
                yield f"imports {module}: transports move bytes"


def sip_and_jsonrpc_stand_alone(path: str, tree: ast.Module) -> Iterator[str]:
    own = "call_api.sip" if is_in(path, "call_api/sip/*") else "call_api.jsonrpc_texts"
    if is_in(path, "call_api/sip/*", "call_api/jsonrpc.py", "call_api/jsonrpc_texts.py"):
        for module in imported(tree):
            if comes_from(module, *PACKAGES) and not comes_from(module, own):
                yield f"imports {module}, from outside its room"


def an_init_is_a_docstring_and_a_table(path: str, tree: ast.Module) -> Iterator[str]:
    if not path.endswith("__init__.py"):
        return
    if ast.get_docstring(tree) is None:
        yield "has no docstring"
    for node in tree.body[1:]:
        if not isinstance(
            node, ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign | ast.Expr
        ):
            yield f"line {node.lineno}: an __init__.py holds a docstring and a table"


def functions_are_short(path: str, tree: ast.Module) -> Iterator[str]:
    """Counts from ``def`` to the last line, less the docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = ast.get_docstring(node) is not None
            docs = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
            lines = (node.end_lineno or 0) - node.lineno + 1 - docs
            if lines > FUNCTION_LINES:
                yield f"{node.name} has {lines} lines, more than {FUNCTION_LINES}"


def no_group_is_repeated_possessively(path: str, tree: ast.Module) -> Iterator[str]:
    """Python before 3.11.5 matches such groups wrongly (gh-106052), and Debian 12 has 3.11.2."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            if re.search(r"\)[*+?]\+", text):
                yield f"line {node.lineno}: repeats a group possessively"


RULES: tuple[Rule, ...] = (
    no_io_rooms_do_no_io,
    only_transports_open_sockets,
    conversation_knows_no_socket_and_no_clock,
    commands_know_no_back_end,
    transports_know_no_commands,
    sip_and_jsonrpc_stand_alone,
    an_init_is_a_docstring_and_a_table,
    functions_are_short,
    no_group_is_repeated_possessively,
)


def problems_of(path: str, text: str, rules: tuple[Rule, ...] = RULES) -> list[str]:
    tree = ast.parse(text)
    found = [f"{path}: {problem}" for rule in rules for problem in rule(path, tree)]
    if (lines := text.count("\n")) > FILE_LINES:
        found.append(f"{path}: has {lines} lines, more than {FILE_LINES}")
    return found


def mirrored(source: str) -> str:
    """Where the tests of a source file are."""
    folder, _, name = source.rpartition("/")
    return f"tests/{folder}/test_{name}"


def unpaired(sources: set[str], tests: set[str]) -> list[str]:
    """Sources without a test file, and test files whose source is gone."""
    wanted = {mirrored(source): source for source in sources if not source.endswith("__init__.py")}
    return [
        *(f"{wanted[test]} has no {test}" for test in sorted(wanted.keys() - tests)),
        *(f"{test} tests nothing that exists" for test in sorted(tests - wanted.keys())),
    ]


def files(*folders: str) -> list[str]:
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


# The project itself.


@pytest.mark.parametrize("path", files(*PACKAGES))
def test_a_source_file_keeps_to_its_room(path: str) -> None:
    assert problems_of(path, (ROOT / path).read_text("utf-8")) == []


@pytest.mark.parametrize("path", files("tests", "bench", "examples"))
def test_a_test_or_a_script_keeps_to_the_sizes(path: str) -> None:
    assert problems_of(path, (ROOT / path).read_text("utf-8"), (functions_are_short,)) == []


def test_every_source_has_its_test_file_and_every_test_file_its_source() -> None:
    tests = files(*(f"tests/{package}" for package in PACKAGES))
    only_tests = {path for path in tests if path.rpartition("/")[2].startswith("test_")}

    assert unpaired(set(files(*PACKAGES)), only_tests) == []


def test_every_branch_of_the_rooms_without_io_has_to_be_run() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["coverage"]

    assert set(NO_IO) <= set(settings["report"]["include"])
    assert settings["report"]["fail_under"] == 100
    assert settings["run"]["branch"] is True


# The rules can fail.

BAD = [
    ("call_api/sip/timers.py", "import asyncio\n", "without I/O"),
    ("call_api/sip/timers.py", "def f():\n    from time import monotonic\n", "without I/O"),
    ("call_api/jsonrpc.py", "import websockets.server\n", "without I/O"),
    ("call_api/daemon.py", "import socket\n", "sockets are opened in"),
    ("call_api/backends/embedded/agent.py", "loop.create_datagram_endpoint(x)\n", "calls create_d"),
    ("call_cmd/cli.py", "import asyncio\nasyncio.open_connection()\n", "calls open_connection"),
    ("call_api/conversation.py", "from call_api.transports import udp\n", "text in and text out"),
    ("call_api/commands/echo.py", "from call_api.backends import embedded\n", "backends.base"),
    ("call_api/commands/echo.py", "import call_api.backends.embedded.bridge\n", "backends.base"),
    ("call_api/commands/echo.py", "from call_api import jsonrpc\n", "neither JSON-RPC"),
    ("call_api/transports/udp.py", "from call_api.commands import COMMANDS\n", "move bytes"),
    ("call_api/sip/uri.py", "from call_api.model import SipUri\n", "outside its room"),
    ("call_api/jsonrpc.py", "from call_api.sip import uri\n", "outside its room"),
    ("call_api/sip/__init__.py", "import re\n", "no docstring"),
    ("call_api/sip/__init__.py", '"""Doc."""\ndef f(): ...\n', "a docstring and a table"),
    ("call_api/cli.py", "def f():\n" + "    x = 1\n" * 40, "f has 41 lines"),
    ("call_api/cli.py", "x = 1\n" * 351, "351 lines"),
    ("call_api/sip/uri.py", "X = rf'(?:a|{B})*+'\n", "possessively"),
    ("call_api/sip/uri.py", "X = b'(a|b)?+'\n", "possessively"),
]


@pytest.mark.parametrize(("path", "text", "problem"), BAD)
def test_a_broken_rule_is_found(path: str, text: str, problem: str) -> None:
    assert [found for found in problems_of(path, text) if problem in found]


GOOD = [
    ("call_api/sip/uri.py", "import re\nfrom call_api.sip import headers\n"),
    ("call_api/sip/uri.py", "X = rf'(?:a++|{B}*+)*'\n"),
    ("call_api/transports/udp.py", "import asyncio\nimport socket\nloop.create_server()\n"),
    ("call_api/commands/echo.py", "from call_api.backends.base import Backend\n"),
    ("call_api/commands/__init__.py", '"""Doc."""\nfrom a import b\nTABLE: dict = {"b": b}\n'),
    ("call_api/cli.py", 'def f():\n    """Doc.\n' + "    x\n" * 40 + '    """\n' + "    1\n" * 39),
]


@pytest.mark.parametrize(("path", "text"), GOOD)
def test_what_is_allowed_is_let_alone(path: str, text: str) -> None:
    assert problems_of(path, text) == []


def test_a_missing_and_a_left_over_test_file_are_both_found() -> None:
    found = unpaired(
        {"call_api/a.py", "call_api/b.py", "call_api/__init__.py"},
        {"tests/call_api/test_b.py", "tests/call_api/test_c.py"},
    )

    assert found == [
        "call_api/a.py has no tests/call_api/test_a.py",
        "tests/call_api/test_c.py tests nothing that exists",
    ]
