"""What a command is."""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, TypeAlias

from msgspec import Struct

from call_api.backends.base import Backend
from call_api.events import Event

Emit: TypeAlias = Callable[[Event], None]
"""Tells the clients of one command what happened. Never waits."""


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something a client wants done that takes time.

    The class name is the method name of dialect v2, the fields are its parameters.
    Returning from `run` means ``Ended``, raising a `CallApiError` means ``Error``; no
    command tells either.
    """

    aliases: ClassVar[tuple[str, ...]] = ()
    """Other spellings of the method name."""

    param_aliases: ClassVar[dict[str, str]] = {}
    """Other spellings of parameters: spelling -> field."""

    @abstractmethod
    async def run(self, backend: Backend, emit: Emit) -> None:
        """Do it, telling each step.

        Raises:
            CallApiError: It could not be done.
        """
