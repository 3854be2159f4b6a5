"""A change of a call as one line."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from call_api_client.messages import members
from call_cmd.callids import shortened

if TYPE_CHECKING:
    from call_api_client.terminal import Line
    from call_cmd.names import PhoneBook

STYLES = {"answered": "green", "branch_failed": "red", "ended": "dim"}
WIDTH = 13
"""Columns of the longest word for a change."""


def line(
    change: Mapping[str, object], book: "PhoneBook", when: datetime, *, is_short: bool = False
) -> "Line":
    """Return a change as a person reads it.

    Args:
        change: The members of the notification.
        when: The local time at which it came.
        is_short: Whether of a random Call-ID the beginning will do.
    """
    event, call = str(change.get("event")), members(change.get("call"))
    callid = str(change.get("callid"))
    parties = " -> ".join(book.name(str(call.get(party))) for party in ("caller", "callee"))
    about = _about(change, call, book)
    return [
        (f"{when:%H:%M:%S}  ", "dim"),
        (f"{shortened(callid) if is_short else callid}  ", "bold"),
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
