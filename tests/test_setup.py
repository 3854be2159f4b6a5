"""What is compiled where the daemon is installed, and nothing else is."""

import ast
import importlib
from pathlib import Path

import pytest

import call_api

ROOT = Path(__file__).parent.parent
IS_INSTALLED = not Path(call_api.__file__).is_relative_to(ROOT / "call_api")


def compiled() -> list[str]:
    """What setup.py names, which is not run: it would build."""
    setup = ast.parse((ROOT / "setup.py").read_text("utf-8"))
    (value,) = [
        node.value
        for node in setup.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "COMPILED"
    ]
    found: list[str] = [*ast.literal_eval(value)]
    return found


COMPILED = compiled()


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


def test_the_list_is_in_order_and_names_each_once() -> None:
    assert sorted(set(COMPILED)) == COMPILED
