"""The back ends: one folder each, registered here."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pkgutil import resolve_name

from call_api.backends.base import Backend
from call_api.config import Config

_EMBEDDED = "call_api.backends.embedded.backend:open_backend"
_OPENSIPS = "call_api.backends.opensips.opening:open_backend"

BACKENDS: dict[str, Callable[[Config], AbstractAsyncContextManager[Backend]]] = {
    "embedded": lambda config: resolve_name(_EMBEDDED)(config),  # noqa: PLW0108  # imports late
    "opensips": lambda config: resolve_name(_OPENSIPS)(config),  # noqa: PLW0108  # imports late
}
"""What opens each back end, by the name that the setting ``backend`` gives it. Only the one in
use is imported."""
