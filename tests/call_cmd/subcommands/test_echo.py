import pytest

from tests.fakes.call_cmd import call_cmd, said, told
from tests.fakes.scripted_daemon import ScriptedDaemon


@pytest.mark.parametrize(
    ("words", "params"),
    [
        (["hello", "world"], {"text": "hello world"}),
        (["n:=3", "user=alice"], {"n": 3, "user": "alice"}),
        ([], {}),
    ],
)
def test_words_come_back(
    daemon: ScriptedDaemon, words: list[str], params: dict[str, object]
) -> None:
    assert said("echo", *words) == ['{"text": "hello"}']
    sent = daemon.requests[-1]["params"]
    del sent["cmd_id"]
    assert sent == params


def test_a_program_gets_the_reply_as_data(daemon: ScriptedDaemon) -> None:
    assert told("echo", "hello")[1]["data"] == {"text": "hello"}


def test_a_word_that_is_no_json_is_explained(daemon: ScriptedDaemon) -> None:
    ended = call_cmd("echo", "n:=three")

    assert (ended.exit_code, "n: no JSON" in ended.stderr) == (2, True)
