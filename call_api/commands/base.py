"""What a command is, and what a query is."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Protocol, Self, TypeAlias

import msgspec
from msgspec import Struct

from call_api.backends.base import Backend
from call_api.commands.told import Told
from call_api.events import Event
from call_api.journal import Journal
from call_api.model import CallId, DialectName
from call_api.record import Record

Emit: TypeAlias = Callable[[Event], None]
"""Tells the clients of one command what happened. Never waits."""


class Method(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something a client may ask. The fields are its parameters."""

    aliases: ClassVar[tuple[str, ...]] = ()
    """Other spellings of the method name."""

    param_aliases: ClassVar[dict[str, str]] = {}
    """Other spellings of parameters: spelling -> field."""

    takes_anything: ClassVar[bool] = False
    """Whether every object will do as parameters."""

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> Self:
        """Return the method with these parameters.

        Raises:
            ValidationError: They are not as the fields demand.
        """
        return msgspec.convert(params, cls)

    def to_params(self) -> object:
        """Return the parameters, ready for JSON."""
        return self


class Command(Method, frozen=True, kw_only=True):
    """Something a client wants done that takes time.

    The class name is the method name of dialect v2. Every command also takes ``cmd_id`` and
    ``timeout``. Returning from `run` means ``Ended``, raising a `CallApiError` means
    ``Error``; no command tells either.
    """

    events: ClassVar[tuple[type[Event], ...]]
    """What it tells when all goes well, in this order; `Ended` follows."""

    @abstractmethod
    async def run(self, backend: Backend, emit: Emit) -> None:
        """Do it, telling each step.

        Raises:
            CallApiError: It could not be done.
        """

    @abstractmethod
    async def take_over(self, backend: Backend, told: Told, emit: Emit) -> None:
        """Find out what became of it when its daemon died; tell the steps that are missing.

        Returning means ``Ended``. No step is repeated.

        Args:
            told: What it had told.

        Raises:
            OwnerLost: It is not done.
            CallApiError: That cannot be found out.
        """


class Asking(Protocol):
    """The client that asks a query, and what may be looked at for it."""

    @property
    def backend(self) -> Backend:
        """Where its calls are."""

    @property
    def journal(self) -> Journal:
        """Where its commands are."""

    @property
    def token(self) -> str | None:
        """Whose commands the query may be about, by the token's name; None: everybody's."""

    @property
    def dialect(self) -> DialectName:
        """How it counts notifications."""

    def attach(self, record: Record, after: int) -> None:
        """Send it the notifications of a command, once the query is answered.

        Args:
            after: Number of the last notification that is not wanted, in the client's dialect.

        Raises:
            TooManyRequests: It follows as many commands as it may.
        """

    def watch(self, callid: CallId | None) -> None:
        """Send it the changes of a call, or with None of all calls, once the query is answered.

        Raises:
            TooManyRequests: It watches as many calls as it may.
        """

    def unwatch(self, callid: CallId | None) -> None:
        """Take back what `watch` with the same argument did."""


class Query(Method, frozen=True, kw_only=True):
    """Something a client wants to know, or wants of a command: it is answered at once.

    The class name is the method name, in both dialects.
    """

    result: ClassVar[Any]
    """The type of what it is answered."""

    notifications: ClassVar[tuple[type[Struct], ...]] = ()
    """What may be sent afterwards, in both dialects alike; the class name is the method."""

    @abstractmethod
    async def answer(self, asking: Asking) -> object:
        """Return what the client is answered, ready for JSON.

        Raises:
            CallApiError: There is no answer.
        """
