import msgspec

from call_api.jsonrpc_texts import RequestMembers, Response


def test_of_a_request_all_is_looked_at_as_it_came() -> None:
    text = '{"id": 1.50 ,"jsonrpc":2,"method":null,"params":5,"more":[]}'

    members = msgspec.json.decode(text, type=RequestMembers)

    assert bytes(members.id) == b"1.50"
    assert (members.jsonrpc, members.method, members.params) == (2, None, 5)


def test_an_answer_holds_no_error_unless_there_was_one() -> None:
    assert Response(id=1, result=None).error is None
