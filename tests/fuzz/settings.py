"""What stands in settings files and in the environment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from call_api.config import CmdConfig, Config
from call_api.settings import ConfigError, load
from call_api.yaml_nodes import BadYaml, parse


def text(data: bytes) -> None:
    """A file is read, or refused with its place in one line; so is a variable."""
    try:
        line = getattr(parse(data.decode("utf-8", "replace")), "line", 1)
    except BadYaml as exc:
        line = exc.line
    assert line >= 1
    variable = data.decode("utf-8", "surrogateescape").replace("\0", "")
    environ = {"CALL_API_WS_SERVER_HOST": variable, "CALL_API_SIP_DOMAIN": variable}
    with _file(data) as file:
        for kind, its in ((Config, {}), (CmdConfig, environ)):
            try:
                said = repr(load(kind, file, its).config)
            except ConfigError as exc:
                said = str(exc)
                assert "\n" not in said
            assert said


@contextmanager
def _file(data: bytes) -> Iterator[Path]:
    """A file that is on no disk."""
    file = os.memfd_create("call-api.yml")
    try:
        os.write(file, data)
        yield Path(f"/proc/self/fd/{file}")
    finally:
        os.close(file)
