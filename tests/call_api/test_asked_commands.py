"""What its client hears of a command. The whole of it is in `test_conversation.py`."""

import asyncio
import json

import pytest

from call_api.access.standing import Standing
from call_api.asked_commands import AskedCommand, Client
from call_api.attachments import Attachments
from call_api.errors import CallFailed, TooManyRequests
from call_api.journal import Snapshot
from call_api.memory_journal import MemoryJournal
from call_api.record import Record
from call_api.replies import Answered, Then
from tests.fakes.records import record


class Sent(Answered):
    """A client of which everything that is sent is remembered."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.journal = MemoryJournal(clock=loop.time, call_soon=loop.call_soon)
        self.answers: list[bytes] = []
        attachments = Attachments(
            dialect="v2", journal=self.journal, send=self.answers.append, most=10
        )
        self.client = Client("peer", Standing(), attachments)

    def asked(self, made: Record) -> AskedCommand:
        self.client.unanswered += 1
        return AskedCommand(b"1", self, self.client, made, counts=True)

    def deliver(self, text: bytes | None, then: Then | None) -> None:
        assert text is not None
        self.answers.append(text)
        if then is not None:
            then()


async def test_a_command_and_its_retry_are_answered_alike_and_followed_once() -> None:
    sent, made = Sent(), record("a")
    owned = await sent.journal.claim(made)
    assert not isinstance(owned, Snapshot)
    asked = sent.asked(made)
    asked.started(owned)
    asked.ended(None)
    again = await sent.journal.claim(made)
    assert isinstance(again, Snapshot)
    sent.asked(made).exists(again)

    started = {"cmd_id": "a", "status": "Started", "event": "Started"}
    assert [json.loads(text)["result"] for text in sent.answers] == [started, started]
    assert sent.client.unanswered == 0


async def test_a_refusal_is_answered_and_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    sent = Sent()
    caplog.set_level("INFO")
    sent.asked(record("a")).refused(TooManyRequests(1.0))

    assert json.loads(sent.answers[0])["error"]["code"] == TooManyRequests.code
    assert sent.client.unanswered == 0
    assert "CallHold of peer refused" in caplog.text


async def test_what_is_gone_by_the_time_of_the_answer_is_answered_all_the_same() -> None:
    sent, made = Sent(), record("a")
    owned = await Sent().journal.claim(made)  # its own journal does not have it
    assert not isinstance(owned, Snapshot)
    asked = sent.asked(made)
    asked.started(owned)
    asked.ended(CallFailed(486))

    assert json.loads(sent.answers[0])["result"]["cmd_id"] == "a"
