"""rpc.discover: what can be asked here."""

from typing import Any, ClassVar

from call_api.commands.base import Asking, Query


class RpcDiscover(Query, frozen=True, kw_only=True):
    """Describe the API: its methods, their parameters, events and errors."""

    result: ClassVar[Any] = dict[str, Any]

    async def answer(self, asking: Asking) -> dict[str, Any]:  # noqa: ARG002  # the same for everybody
        """Return the OpenRPC document."""
        from call_api.openrpc import document  # needs the table that holds this class

        return document()
