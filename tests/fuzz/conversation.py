"""What a client says, to everything but the sockets of a daemon."""

import asyncio
from typing import Any, Final

from call_api import jsonrpc
from call_api.conversation import Limits
from call_api.model import DialectName
from tests.fakes.fake_client import FakeClient, serving
from tests.fakes.scripted_backend import ScriptedBackend

INTERNAL_ERROR: Final = -32603
LIMITS = Limits(batch=20, followed=20, unanswered=20, watched=5)


def conversation(data: bytes) -> None:
    """Each request is answered once, each command that has started ends once, nothing breaks.

    The first byte says in which dialect.
    """
    dialect: DialectName = "v2" if data[:1] > b"\x7f" else "v1"
    asyncio.run(_converse(data[1:].decode("utf-8", "replace"), dialect))


async def _converse(text: str, dialect: DialectName) -> None:
    async with serving(ScriptedBackend(), limits=LIMITS) as api:
        client = FakeClient(api, dialect)
        client.send(text)
        for _ in range(10):
            await asyncio.sleep(0)
        while api.runner.running:  # noqa: ASYNC110  # the back end does all at once
            await asyncio.sleep(0)
        answers = [one for one in client.texts if isinstance(one, list) or "method" not in one]
        assert [_count(answer) for answer in answers] == _wanted(text, dialect)
        for answer in _each(answers):
            assert answer.get("error", {}).get("code") != INTERNAL_ERROR
            result = answer.get("result")
            if isinstance(result, dict) and result.get("status") == "Started":
                told = client.told(result["cmd_id"])
                assert [one["seq"] for one in told] == list(range(1, len(told) + 1))
                assert [one["event"] for one in told].count("Ended") == 1
        client.leave()


def _wanted(text: str, dialect: DialectName) -> list[int]:
    """Return how many answers there have to be in each text; 0 for one that is no batch."""
    try:
        asked = jsonrpc.parse_requests(text, version_needed=dialect == "v1")
    except jsonrpc.NotJson:
        return [0]
    if not isinstance(asked, jsonrpc.Batch):
        return [0] if _wants_answer(asked) else []
    if len(asked.members) > LIMITS.batch:
        return [0]
    wanted = sum(map(_wants_answer, asked.members))
    return [wanted] if wanted else []


def _wants_answer(asked: jsonrpc.Request | jsonrpc.Invalid) -> bool:
    return isinstance(asked, jsonrpc.Invalid) or asked.id is not None


def _count(answer: Any) -> int:
    return len(answer) if isinstance(answer, list) else 0


def _each(answers: list[Any]) -> list[dict[str, Any]]:
    return [one for answer in answers for one in (answer if isinstance(answer, list) else [answer])]
