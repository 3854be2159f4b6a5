"""CallList: which calls there are."""

from typing import Annotated, Any, ClassVar, TypeAlias

from msgspec import Meta

from call_api.backends.base import CallPage
from call_api.commands.base import Asking, Query
from call_api.model import CallId

PageSize: TypeAlias = Annotated[
    int, Meta(ge=1, le=1000, description="a whole number from 1 to 1000")
]


class CallList(Query, frozen=True, kw_only=True):
    """List the calls, oldest first, a page at a time.

    Attributes:
        after: The ``next`` of the page before; the first page when missing.
    """

    result: ClassVar[Any] = CallPage

    limit: PageSize = 100
    after: CallId | None = None

    async def answer(self, asking: Asking) -> CallPage:
        """Return ``calls``, and ``next``: the ``after`` of the next page, or null.

        Raises:
            CallApiError: The back end cannot tell.
        """
        return await asking.backend.calls(self.limit, self.after)
