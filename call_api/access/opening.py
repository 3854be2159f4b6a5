"""Opens the access of a daemon: by its settings, and on the loop's clock."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from call_api.access.access import Access
from call_api.access.audit import Audit
from call_api.access.audit_file import AuditFile
from call_api.access.policy import check_exposure, read_policy
from call_api.config import Config

SWEEP_EVERY = 1.0
"""Seconds between two looks at what has expired."""


@asynccontextmanager
async def open_access(config: Config, file: AuditFile | None = None) -> AsyncIterator[Access]:
    """Judge clients by the settings, as long as the block runs.

    Args:
        file: The audit log; None: there is none.

    Raises:
        ValueError: A setting is wrong, or anybody might come in from elsewhere:
            ``key: what was expected``.
    """
    check_exposure(config)
    loop = asyncio.get_running_loop()
    # Not the loop's clock: uvloop's counts milliseconds, and stands still in one turn of the loop.
    audit = Audit(file.write, time.monotonic) if file is not None else None
    access = Access(read_policy(config), clock=time.monotonic, now=time.time, audit=audit)
    timers: list[asyncio.TimerHandle] = []

    def sweep() -> None:
        access.sweep()
        timers[:] = [loop.call_later(SWEEP_EVERY, sweep)]

    sweep()
    try:
        yield access
    finally:
        timers[0].cancel()
