import json

from call_api.errors import CallFailed, InvalidParams, ParseError
from call_api.replies import Answered, Batch, Reply, Then, error_text


class Sent(Answered):
    """Remembers what was delivered, and in which order."""

    def __init__(self) -> None:
        self.happened: list[str] = []

    def deliver(self, answer: bytes | None, then: Then | None) -> None:
        if answer is not None:
            self.happened.append(answer.decode())
        if then is not None:
            then()

    def later(self, name: str) -> Then:
        return lambda: self.happened.append(name)


def test_a_result_goes_out_before_what_follows_from_it() -> None:
    sent = Sent()

    Reply(b"1.50", sent).result(b'{"a":1}', sent.later("then"))

    assert sent.happened == ['{"jsonrpc":"2.0","id":1.50,"result":{"a":1}}', "then"]


def test_an_error_goes_out_with_its_data() -> None:
    sent = Sent()

    Reply(b'"x"', sent).error(InvalidParams("leg", "expected caller or callee"))

    assert json.loads(sent.happened[0]) == {
        "jsonrpc": "2.0",
        "id": "x",
        "error": {
            "code": -32602,
            "message": "Invalid params",
            "data": {"param": "leg", "problem": "expected caller or callee"},
        },
    }


def test_a_notification_is_not_answered_but_has_its_consequences() -> None:
    sent = Sent()

    Reply(None, sent).result(b"{}", sent.later("then"))
    Reply(None, sent).error(CallFailed(486))

    assert sent.happened == ["then"]


def test_an_error_about_a_request_whose_id_is_unknown_has_the_id_null() -> None:
    assert error_text(None, ParseError()) == (
        b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}'
    )


def test_a_batch_is_answered_when_its_last_answer_is_known_in_the_order_of_its_members() -> None:
    sent = Sent()
    batch = Batch(3, sent)

    batch.member(2).deliver(b"2", sent.later("third"))
    batch.member(0).deliver(b"0", None)
    assert sent.happened == []
    batch.member(1).deliver(b"1", sent.later("second"))

    assert sent.happened == ["[0,1,2]", "third", "second"]


def test_members_without_an_answer_are_left_out() -> None:
    sent = Sent()
    batch = Batch(2, sent)

    batch.member(0).deliver(None, sent.later("first"))
    batch.member(1).deliver(b"1", None)

    assert sent.happened == ["[1]", "first"]


def test_a_batch_of_notifications_alone_is_not_answered() -> None:
    sent = Sent()
    batch = Batch(2, sent)

    batch.member(0).deliver(None, sent.later("first"))
    batch.member(1).deliver(None, None)

    assert sent.happened == ["first"]
