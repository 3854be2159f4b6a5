"""Watching on a full screen: the calls, and what happens to them, until somebody leaves."""

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from call_api_client.client import Client, Replies
from call_api_client.messages import Step
from call_cmd.changes import line
from call_cmd.full_screen import FullScreen
from call_cmd.live_calls import LiveCalls, of_user
from call_cmd.view import View
from call_cmd.watching import Wanted, list_calls, title

if TYPE_CHECKING:
    from call_cmd.desk import Desk

LIST_EVERY: Final = 5.0
"""Seconds between two looks at the list: it knows what no change has told, such as old names."""

_TICK: Final = 0.2
"""Seconds until a key is noticed and the ages are shown anew."""

_MOST_EVENTS: Final = 1000  # remembered; a screen shows fewer, the oldest go


async def draw(desk: "Desk", client: Client, replies: Replies, wanted: Wanted) -> None:
    """Show the calls that are wanted until the only one has ended, or until somebody leaves.

    Args:
        replies: Of a CallWatch that was answered.

    Raises:
        Refused: The daemon refuses to list calls.
        ConnectionLost, BadReply, NoAnswer, TooSlow: As in `Replies`.
    """
    scene = _Scene(desk, wanted)
    with FullScreen() as screen:
        await _play(scene, screen, client, replies)
    if wanted.callid is not None:  # the screen is gone, its story is worth keeping
        for when, change in scene.events:
            desk.out.line(*line(change, desk.book, when))


class _Scene:
    """What is on the screen."""

    def __init__(self, desk: "Desk", wanted: Wanted) -> None:
        self.live = LiveCalls(of_user(wanted.user, desk.book), wanted.callid)
        self.events: deque[tuple[datetime, Mapping[str, object]]] = deque(maxlen=_MOST_EVENTS)
        self.is_over = False
        self._book = desk.book
        self._wanted = wanted

    def change(self, step: Step) -> None:
        """Take a change."""
        if self.live.change(step.data):
            self.events.append((datetime.now().astimezone(), step.data))
        self.is_over = self._wanted.callid is not None and step.event == "ended"

    def view(self) -> View:
        """Return what to draw."""
        return View(
            title=title(self._wanted),
            calls=self.live.calls,
            events=None if self._wanted.is_list else list(self.events),
            book=self._book,
        )


async def _play(scene: _Scene, screen: FullScreen, client: Client, replies: Replies) -> None:
    clock = asyncio.get_running_loop().time
    list_at = clock()
    while not screen.is_left and not scene.is_over:
        if clock() >= list_at:
            scene.live.begin_list()
            scene.live.end_list(await list_calls(client) or ())
            list_at = clock() + LIST_EVERY
        screen.draw(scene.view())
        await _take_changes(scene, replies)


async def _take_changes(scene: _Scene, replies: Replies) -> None:
    """Take the changes that come within a tick."""
    try:
        async with asyncio.timeout(_TICK):
            async for message in replies:
                assert isinstance(message, Step), "there was an answer"
                scene.change(message)
                if scene.is_over:
                    break
    except TimeoutError:
        return
