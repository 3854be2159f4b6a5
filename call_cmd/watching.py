"""The changes of calls, one line each, for as long as somebody reads."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from call_api_client.client import Client, Refused
from call_api_client.exchange import WATCH
from call_api_client.messages import Answer, Step, members
from call_api_client.statuses import Status

if TYPE_CHECKING:
    from call_api_client.terminal import Line
    from call_cmd.desk import Desk
    from call_cmd.names import PhoneBook

STYLES = {"answered": "green", "branch_failed": "red", "ended": "dim"}
WIDTH = 13
"""Columns of the longest word for a change."""


async def watch(desk: "Desk", client: Client, params: Mapping[str, object]) -> Status:
    """Show the changes of all calls, or of one until it ends.

    Args:
        params: Of CallWatch. Nothing else may be watched on this connection.

    Raises:
        Refused: The daemon refuses.
        ConnectionLost, BadReply, NoAnswer, TooSlow: As in `Replies`.
    """
    callid = params.get("callid")
    async for message in client.request(WATCH, params):
        if isinstance(message, Answer):
            if message.failure is not None:
                raise Refused(message.failure)
            _begin(desk, callid)
            continue
        _show(desk, message)
        if callid is not None and message.event == "ended":
            break
    return Status.OK


def line(change: Mapping[str, object], book: "PhoneBook", now: datetime) -> "Line":
    """Return a change as a person reads it.

    Args:
        change: The members of the notification.
        now: The local time.
    """
    event, call = str(change.get("event")), members(change.get("call"))
    parties = " -> ".join(book.name(str(call.get(party))) for party in ("caller", "callee"))
    about = _about(change, call, book)
    return [
        (f"{now:%H:%M:%S}  ", "dim"),
        (f"{change.get('callid')}  ", "bold"),
        (f"{event:{WIDTH}}  ", STYLES.get(event, "yellow")),
        (parties, ""),
        (f"  {about}" if about else "", "dim"),
    ]


def _about(change: Mapping[str, object], call: Mapping[str, object], book: "PhoneBook") -> str:
    target, status, held = change.get("target"), change.get("status"), call.get("held")
    told = []
    if isinstance(target, str):
        told.append(book.name(target))
    if isinstance(status, int):
        told.append(str(status))
    if isinstance(held, list) and held:
        told.append(f"on hold: {' '.join(map(str, held))}")
    return "  ".join(told)


def _begin(desk: "Desk", callid: object) -> None:
    if desk.is_json:
        desk.out.json(json.dumps({"event": "Watching", "callid": callid}))
    elif desk.errors.is_terminal:
        what = "all calls" if callid is None else str(callid)
        desk.errors.line((f"watching {what}; Ctrl-C ends it", "dim"))


def _show(desk: "Desk", change: Step) -> None:
    if desk.is_json:
        desk.out.json(json.dumps(change.data, ensure_ascii=False))
    else:
        desk.out.line(*line(change.data, desk.book, datetime.now().astimezone()))
