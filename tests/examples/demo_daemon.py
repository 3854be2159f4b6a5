"""A daemon with three phones, as `call-api --demo` starts it, for examples to be tried at."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.programs import Program, running

SETTINGS = {
    "CALL_API_WS_SERVER_HOST": "127.0.0.1",
    "CALL_API_WS_SERVER_PORT": "0",
    "CALL_API_EMBEDDED_PORT": "0",
    "CALL_API_LOG_LEVEL": "ERROR",
    "CALL_API_SHUTDOWN_WITHIN": "0.2",
}


@dataclass
class DemoDaemon:
    """It, and where it is found."""

    program: Program
    url: str

    @property
    def port(self) -> str:
        return self.url.rpartition(":")[2].partition("/")[0]

    @property
    def where(self) -> dict[str, str]:
        """The environment in which call-cmd finds it."""
        return {"CALL_API_WS_SERVER_HOST": "127.0.0.1", "CALL_API_WS_SERVER_PORT": self.port}


@contextmanager
def demo_daemon(home: Path, *args: str, **settings: str) -> Iterator[DemoDaemon]:
    """Run it.

    Args:
        args: More of its command line.
        settings: What differs from `SETTINGS`.
    """
    home.mkdir(exist_ok=True)
    with running(home, "call-api", "--demo", *args, env={**SETTINGS, **settings}) as program:
        for _ in range(100):
            found = re.search(r"ready.* (wss?://\S+)", line := program.line())
            if found:
                yield DemoDaemon(program, found[1])
                return
            assert line, "it ended"
