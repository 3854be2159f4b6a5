"""Listeners to commands that are functions of the test."""

from collections.abc import Callable

from call_api.command_log import Follower
from call_api.entry import Entry


def calling(tell: Callable[[Entry], object]) -> Follower:
    """What calls ``tell`` for each entry."""

    class Calling(Follower):  # in here: where it is compiled, nothing else can inherit from it
        def take(self, entry: Entry) -> None:
            tell(entry)

    return Calling()
