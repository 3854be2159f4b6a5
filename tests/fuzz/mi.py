"""What an OpenSIPS proxy sends: answers to MI commands, over datagrams and HTTP, and events."""

import json

from call_api.backends.opensips.bye import bye
from call_api.backends.opensips.dialogs import parse_dialog, parse_dialogs
from call_api.backends.opensips.event_framing import EventFraming
from call_api.backends.opensips.event_table import EventTable, parse_event
from call_api.backends.opensips.events import ProxyEvent
from call_api.backends.opensips.mi_exchange import MiExchange
from call_api.backends.opensips.outcomes import failure, refusal
from call_api.model import CallId
from call_api.transports.mi_http import AnswerReader, BadAnswer

A = CallId("a")


def reply(data: bytes) -> None:
    """An answer is taken for the request that waits, or for none; any result can be read."""
    mi = MiExchange()
    request_id, _ = mi.request("dlg_list", {"callid": "a"}, now=0.0, within=1.0)
    received = mi.receive(data)
    assert mi.waiting == (received is None)
    if received is None:
        return
    assert received[0] == request_id
    assert mi.receive(data) is None, "the second copy is nobody's"
    answer = received[1]
    if answer.error is not None:
        assert refusal(answer.error, A).code < 0
    for dialog in (*parse_dialogs(answer.result), parse_dialog(answer.result)):
        if dialog is not None:
            _ = dialog.call_state, dialog.transfer_leg, dialog.transfer_callid, dialog.held
            _ = dialog.uri("caller"), dialog.replaces("x"), hash(dialog.is_over)
    status = answer.result.get("Status") if isinstance(answer.result, dict) else answer.result
    assert 300 <= failure(status, (500, "Failed")).status <= 699
    made = bye(answer.result, A)
    assert made is None or json.dumps(made.params)


def event(data: bytes) -> None:
    """An event reaches who listens to its call; a stream of them may be cut anywhere."""
    told: list[ProxyEvent] = []
    table = EventTable()
    listening = table.listen(("E_CALL_TRANSFER",), ("a",), told.append)
    table.receive(data)
    parsed = parse_event(data)
    assert (parsed is None) == (table.unreadable == 1)
    is_meant = parsed is not None and (parsed.method, parsed.params.callid) == (
        "E_CALL_TRANSFER",
        "a",
    )
    assert len(told) == is_meant
    listening.close()
    assert len(table) == 0
    size, stream = 1 + (data[0] if data else 0), data[1:]
    assert _framed([stream]) == _framed(
        [stream[at : at + size] for at in range(0, len(stream), size)]
    )


def _framed(pieces: list[bytes]) -> tuple[list[bytes], bool]:
    found: list[bytes] = []
    framing = EventFraming(found.append)
    for piece in pieces:
        if not framing.feed(piece):
            return found, False
    return found, True


def http(data: bytes) -> None:
    """An HTTP answer is read or refused, wherever the stream is cut."""
    size, stream = 1 + (data[0] if data else 0), data[1:]
    whole = _answers([stream])
    pieces = _answers([stream[at : at + size] for at in range(0, len(stream), size)])
    assert pieces[:1] == whole[:1]


def _answers(pieces: list[bytes]) -> list[object]:
    reader = AnswerReader()
    found: list[object] = []
    try:
        for piece in pieces:
            answer = reader.feed(piece)
            if answer is not None:
                found.append(answer)
                return found
    except BadAnswer:
        found.append("bad")
    return found
