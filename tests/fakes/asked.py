"""One who is asked, and remembers what."""

from collections.abc import Mapping


class Asked:
    """Answers with one result after the other."""

    def __init__(self, *results: object) -> None:
        self.requests: list[tuple[str, Mapping[str, object]]] = []
        self._results = iter(results)

    async def __call__(self, method: str, /, **params: object) -> object:
        self.requests.append((method, params))
        return next(self._results)
