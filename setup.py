"""Compiles the way of a command through the daemon, where there is a C compiler.

It is the same code: without a compiler, or with CALL_API_COMPILED=0, plain Python runs it. An
editable installation is plain, too, for what is edited has to be what runs.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from setuptools import setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

COMPILED = (
    "call_api/access/meters.py",
    "call_api/access/standing.py",
    "call_api/asked_commands.py",
    "call_api/attachments.py",
    "call_api/backends/opensips/backend.py",
    "call_api/backends/opensips/client.py",
    "call_api/backends/opensips/end.py",
    "call_api/backends/opensips/ended.py",
    "call_api/backends/opensips/event_table.py",
    "call_api/backends/opensips/hold.py",
    "call_api/backends/opensips/hold_progress.py",
    "call_api/backends/opensips/inbox.py",
    "call_api/backends/opensips/mi_exchange.py",
    "call_api/backends/opensips/outcomes.py",
    "call_api/backends/opensips/proxies.py",
    "call_api/backends/opensips/recent_dialogs.py",
    "call_api/backends/opensips/requests.py",
    "call_api/backends/opensips/shared.py",
    "call_api/coarse_timers.py",
    "call_api/command_log.py",
    "call_api/command_logs.py",
    "call_api/commands/hold_steps.py",
    "call_api/commands/params.py",
    "call_api/commands/progress.py",
    "call_api/conversation.py",
    "call_api/dialects.py",
    "call_api/eager_task.py",
    "call_api/entry.py",
    "call_api/history.py",
    "call_api/journal.py",
    "call_api/jsonrpc.py",
    "call_api/log_lines.py",
    "call_api/memory_journal.py",
    "call_api/random_ids.py",
    "call_api/record.py",
    "call_api/replies.py",
    "call_api/runner.py",
    "call_api/running.py",
    "call_api/sip/header_names.py",
    "call_api/sip/headers.py",
    "call_api/sip/message.py",
    "call_api/sip/parser.py",
    "call_api/sip/sdp.py",
    "call_api/sip/stream_parser.py",
    "call_api/sip/uri.py",
    "call_api/spare_timers.py",
    "call_api/sqlite_journal.py",
    "call_api/transports/datagram_client.py",
    "call_api/transports/event_udp.py",
    "call_api/transports/frames.py",
    "call_api/transports/mi_udp.py",
    "call_api/transports/websocket_connection.py",
)
"""None of them defines a `msgspec.Struct`: compiled, its fields would lose their types."""


class BuildAllOrNone(build_ext):
    """Builds every extension, or none: they are of no use without the library that they share."""

    def build_extensions(self) -> None:
        """Build them, if that can be done."""
        try:
            super().build_extensions()
        except (BaseError, CCompilerError) as exc:
            print(f"not compiled, plain Python is slower: {exc}", file=sys.stderr)
            for extension in self.extensions:
                Path(self.get_ext_fullpath(extension.name)).unlink(missing_ok=True)
            self.extensions = []


def extensions() -> list[Any]:
    """Return what a C compiler makes of them; none if they are not wanted, or cannot be."""
    if os.environ.get("CALL_API_COMPILED") == "0":
        return []
    options = ["--config-file=", "--follow-imports=silent", "--ignore-missing-imports"]
    try:
        from mypyc.build import mypycify

        found: list[Any] = mypycify(
            [*options, *COMPILED], group_name="call_api", opt_level="3", debug_level="0"
        )
    except (Exception, SystemExit) as exc:  # noqa: BLE001  it exits where it cannot; a newer one may fail
        print(f"not compiled, plain Python is slower: {exc}", file=sys.stderr)
        return []
    return found


def forget_earlier_builds(folder: Path) -> None:
    """Remove what they left: all that is there goes into the wheel, however old it is."""
    for left in folder.glob("lib*"):
        shutil.rmtree(left)


def main() -> None:
    """Do what is asked."""
    is_time = "bdist_wheel" in sys.argv
    if is_time:
        forget_earlier_builds(Path("build"))
    setup(ext_modules=extensions() if is_time else [], cmdclass={"build_ext": BuildAllOrNone})


if __name__ == "__main__":
    main()
