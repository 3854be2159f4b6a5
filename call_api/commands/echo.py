"""Echo: what is sent comes back."""

from typing import Any, ClassVar, Self

from call_api.backends.base import Backend
from call_api.commands.base import Command, Emit
from call_api.commands.told import Told
from call_api.events import Event, Reply


class Echo(Command, frozen=True, kw_only=True):
    """Send the parameters back, whatever they are: a way to try the API without a call."""

    events: ClassVar[tuple[type[Event], ...]] = (Reply,)

    takes_anything: ClassVar[bool] = True

    params: dict[str, Any]

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> Self:
        """Return the command that sends these parameters back."""
        return cls(params=params)

    def to_params(self) -> object:
        """Return the parameters as they came."""
        return self.params

    async def run(self, backend: Backend, emit: Emit) -> None:  # noqa: ARG002  # asks nothing of it
        """Send the parameters back."""
        emit(Reply(params=self.params))

    async def take_over(self, backend: Backend, told: Told, emit: Emit) -> None:  # noqa: ARG002
        """Send the parameters back, if they were not."""
        if not told.has(Reply):
            emit(Reply(params=self.params))
