"""What a command is, and what a query is."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from msgspec import Struct

from call_api.backends.base import Backend
from call_api.events import Event
from call_api.journal import Journal, Record
from call_api.model import DialectName

Emit: TypeAlias = Callable[[Event], None]
"""Tells the clients of one command what happened. Never waits."""


class Method(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something a client may ask. The fields are its parameters."""

    aliases: ClassVar[tuple[str, ...]] = ()
    """Other spellings of the method name."""

    param_aliases: ClassVar[dict[str, str]] = {}
    """Other spellings of parameters: spelling -> field."""


class Command(Method, frozen=True, kw_only=True):
    """Something a client wants done that takes time.

    The class name is the method name of dialect v2. Every command also takes ``cmd_id`` and
    ``timeout``. Returning from `run` means ``Ended``, raising a `CallApiError` means
    ``Error``; no command tells either.
    """

    @abstractmethod
    async def run(self, backend: Backend, emit: Emit) -> None:
        """Do it, telling each step.

        Raises:
            CallApiError: It could not be done.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """The client that asks a query, and what may be looked at for it.

    Attributes:
        attach: Tells the client the notifications of a command after a seq of its dialect,
            once the query is answered. Raises `TooManyRequests`.
    """

    backend: Backend
    journal: Journal
    dialect: DialectName
    attach: Callable[[Record, int], None]


class Query(Method, frozen=True, kw_only=True):
    """Something a client wants to know, or wants of a command: it is answered at once.

    The class name is the method name, in both dialects.
    """

    @abstractmethod
    async def answer(self, asking: Asking) -> object:
        """Return what the client is answered, ready for JSON.

        Raises:
            CallApiError: There is no answer.
        """
