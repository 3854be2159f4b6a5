"""The changes of calls, for as long as somebody reads: on a full screen, or one line each."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from call_api_client.client import Client, Refused, Replies
from call_api_client.exchange import WATCH
from call_api_client.messages import Answer, Step, members
from call_api_client.statuses import Status
from call_cmd.call_rows import row
from call_cmd.callids import NOT_SUPPORTED, every_call
from call_cmd.changes import line
from call_cmd.live_calls import Call, LiveCalls, of_user

if TYPE_CHECKING:
    from call_cmd.desk import Desk


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What somebody wants to see.

    Attributes:
        callid: One call, until it ends; None: all of them.
        user: Only the calls of this party, as it is typed.
        is_list: The calls as they are, not what happens to them.
        is_plain: Lines, also where a whole screen could be drawn.
    """

    callid: str | None = None
    user: str | None = None
    is_list: bool = False
    is_plain: bool = False


async def watch(client: Client, callid: str | None) -> Replies:
    """Return what is told of all calls, or of one, from now on.

    Nothing else may be watched on this connection.

    Raises:
        Refused: The daemon refuses.
        ConnectionLost, BadReply, NoAnswer: As in `Replies`.
    """
    replies = client.request(WATCH, {} if callid is None else {"callid": callid})
    answer = await anext(replies)
    assert isinstance(answer, Answer), "the answer comes first"
    if answer.failure is not None:
        raise Refused(answer.failure)
    return replies


async def list_calls(client: Client) -> list[Call] | None:
    """Return all calls, or None where the back end cannot list them.

    Raises:
        Refused: The daemon refuses.
        ConnectionLost, BadReply, NoAnswer: As in `Client.ask`.
    """
    try:
        return [call async for call in every_call(client)]
    except Refused as exc:
        if exc.failure.code != NOT_SUPPORTED:
            raise
        return None


async def tell(desk: "Desk", client: Client, wanted: Wanted) -> Status:
    """Show every change in a line, or every call as it is after it, until the only one ends.

    Raises:
        Refused: The daemon refuses.
        ConnectionLost, BadReply, NoAnswer, TooSlow: As in `Replies`.
    """
    replies = await watch(client, wanted.callid)
    live = LiveCalls(of_user(wanted.user, desk.book), wanted.callid)
    _begin(desk, wanted)
    if wanted.is_list or wanted.callid is not None:
        live.begin_list()
        listed = await list_calls(client)
        live.end_list(listed or ())
        if wanted.is_list:
            for call in live.calls:
                _show_call(desk, call)
        elif listed is not None and not any(one.get("callid") == wanted.callid for one in listed):
            desk.errors.line((f"no call {wanted.callid} is listed: waiting for one", "dim"))
    async for message in replies:
        assert isinstance(message, Step), "there was an answer"
        if live.change(message.data):
            _show(desk, message, wanted)
        if wanted.callid is not None and message.event == "ended":
            break
    return Status.OK


def _begin(desk: "Desk", wanted: Wanted) -> None:
    if wanted.is_list:
        return
    if desk.is_json:
        desk.out.json(json.dumps({"event": "Watching", "callid": wanted.callid}))
    elif desk.errors.is_terminal:
        desk.errors.line((f"watching {title(wanted)}; Ctrl-C ends it", "dim"))


def title(wanted: Wanted) -> str:
    """Return what is watched, in words."""
    whose = "" if wanted.user is None else f" of {wanted.user}"
    return f"all calls{whose}" if wanted.callid is None else wanted.callid + whose


def _show(desk: "Desk", change: Step, wanted: Wanted) -> None:
    if wanted.is_list:
        _show_call(desk, members(change.data.get("call")))
    elif desk.is_json:
        desk.out.json(json.dumps(change.data, ensure_ascii=False))
    else:
        desk.out.line(*line(change.data, desk.book, datetime.now().astimezone()))


def _show_call(desk: "Desk", call: Call) -> None:
    if desk.is_json:
        desk.out.json(json.dumps(call, ensure_ascii=False))
        return
    cells = [(text or "-", style) for text, style in row(call, desk.book, datetime.now(UTC))]
    desk.out.line(*((f"{text}  ", style) for text, style in cells[:-1]), cells[-1])
