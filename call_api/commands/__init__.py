"""The commands, one file each, and the queries, which are answered at once."""

from typing import Final

from call_api.commands.base import Command, Query
from call_api.commands.call_attended_transfer import CallAttendedTransfer
from call_api.commands.call_blind_transfer import CallBlindTransfer
from call_api.commands.call_end import CallEnd
from call_api.commands.call_hold import CallHold
from call_api.commands.call_list import CallList
from call_api.commands.call_start import CallStart
from call_api.commands.call_unhold import CallUnhold
from call_api.commands.call_unwatch import CallUnwatch
from call_api.commands.call_watch import CallWatch
from call_api.commands.command_attach import CommandAttach
from call_api.commands.command_cancel import CommandCancel
from call_api.commands.command_list import CommandList
from call_api.commands.command_status import CommandStatus
from call_api.commands.echo import Echo
from call_api.commands.rpc_discover import RpcDiscover

COMMANDS: Final[dict[str, type[Command]]] = {
    "CallStart": CallStart,
    "CallBlindTransfer": CallBlindTransfer,
    "CallAttendedTransfer": CallAttendedTransfer,
    "CallHold": CallHold,
    "CallUnhold": CallUnhold,
    "CallEnd": CallEnd,
    "Echo": Echo,
}
"""What takes time, by its name in dialect v2."""

QUERIES: Final[dict[str, type[Query]]] = {
    "CallList": CallList,
    "CallWatch": CallWatch,
    "CallUnwatch": CallUnwatch,
    "CommandStatus": CommandStatus,
    "CommandList": CommandList,
    "CommandCancel": CommandCancel,
    "CommandAttach": CommandAttach,
    "rpc.discover": RpcDiscover,
}
"""What is answered at once."""
