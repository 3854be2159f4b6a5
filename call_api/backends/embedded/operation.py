"""What is done to calls: one operation is one story, in a task of its own, with a way back."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from call_api.backends.base import ACTING
from call_api.backends.embedded.bridge import Bridge, Call
from call_api.backends.embedded.leg import Leg
from call_api.errors import CallApiError, CallFailed
from call_api.model import LegName

if TYPE_CHECKING:
    from call_api.backends.embedded.switchboard import Switchboard

logger = logging.getLogger(__name__)

PhoneCall: TypeAlias = Call[Leg]
Calls: TypeAlias = Bridge[Leg]


class Operation(ABC):
    """Something that takes several messages, from its beginning to its end.

    It runs to the end of `run`, fails in it, or is stopped; in the last two cases `undo` puts
    back what still can be. Only then are its calls somebody else's again.

    Attributes:
        title: What it is, for the log.
        lets_phones_speak: Whether the phones may change their media meanwhile.
        calls: The calls that belong to it alone.
        error: Why it failed; None while it runs, when it is through, and when it was stopped
            by one who does not want to know.
    """

    title: str = "operation"

    def __init__(self, board: "Switchboard") -> None:
        self.board = board
        self.calls: tuple[PhoneCall, ...] = ()
        self.error: BaseException | None = None
        self.is_done = False
        self.lets_phones_speak = False
        self.on_done: Callable[[], None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_stopped = False
        self._is_undoing = False

    @abstractmethod
    async def run(self) -> None:
        """Do it.

        Raises:
            CallApiError: It cannot be done.
        """

    async def undo(self) -> None:
        """Put back what was, as far as the phones go along; at least nothing rings any more.

        Raises:
            CallApiError: They do not.
        """
        for call in self.calls:
            for leg in list(call.branches):
                self.board.release(leg)

    def leg_gone(self, call: PhoneCall, name: LegName) -> None:
        """Note that a party of one of the calls is gone; by default that is the end."""
        logger.info("call %s: the %s hung up during %s", call.callid, name, self.title)
        self.stop(CallFailed(487, f"{name.capitalize()} Hung Up", leg=name))

    def stop(self, error: CallApiError | None = None) -> None:
        """End it early; when it ends already, nothing.

        Args:
            error: What is told to whoever waits for it; None: nobody does.
        """
        if self.is_done or self._is_stopped or self._is_undoing:
            return
        self._is_stopped = True
        self.error = error
        if self._task is not None:
            self._task.cancel()

    def unread(self) -> None:
        """Note that it is through, but that who asked for it has left before hearing so."""
        logger.info("%s: nobody heard that it is through", self.title)

    async def drive(self) -> None:
        """Run it to its end, whatever happens. For the task that it has to itself."""
        self._task = asyncio.current_task()
        try:
            if not await self._is_through() and not self.board.is_closing:
                await self._undo()
        finally:
            self._finish()

    def _finish(self) -> None:
        # Nothing waits between the last step and this: who reads that step finds all settled.
        self.is_done = True
        for call in self.calls:
            call.owner = None
            self.board.changes.compare_holds(call)
            self.board.tidy(call)
        if self.on_done is not None:
            self.on_done()
        elif self.error is not None and not isinstance(self.error, CallApiError):
            logger.error("%s failed", self.title, exc_info=self.error)

    async def _undo(self) -> None:
        self._is_undoing = True
        try:
            await self.undo()
        except CallApiError as exc:
            logger.info("%s: not all could be put back: %s", self.title, exc)
        except Exception:
            logger.exception("%s: could not be put back", self.title)

    async def _is_through(self) -> bool:
        if self._is_stopped:
            return False
        try:
            await self.run()
        except asyncio.CancelledError:
            if not self._is_stopped or self._task is None:
                raise  # the back end goes down, and all calls with it
            self._task.uncancel()
        except CallApiError as exc:
            self.error = exc
        except Exception as exc:  # noqa: BLE001  # whoever waits raises it, or else it is logged
            self.error = exc
        else:
            return True
        return False


async def may_act() -> None:
    """Return if what is done here may be done; for what no command asked for it always may.

    Raises:
        Fenced: The command is somebody else's to run by now.
    """
    acting = ACTING.get(None)
    if acting is not None:
        await acting.may_act()


def acting_callid() -> str:
    """Return the Call-ID that a new call is to have; empty when no command asks for it."""
    acting = ACTING.get(None)
    return "" if acting is None else acting.callid
