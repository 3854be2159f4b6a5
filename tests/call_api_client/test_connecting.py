import asyncio
import inspect

import pytest

import call_api_client
from call_api_client import sync
from call_api_client.api import Api
from call_api_client.errors import BadUrl, ConnectForbidden, DaemonUnreachable, NoDaemon
from tests.fakes.scripted_daemon import scripted_daemon


async def test_who_connects_gets_a_daemon() -> None:
    async with (
        asyncio.timeout(10),
        scripted_daemon({}) as daemon,
        call_api_client.connect(daemon.url) as api,
    ):
        assert isinstance(api, Api)


@pytest.mark.parametrize(
    ("status", "error"), [(401, ConnectForbidden), (403, ConnectForbidden), (404, NoDaemon)]
)
async def test_why_there_is_no_connection_is_told(status: int, error: type[Exception]) -> None:
    async with asyncio.timeout(10), scripted_daemon({}, status) as daemon:
        with pytest.raises(error):
            async with call_api_client.connect(daemon.url):
                pass


async def test_nobody_there_and_no_url_are_told_as_well() -> None:
    async with scripted_daemon({}) as daemon:
        pass
    with pytest.raises(DaemonUnreachable):
        async with call_api_client.connect(daemon.url):
            pass
    for url in ("http://localhost", "localhost:5059", ""):
        with pytest.raises(BadUrl):
            async with call_api_client.connect(url):
                pass


def test_the_blocking_library_takes_the_same_arguments() -> None:
    assert (
        inspect.signature(call_api_client.connect).parameters.keys()
        == inspect.signature(sync.connect).parameters.keys()
    )
