"""What the daemon's process is told by signals: to stop, or to read its files anew."""

import asyncio
import logging
import os
import signal
from typing import Literal, Self

logger = logging.getLogger(__name__)


class Signals:
    """Takes SIGTERM, SIGINT and SIGHUP while it is entered.

    A second signal to stop exits the process at once.
    """

    def __init__(self) -> None:
        self._is_stopping = False
        self._news = asyncio.Event()

    def __enter__(self) -> Self:
        """Take signals from now on."""
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stop, number)
        self._loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave them to the system."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._loop.remove_signal_handler(number)

    async def next(self) -> Literal["stop", "reload"]:
        """Wait for a signal; several to read files anew that came meanwhile are one."""
        await self._news.wait()
        if self._is_stopping:
            return "stop"
        self._news.clear()
        return "reload"

    def _stop(self, number: int) -> None:
        if self._is_stopping:
            logger.warning("stopped at once, by a second signal")
            logging.shutdown()
            os._exit(128 + number)
        logger.info("%s", signal.Signals(number).name)
        self._is_stopping = True
        self._news.set()

    def _hang_up(self) -> None:
        logger.info("SIGHUP")
        self._news.set()
