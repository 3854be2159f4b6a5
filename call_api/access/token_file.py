"""The file that ``call-api token`` keeps tokens in: YAML, replaced as a whole, for one user."""

import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import json, structs

from call_api import yaml_nodes
from call_api.config_access import Auth, Token
from call_api.setting_types import Mismatch, convert
from call_api.yaml_nodes import BadYaml

MAX_BYTES = 16 * 1024 * 1024

_HEAD = """\
# The tokens of call-api, by their names: auth.token_file in call-api.yml. Written by
# `call-api token`, which keeps no comments. The daemon reads it on SIGHUP.
"""


class BadTokenFile(Exception):
    """The file cannot be read or written. The message is one line, led by the file."""


def read_tokens(path: Path) -> dict[str, Token]:
    """Return the tokens of a file; none if it is not there yet.

    Raises:
        BadTokenFile: It cannot be read, or is something else.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the name
        why = exc.strerror if isinstance(exc, OSError) else exc
        raise BadTokenFile(f"{path}: expected a file that can be read: {why}") from exc
    if len(data) > MAX_BYTES:
        raise BadTokenFile(f"{path}: expected a file of at most {MAX_BYTES} bytes")
    try:
        root = yaml_nodes.parse(data.decode())
        tokens: dict[str, Token] = {} if root is None else convert(root, _WANTED)
    except UnicodeDecodeError as exc:
        raise BadTokenFile(f"{path}: expected UTF-8 text") from exc
    except BadYaml as exc:
        raise BadTokenFile(f"{path}:{exc.line}: {exc.problem}") from exc
    except Mismatch as exc:
        raise BadTokenFile(f"{path}:{exc.line}: {exc.below[1:]}: {exc.problem}") from exc
    return tokens


@contextmanager
def editing(path: Path) -> Iterator[dict[str, Token]]:
    """Lend the tokens of a file to be changed; nobody else edits it meanwhile.

    Raises:
        BadTokenFile: It cannot be read or written; then it is as it was.
    """
    path = path.resolve()  # a link stays one
    try:
        is_special = path.exists() and not path.is_file()
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except (OSError, ValueError) as exc:
        raise BadTokenFile(f"{path}: expected a file in a folder that there is") from exc
    try:
        if is_special:  # replaced like a file, /dev/null would be gone for everybody
            raise BadTokenFile(f"{path}: expected a file, not a device, folder or pipe")
        fcntl.flock(folder, fcntl.LOCK_EX)
        tokens = read_tokens(path)
        yield tokens
        _write(path, tokens)
    finally:
        os.close(folder)


_WANTED = next(field.type for field in structs.fields(Auth) if field.name == "tokens")


def _write(path: Path, tokens: Mapping[str, Token]) -> None:
    """Replace a file: whoever reads it sees the old one or the new one, and only its owner can."""
    lines = [f'"{name}": {_line(token)}\n' for name, token in sorted(tokens.items())]
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(_HEAD + "".join(lines))
                file.flush()
                os.fsync(file.fileno())
            _keep_owner(path, name)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as exc:
        raise BadTokenFile(f"{path}: expected a file that can be written: {exc.strerror}") from exc


def _line(token: Token) -> str:
    """Return a token as JSON, which is YAML too."""
    return json.encode(structs.asdict(token), order="sorted").decode()


def _keep_owner(path: Path, new: str) -> None:
    """Give the new file to whom the old one or, where root makes the first one, the folder belongs.

    So root may write what the daemon reads.
    """
    if path.exists():
        old = path.stat()
    elif os.geteuid() == 0:
        old = path.parent.stat()
    else:
        return
    if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(new, old.st_uid, old.st_gid)
