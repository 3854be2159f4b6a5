"""Memory that was needed for a while, and is not any more."""

import ctypes
import gc
from typing import Any, Final


def give_back() -> None:
    """Return to the system what is kept for the next one; this takes milliseconds.

    What a thousand clients leave behind is free, but in pieces between what lasts: neither Python
    nor glibc lets go of it by itself.
    """
    gc.collect()  # Python's own lists of what is free are emptied, too
    if _TRIM is not None:
        _TRIM(0)


_TRIM: Final[Any] = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other libraries have none
