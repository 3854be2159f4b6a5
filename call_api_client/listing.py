"""The calls of a daemon, asked for page by page."""

from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Protocol

from call_api_client.messages import members

PAGE = 1000
"""Calls asked for at a time: the most that CallList gives."""


class Ask(Protocol):
    """Asks something, and returns the result."""

    def __call__(self, method: str, /, **params: object) -> Awaitable[object]:
        """Ask."""


async def call_list(ask: Ask) -> AsyncIterator[Mapping[str, object]]:
    """Yield every call, as CallList tells it, oldest first. Raises what ``ask`` raises."""
    after: dict[str, object] = {}
    while True:
        page = members(await ask("CallList", limit=PAGE, **after))
        calls = page.get("calls")
        for call in calls if isinstance(calls, list) else []:
            yield members(call)
        if not isinstance(page.get("next"), str) or page["next"] == after.get("after"):
            return
        after = {"after": page["next"]}
