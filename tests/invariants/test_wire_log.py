"""At DEBUG the log has every text of a client, and every one for it; else that costs nothing."""

import pytest

from call_api.logs import SUBJECT
from tests.fakes.fake_client import FakeClient, serving
from tests.fakes.scripted_backend import ScriptedBackend


@pytest.mark.parametrize(("level", "lines"), [("DEBUG", 2), ("INFO", 0)])
async def test_the_wire_is_logged_at_debug_alone(
    level: str, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(level, "call_api.conversation")
    async with serving(ScriptedBackend()) as api:
        client = FakeClient(api)
        await client.error(client.ask("Nonsense"))

    told = [record.message for record in caplog.records if record.levelname == "DEBUG"]
    assert len(told) == lines
    assert [text[:2] for text in told] == ["< ", "> "][:lines]


async def test_what_is_logged_after_a_text_of_a_client_is_not_about_it() -> None:
    async with serving(ScriptedBackend()) as api:
        FakeClient(api).send("no JSON")

    assert SUBJECT.get() == "-"
