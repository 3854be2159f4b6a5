"""A command whose daemon died, taken over by another one."""

from typing import Any, Final

from call_api.backends.base import Remains
from call_api.commands.base import Command
from call_api.commands.told import Told
from call_api.dialects import canonical
from call_api.entry import Entry
from call_api.events import Event
from call_api.model import CallId
from call_api.recovery import told_by
from tests.fakes.scripted_backend import ScriptedBackend

GONE: Final = Remains(callid=CallId("c"), call="gone")


def told(*events: Event) -> Told:
    """What a command had told: read of what is kept of that."""
    kept = [Entry(seq=n, v1=0, event=canonical(event)) for n, event in enumerate(events, 1)]
    return told_by(kept)


async def taken_over(
    command: Command, remains: Remains, *before: Event
) -> tuple[list[Event], list[tuple[Any, ...]]]:
    """Take a command over; return what it tells now, and what it asks the back end."""
    backend = ScriptedBackend()
    backend.left = remains
    now: list[Event] = []
    await command.take_over(backend, told(*before), now.append)
    return now, backend.asked
