import asyncio
import os
import signal

import pytest

from call_api.signals import Signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_to_stop_is_told_again_and_again(number: int) -> None:
    with Signals() as signals:
        os.kill(os.getpid(), number)

        async with asyncio.timeout(5):
            assert [await signals.next() for _ in range(2)] == ["stop", "stop"]


async def test_several_hangups_are_one_and_a_stop_goes_before_them() -> None:
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(5):
            assert await signals.next() == "reload"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await signals.next()

        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            assert await signals.next() in {"reload", "stop"}
            assert await signals.next() == "stop"


async def test_afterwards_they_mean_what_they_meant() -> None:
    with Signals():
        pass

    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
