"""Watching on a full screen: the calls, and what happens to them, until somebody leaves."""

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from call_api.transports.websocket_failures import ConnectionLost
from call_api_client.client import Client, Replies, TooSlow
from call_api_client.link import Link
from call_api_client.messages import Answer, Step
from call_api_client.statuses import Status
from call_cmd.changes import line
from call_cmd.full_screen import FullScreen
from call_cmd.live_calls import LiveCalls, of_user
from call_cmd.view import View
from call_cmd.watching import Wanted, list_calls, title, watch

if TYPE_CHECKING:
    from call_cmd.desk import Desk

COME_BACK_WITHIN: Final = 2.0
"""Seconds until a daemon that is gone is looked for again, and keys are noticed meanwhile."""

LIST_EVERY: Final = 5.0
"""Seconds between two looks at the list: it knows what no change has told, such as old names."""

_TICK: Final = 0.2
"""Seconds until a key is noticed and the ages are shown anew."""

_MOST_EVENTS: Final = 1000  # remembered; a screen shows fewer, the oldest go


async def draw(desk: "Desk", link: Link, wanted: Wanted) -> Status:
    """Show the calls that are wanted until the only one has ended, or until somebody leaves.

    A daemon that is lost is waited for.

    Args:
        link: Is opened and closed here.

    Raises:
        Refused: The daemon refuses.
        ConnectFailed: There is no connection at first, or the daemon does not let us in again.
        BadReply, NoAnswer: As in `Replies`.
    """
    scene = _Scene(desk, wanted)
    try:
        await link.open()
        with FullScreen() as screen:
            while not screen.is_left and not scene.is_over:
                await _play(scene, screen, link)
    finally:
        await link.close()
    if wanted.callid is not None:  # the screen is gone, its story is worth keeping
        for when, change in scene.events:
            desk.out.line(*line(change, desk.book, when))
    return Status.OK


class _Scene:
    """What is on the screen.

    Attributes:
        is_over: Whether the only call that was wanted has ended.
        problem: Why there is no connection; None: there is one.
    """

    def __init__(self, desk: "Desk", wanted: Wanted) -> None:
        self.live = LiveCalls(of_user(wanted.user, desk.book), wanted.callid)
        self.events: deque[tuple[datetime, Mapping[str, object]]] = deque(maxlen=_MOST_EVENTS)
        self.is_over = False
        self.problem: str | None = None
        self._book = desk.book
        self._wanted = wanted

    def take(self, step: Answer | Step) -> None:
        """Take a change."""
        assert isinstance(step, Step), "there was an answer"
        if self.live.change(step.data):
            self.events.append((datetime.now().astimezone(), step.data))
        self.is_over = self._wanted.callid is not None and step.event == "ended"

    async def list(self, client: Client) -> None:
        """See which calls there are."""
        self.live.begin_list()
        self.live.end_list(await list_calls(client) or ())

    def come_back(self) -> None:
        """Take note that the daemon was lost and is back: the only call may have ended."""
        self.problem = None
        self.is_over = self._wanted.callid is not None and not self.live.calls

    def view(self) -> View:
        """Return what to draw."""
        about = title(self._wanted)
        return View(
            title=about if self.problem is None else f"{about}  {self.problem}",
            calls=self.live.calls,
            events=None if self._wanted.is_list else list(self.events),
            book=self._book,
        )


async def _play(scene: _Scene, screen: FullScreen, link: Link) -> None:
    """Show what happens until the connection is lost."""
    screen.draw(scene.view())
    replies: Replies | None = None
    try:
        client = await link.client()
        replies = await watch(client, scene.live.callid)
        await scene.list(client)
        if scene.problem is not None:
            scene.come_back()
        await _follow(scene, screen, client, replies)
    except (ConnectionLost, TooSlow) as exc:
        scene.problem = f"lost the daemon, looking for it again: {exc}"
        for message in () if replies is None else replies.take_unread():
            scene.take(message)


async def _follow(scene: _Scene, screen: FullScreen, client: Client, replies: Replies) -> None:
    clock = asyncio.get_running_loop().time
    list_at = clock() + LIST_EVERY
    while not screen.is_left and not scene.is_over:
        if clock() >= list_at:
            await scene.list(client)
            list_at = clock() + LIST_EVERY
        screen.draw(scene.view())
        await _take_changes(scene, replies)


async def _take_changes(scene: _Scene, replies: Replies) -> None:
    """Take the changes that come within a tick."""
    try:
        async with asyncio.timeout(_TICK):
            async for message in replies:
                scene.take(message)
                if scene.is_over:
                    break
    except TimeoutError:
        return
