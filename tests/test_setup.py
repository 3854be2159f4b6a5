"""What is compiled where the daemon is installed, and nothing else is."""

import ast
import fnmatch
import importlib
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
from setuptools import Distribution, Extension

import call_api

ROOT = Path(__file__).parent.parent
SETUP = runpy.run_path(str(ROOT / "setup.py"))
"""What it defines; run so, it builds nothing."""
IS_INSTALLED = not Path(call_api.__file__).is_relative_to(ROOT / "call_api")
COMPILED: list[str] = [*SETUP["COMPILED"]]


@pytest.mark.parametrize("path", COMPILED)
def test_a_compiled_module_is_one_where_it_is_installed_and_plain_here(path: str) -> None:
    module = importlib.import_module(path.removesuffix(".py").replace("/", "."))

    assert module.__file__ is not None
    assert module.__file__.endswith(".so" if IS_INSTALLED else ".py")


@pytest.mark.parametrize("path", COMPILED)
def test_a_compiled_module_defines_no_struct(path: str) -> None:
    classes = (node for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))))
    bases = {
        base.id
        for node in classes
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if isinstance(base, ast.Name)
    }

    assert "Struct" not in bases


@pytest.mark.parametrize("path", COMPILED)
def test_a_compiled_module_waits_nowhere_while_an_exception_is_on_its_way(path: str) -> None:
    assert waits_with_an_exception(ast.parse((ROOT / path).read_text("utf-8"))) == []


def waits_with_an_exception(tree: ast.AST) -> list[int]:
    """Lines where mypyc (2.4) makes code that may crash: it loses the exception while it waits.

    `asyncio.timeout` does not wait on its way out.
    """
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Try):
            ways_out = [*node.handlers, *node.finalbody]
            inner = [one for part in ways_out for one in ast.walk(part)]
            found += [one.lineno for one in inner if isinstance(one, ast.Await | ast.AsyncFor)]
        elif isinstance(node, ast.AsyncWith):
            entered = [ast.unparse(item.context_expr) for item in node.items]
            found += [node.lineno for text in entered if not text.startswith("asyncio.timeout")]
    return found


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("async def f():\n  try: g()\n  except E:\n    await h()", [4]),
        ("async def f():\n  try: g()\n  finally:\n    await h()", [4]),
        ("async def f():\n  async with g(): h()", [2]),
        ("async def f():\n  async with asyncio.timeout(1): await h()", []),
    ],
)
def test_such_places_are_found(text: str, lines: list[int]) -> None:
    assert waits_with_an_exception(ast.parse(text)) == lines


def test_the_list_is_in_order_and_names_each_once() -> None:
    assert sorted(set(COMPILED)) == COMPILED


def test_what_is_built_is_built_as_a_whole_or_not_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shim, library = tmp_path / "shim.c", tmp_path / "library.c"
    shim.write_text("int shim = 1;")
    library.write_text("#error too large for this machine")
    build = build_ext_of(Extension("shim", [str(shim)]), Extension("library", [str(library)]))
    build.build_lib, build.build_temp = str(tmp_path / "lib"), str(tmp_path / "temp")
    build.ensure_finalized()

    build.run()

    assert list(tmp_path.rglob("*.so")) == []
    assert build.get_outputs() == []
    assert "not compiled, plain Python is slower" in capsys.readouterr().err


@pytest.mark.parametrize("failure", ["SystemExit('no types')", "ImportError", "AssertionError"])
def test_whatever_the_compiler_says_the_daemon_can_be_installed(
    failure: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "mypyc").mkdir()
    (tmp_path / "mypyc" / "build.py").write_text(f"def mypycify(*_, **__): raise {failure}")
    for name in [name for name in sys.modules if name.partition(".")[0] == "mypyc"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delenv("CALL_API_COMPILED", raising=False)

    assert SETUP["extensions"]() == []
    assert "not compiled, plain Python is slower" in capsys.readouterr().err


def test_nothing_of_an_earlier_build_gets_into_a_wheel(tmp_path: Path) -> None:
    for folder in ("lib/call_api", "lib.linux-x86_64-cpython-311/call_api", "compiled/call_api"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "gone.so").touch()

    SETUP["forget_earlier_builds"](tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["compiled"]


def test_docker_is_given_what_the_image_is_built_from() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    given = [pattern[1:] for pattern in ignored if pattern.startswith("!")]
    words = [line.split() for line in (ROOT / "Dockerfile").read_text("utf-8").splitlines()]
    copied = [word for line in words if line[:1] == ["COPY"] for word in line[1:-1]]
    needed = [word for word in copied if not word.startswith(("-", "/"))]

    assert "setup.py" in needed
    assert [name for name in needed if not any(fnmatch.fnmatch(name, one) for one in given)] == []


def build_ext_of(*extensions: Extension) -> Any:
    return SETUP["BuildAllOrNone"](Distribution({"name": "x", "ext_modules": [*extensions]}))
