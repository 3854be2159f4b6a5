"""YAML file and environment -> `call_api.config` structs, every fault named in one line."""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from msgspec import structs

from call_api import yaml_nodes
from call_api.config import TOOLS
from call_api.config_types import Section
from call_api.setting_types import Mismatch, convert, parse_text
from call_api.yaml_nodes import BadYaml, Map, Node, Scalar, shown

T = TypeVar("T", bound=Section)
S = TypeVar("S", bound=Section)

_PREFIX = "CALL_API_"
_MAX_FILE_BYTES = 1_048_576
_MOST_NAMES = 16

# What Kubernetes and Docker set in every container beside a service called "call-api".
_SERVICE_LINK = re.compile(r"(SERVICE_(HOST|PORT).*|PORT(_\d+_(TCP|UDP|SCTP).*)?|NAME|ENV_.*)")


class ConfigError(ValueError):
    """A setting is wrong. The message is one line that says where, what and what was expected."""


@dataclass(frozen=True, kw_only=True)
class Settings(Generic[T]):
    """What was read.

    Attributes:
        path: The file; None when there is none and the defaults hold.
        origins: For each setting that is not left at its default, where it comes from:
            ``FILE:LINE`` or the variable.
    """

    config: T
    path: Path | None
    origins: Mapping[str, str]

    def error(self, key: str, expected: str) -> ConfigError:
        """Return the error for a setting that turned out to be wrong later.

        Args:
            key: As in ``ws_server.port``.
            expected: What was expected, as a sentence without its start.
        """
        origin = self.origins.get(key, self.path or "the defaults")
        return ConfigError(f"{origin}: {key}: expected {expected}")

    def reread(self) -> T:
        """Return what the same file, or the first one that is found, and the variables say now.

        Raises:
            ConfigError: It cannot be read, or a setting is wrong.
        """
        return load(type(self.config), self.path).config

    def late_error(self, exc: ValueError) -> ConfigError:
        """Return the error for a `ValueError` that says ``key: expected what``."""
        key, _, expected = str(exc).partition(": ")
        return self.error(key, expected.removeprefix("expected "))


def load(
    kind: type[T], path: Path | None = None, environ: Mapping[str, str] | None = None
) -> Settings[T]:
    """Read the settings of one program.

    Args:
        kind: Which settings: `Config` or `CmdConfig`.
        path: The file to read; by default the first of `search_path` that is there, if any.
        environ: The variables that override it; by default those of the process.

    Raises:
        ConfigError: A file cannot be read, or a setting is wrong.
    """
    environ = os.environ if environ is None else environ
    if path is None:
        path = next(filter(_is_there, search_path(kind, environ)), None)
    reading = _Reading(kind)
    if path is not None:
        reading.take_file(path)
    reading.take_environment(environ)
    return Settings(config=reading.build(), path=path, origins=reading.origins)


def search_path(kind: type[Section], environ: Mapping[str, str]) -> list[Path]:
    """Return where the file of a program is looked for, in order."""
    name = next(tool for tool, its in TOOLS.items() if its is kind) + ".yml"
    home = [Path(environ["HOME"], f".{name}")] if environ.get("HOME") else []
    return [*home, Path("config", name), Path("/etc", name), Path("/etc/call-api", name)]


def variables(kind: type[Section]) -> dict[str, str]:
    """Return the environment variable of every setting, with the setting's key."""
    return {_PREFIX + key.replace(".", "_").upper(): key for key in leaves(kind)}


def leaves(kind: type[Section]) -> dict[str, Any]:
    """Return the key of every setting, as in ``ws_server.port``, with its type."""
    return {key: its for key, its in _keys(kind) if not _is_section(its)}


def _keys(kind: type[Section], head: str = "") -> Iterator[tuple[str, Any]]:
    """Go through the keys of all sections and settings, each with its type."""
    for field in structs.fields(kind):
        yield head + field.name, field.type
        if _is_section(field.type):
            yield from _keys(field.type, f"{head}{field.name}.")


class _Reading(Generic[T]):
    """Collects what file and environment say, then builds the struct."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._leaves = leaves(kind)
        self._sections = {key: its for key, its in _keys(kind) if _is_section(its)}
        self._values: dict[str, Any] = {}
        self.origins: dict[str, str] = {}

    def take_file(self, path: Path) -> None:
        """Add what a file says.

        Raises:
            ConfigError: It cannot be read, or a setting is wrong.
        """
        text = _read(path)
        try:
            root = yaml_nodes.parse(text)
        except BadYaml as exc:
            raise ConfigError(f"{path}:{exc.line}: {exc.problem}") from exc
        if root is None or _is_empty(root):
            return
        if not isinstance(root, Map):
            raise ConfigError(f"{path}:{root.line}: expected keys, such as ws_server:")
        for key, node, line in self._settings(path, root):
            self._take(key, node, str(path), line)

    def _settings(self, path: Path, root: Map, head: str = "") -> Iterator[tuple[str, Node, int]]:
        for name, node in root.entries:
            key = head + name.text
            if "." in name.text or key not in self._sections:
                self._check_known(path, name, key)
                yield key, node, name.line
            elif isinstance(node, Map):
                yield from self._settings(path, node, f"{key}.")
            elif isinstance(node, Scalar) and node.value is None:
                continue
            elif word := self._sections[key].word:
                yield f"{key}.{word}", node, name.line
            else:
                raise ConfigError(f"{path}:{name.line}: {key}: expected keys, indented, below it")

    def _check_known(self, path: Path, name: Scalar, key: str) -> None:
        if key in self._leaves and "." not in name.text:
            return
        head = key[: len(key) - len(name.text)]
        known = [its for its in self._leaves if its.startswith(head)]
        names = list(dict.fromkeys(its.removeprefix(head).partition(".")[0] for its in known))
        raise ConfigError(
            f"{path}:{name.line}: {head}{shown(name.text)[1:-1]}: no such key, "
            f"expected {_nearest(name.text, names)}"
        )

    def take_environment(self, environ: Mapping[str, str]) -> None:
        """Let variables override what was taken so far.

        Raises:
            ConfigError: A variable is no setting of any program, or its value is wrong.
        """
        own = variables(self._kind)
        known = {name for kind in TOOLS.values() for name in variables(kind)}
        for name in sorted(environ):
            if not name.startswith(_PREFIX) or _SERVICE_LINK.fullmatch(name[len(_PREFIX) :]):
                continue
            if name in own:
                self._take_text(own[name], environ[name], name)
            elif name not in known:
                raise ConfigError(
                    f"{shown(name)[1:-1]}: no such setting, expected {_nearest(name, list(own))}"
                )

    def _take_text(self, key: str, text: str, variable: str) -> None:
        try:
            node = parse_text(text, self._leaves[key])
        except BadYaml as exc:
            raise ConfigError(f"{variable}: {key}: {exc.problem}") from exc
        self._take(key, node, variable)

    def _take(self, key: str, node: Node, source: str, line: int = 0) -> None:
        try:
            self._values[key] = convert(node, self._leaves[key])
        except Mismatch as exc:
            origin = f"{source}:{exc.line}" if line else source
            raise ConfigError(f"{origin}: {key}{exc.below}: {exc.problem}") from exc
        self.origins[key] = f"{source}:{line}" if line else source

    def build(self) -> T:
        """Return the struct.

        Raises:
            ConfigError: Two settings do not go together.
        """
        return self._section("", self._kind())

    def _section(self, head: str, default: S) -> S:
        values: dict[str, Any] = {}
        for field in structs.fields(default):
            key = head + field.name
            if _is_section(field.type):
                values[field.name] = self._section(f"{key}.", getattr(default, field.name))
            elif key in self._values:
                values[field.name] = self._values[key]
        try:
            return structs.replace(default, **values)
        except ValueError as exc:  # from __post_init__: "key: what was expected"
            named = head + str(exc).partition(":")[0]
            keys = [named, *(key for key in self.origins if key.startswith(head))]
            origin = next(self.origins[key] for key in keys if key in self.origins)
            raise ConfigError(f"{origin}: {head}{exc}") from exc


def _nearest(name: str, known: list[str]) -> str:
    by_rest = {its.removeprefix(_PREFIX): its for its in known}
    close = difflib.get_close_matches(name.removeprefix(_PREFIX), by_rest, n=1, cutoff=0.7)
    if close:
        return by_rest[close[0]]
    return f"one of {', '.join(known)}" if len(known) <= _MOST_NAMES else "one of docs/config.md"


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the name
        why = exc.strerror if isinstance(exc, OSError) else exc
        raise ConfigError(f"{path}: expected a file that can be read: {why}") from exc
    if len(data) > _MAX_FILE_BYTES:
        raise ConfigError(f"{path}: expected a file of at most {_MAX_FILE_BYTES} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise ConfigError(f"{path}:{line}: expected UTF-8 text") from exc
