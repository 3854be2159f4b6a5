"""The subcommands that make life easier than the API's own commands do: one file each."""

from typing import Final

SUBCOMMANDS: Final[dict[str, str]] = {
    "start": "start",
    "transfer": "transfer",
    "attended-transfer": "attended_transfer",
    "hold": "hold",
    "unhold": "unhold",
    "end": "end",
    "list": "list_calls",
    "watch": "watch",
    "echo": "echo",
    "status": "status",
    "attach": "attach",
    "cancel": "cancel",
    "commands": "commands",
    "shell": "shell",
    "config": "config",
    "completion": "completion",
}
"""Name -> module in this folder; the command in it is called as the module."""
