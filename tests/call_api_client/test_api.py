import asyncio
from pathlib import Path

import pytest

from call_api_client import connect
from call_api_client.errors import UnknownCommand
from call_api_client.events import Reply
from tests.fakes.answering import Line, answering
from tests.fakes.api_script import CALLS, STATUS
from tests.fakes.scripted_backend import ScriptedBackend
from tests.wire.api import running


async def test_every_kind_of_question_has_its_answer() -> None:
    async def act(line: Line) -> None:
        for method, result in (
            ("CallList", {"calls": CALLS, "next": None}),
            ("CommandStatus", STATUS),
            ("CommandList", {"commands": [STATUS]}),
            ("rpc.discover", {"openrpc": "1.3.2"}),
        ):
            request = await line.request()
            assert request["method"] == method
            await line.result(request, result)
        await line.until_gone()

    async with asyncio.timeout(10), answering(act) as url, connect(url) as api:
        assert [call.state async for call in api.calls()] == ["answered", "ringing"]
        assert (await api.command("c")).outcome == "error"
        assert len(await api.commands()) == 1
        assert await api.ask("rpc.discover") == {"openrpc": "1.3.2"}


async def test_a_command_has_a_name_of_its_own_unless_it_is_given_one() -> None:
    async with (
        asyncio.timeout(10),
        running(ScriptedBackend()) as daemon,
        connect(daemon.urls[0]) as api,
    ):
        first, second, named = api.call("Echo"), api.call("Echo"), api.call("Echo", cmd_id="a")
        assert len({first.cmd_id, second.cmd_id, named.cmd_id, "a"}) == 3
        told = [event async for event in api.call("Echo", cmd_id="b", text="hi", timeout=3)]
        assert told == [Reply(params={"text": "hi"})]
        again = [event async for event in api.attach("b")]
        with pytest.raises(UnknownCommand):
            await named.cancel()

    assert again == told


@pytest.mark.parametrize(("path", "asked"), [("", "/call-api/v2"), ("/v1", "/call-api/v1")])
async def test_v2_is_spoken_unless_the_url_says_otherwise(path: str, asked: str) -> None:
    paths = []

    async def act(line: Line) -> None:
        paths.append(line.path)
        await line.until_gone()

    async with asyncio.timeout(10), answering(act) as url, connect(url + path):
        pass
    assert paths == [asked]


async def test_a_token_is_shown_and_one_in_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    shown = []

    async def act(line: Line) -> None:
        shown.append(line.headers.get("Authorization"))
        if len(shown) == 1:
            await line.request()
            file.write_text("second\n")
            await line.close(1008)
        else:
            await line.result(await line.request(), 1)
            await line.until_gone()

    async with asyncio.timeout(10), answering(act) as url:
        async with connect(url, token_file=file) as api:
            await api.ask("CallList")
        async with connect(url, token="third"), connect(url):
            pass

    assert shown == ["Bearer first", "Bearer second", "Bearer third", None]


@pytest.mark.parametrize("token", ["", "two words", "a\r\nX-Evil: 1", "ü"])
async def test_what_can_be_no_token_is_refused_here_and_not_shown(token: str) -> None:
    async with answering(Line.until_gone) as url:
        with pytest.raises(ValueError, match="a token is made of letters") as caught:
            async with connect(url, token=token):
                pass
        assert not token or token not in str(caught.value)


async def test_one_token_is_enough(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="either token or token_file"):
        async with connect("ws://h", token="a", token_file=tmp_path / "b"):
            pass
    with pytest.raises(FileNotFoundError):
        async with connect("ws://h", token_file=tmp_path / "b"):
            pass
