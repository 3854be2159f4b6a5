"""What becomes of calls, for those who watch; while nobody does, next to nothing. No I/O."""

from collections.abc import Sequence

from call_api.backends.base import CallChange, TellChange
from call_api.backends.embedded.bridge import Call, L
from call_api.model import CallChangeName, CallId, LegName


class Watching:
    """One who is told of changes, until `close`."""

    def __init__(self, watchings: "list[Watching]", tell: TellChange) -> None:
        self._watchings = watchings
        self.tell = tell

    def close(self) -> None:
        """End it. Does no harm a second time."""
        if self in self._watchings:
            self._watchings.remove(self)


class Changes:
    """Tells the changes of calls in the moment in which they are true."""

    def __init__(self) -> None:
        self._watchings: list[Watching] = []

    def watch(self, tell: TellChange) -> Watching:
        """Tell of every change from now on."""
        watching = Watching(self._watchings, tell)
        self._watchings.append(watching)
        return watching

    def tell(
        self,
        event: CallChangeName,
        call: Call[L],
        *,
        also: Sequence[str] = (),
        target: str | None = None,
        status: int | None = None,
    ) -> None:
        """Tell that something has happened to a call.

        Args:
            also: Other names of the call, besides the Call-IDs of its legs.
            target: Who refused; and the ``status`` with which.
        """
        if not self._watchings:
            return
        change = CallChange(
            event=event,
            call=call.info(),
            names=[CallId(name) for name in (*also, *call.names())],
            target=target,
            status=status,
        )
        for watching in tuple(self._watchings):
            watching.tell(change)

    def names_of(self, *calls: Call[L] | None) -> list[str]:
        """Return what calls are called now, for `tell` to use when they have changed."""
        if not self._watchings:
            return []
        return [name for call in calls if call is not None for name in call.names()]

    def compare_holds(self, call: Call[L]) -> None:
        """Tell if others are on hold now than were when this was last called for the call."""
        before, now = call.told_held, tuple(call.on_hold())
        if now == before or call.state == "ended":
            return
        call.told_held = now
        if _adds(now, before):
            self.tell("held", call)
        if _adds(before, now):
            self.tell("resumed", call)


def _adds(legs: Sequence[LegName], to: Sequence[LegName]) -> bool:
    return any(leg not in to for leg in legs)
