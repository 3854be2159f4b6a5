"""What clients and daemons say to each other in JSON."""

import contextlib
import json

from call_api import jsonrpc
from call_api.commands.base import Query
from call_api.commands.params import Order, read
from call_api.errors import CallApiError
from call_api.jsonrpc import Batch, Invalid, NotJson, ProtocolError, Request
from call_api_client.exchange import Exchange
from call_api_client.messages import BadReply


def request(data: bytes) -> None:
    """A text is requests or refused, as text and as bytes alike; what was read says the same."""
    text = data.decode("utf-8", "replace")
    for version_needed in (True, False):
        try:
            parsed = jsonrpc.parse_requests(text, version_needed=version_needed)
        except NotJson:
            continue
        assert parsed == jsonrpc.parse_requests(text.encode(), version_needed=version_needed)
        members = parsed.members if isinstance(parsed, Batch) else (parsed,)
        assert members
        for member in members:
            _member(member)


def _member(member: Request | Invalid) -> None:
    if isinstance(member, Invalid):
        assert member.problem
        return
    error = jsonrpc.encode_error(member.id or b"null", -32000, "no", {"param": "x"})
    assert json.loads(error)["error"]["code"] == -32000
    if isinstance(member.params, dict):
        _params(member.method, member.params)
        written = jsonrpc.encode_request("1", member.method, member.params)
        again = jsonrpc.parse_requests(written)
        assert isinstance(again, Request)
        assert repr((again.method, again.params)) == repr((member.method, member.params))
    else:
        with contextlib.suppress(CallApiError):
            read(member.method, member.params)


def _params(method: str, params: dict[str, object]) -> None:
    for name in {method, *METHODS} if len(params) < 8 else {method}:
        with contextlib.suppress(CallApiError):
            assert isinstance(read(name, dict(params)), Order | Query)


METHODS = ("CallStart", "CallBlindTransfer", "CallHold", "CommandAttach", "CallList", "Echo")


def reply(data: bytes) -> None:
    """A client takes any text for an answer, a notification, or no message at all."""
    text = data.decode("utf-8", "replace")
    with contextlib.suppress(ProtocolError):
        jsonrpc.parse_message(text)
    with contextlib.suppress(ProtocolError):
        jsonrpc.parse_message(data)
    exchange = Exchange()
    asked, _ = exchange.request("CommandAttach", {"cmd_id": "c"}, request_id="1")
    watching, _ = exchange.request("CallWatch", {}, request_id="2")
    exchange.receive('{"jsonrpc":"2.0","id":"2","result":{"callid":null}}')
    for line in text.split("\n"):
        with contextlib.suppress(BadReply):
            for listener, said in exchange.receive(line):
                assert listener in (asked, watching)
                assert said.text == line
    exchange.forget(asked)
    exchange.forget(watching)
