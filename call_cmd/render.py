"""What a command tells, as lines for people and as JSON for scripts."""

import json
import string
from collections.abc import Mapping

from call_api_client.exchange import ATTACH
from call_api_client.messages import Answer, Failure, Step, members
from call_api_client.terminal import Line
from call_cmd.names import PhoneBook

OK, MOVING, PLAIN = "green", "dim", ""
"""How lines look: something was reached; something is under way; neither."""

SENTENCES: dict[str, tuple[str, ...]] = {
    "CallerAnswered": (OK, "{caller} answered"),
    "Transferring": (
        MOVING,
        "connecting {caller} to {destination}",
        "transferring to {destination}",
        "joining the two calls",
    ),
    "TransferStart": (MOVING, "calling {callee}", "calling {destination}"),
    "TransferPending": (MOVING, "{callee}: {extra}", "{destination}: {extra}"),
    "CalleeAnswered": (OK, "{callee} answered"),
    "TransferSuccessful": (OK, "transferred to {destination}"),
    "CallHolding": (MOVING, "holding the call"),
    "CallHoldStart": (MOVING, "asking the {leg} to hold"),
    "CallHoldSuccessful": (OK, "the {leg} is on hold"),
    "CallUnholding": (MOVING, "resuming the call"),
    "CallUnholdStart": (MOVING, "asking the {leg} to resume"),
    "CallUnholdSuccessful": (OK, "the {leg} is back"),
}
"""Each event of dialect v2: how it looks, and its sentence. Of several the first one counts of
which the event has all members. An event that is not here is told by its name and members."""

SOMEBODY = {
    "caller": "the caller",
    "callee": "the callee",
    "destination": "the other party",
    "extra": "no answer yet",
    "leg": "party",
}
"""What stands for a member that the daemon left out."""


class Narrator:
    """Tells the story of one request.

    Args:
        method: As dialect v2 spells it.
        params: The request's.
        book: Shows parties by their names.
    """

    def __init__(self, method: str, params: Mapping[str, object], book: PhoneBook) -> None:
        self._method = method
        self._params = params
        self._book = book
        self._callid: str | None = None
        self._has_failed = False

    def lines(self, message: Answer | Step) -> list[Line]:
        """Return what a message tells a person, but for the reason of a failure."""
        if isinstance(message, Answer):
            return self._of_answer(message)
        self._note(message)
        if message.event == "Error":
            return []
        if message.event == "Ended":
            return self._of_end()
        if message.event == "Reply":
            return [[(json.dumps(message.data, ensure_ascii=False), PLAIN)]]
        return self._of_event(message.event, message.data) or [_by_name(message)]

    def json(self, message: Answer | Step) -> str:
        """Return a message as one line of JSON, of the shape that docs/cli.md describes."""
        told: dict[str, object]
        if isinstance(message, Answer):
            cmd_id = members(message.result).get("cmd_id", self._params.get("cmd_id"))
            event = "Attached" if self._method == ATTACH else "Started"
            told = {"event": "Error" if message.failure else event, "cmd_id": cmd_id}
        else:
            self._note(message)
            told = {"event": message.event, "cmd_id": message.cmd_id, "seq": message.seq}
            if message.event == "Ended":
                told["outcome"] = "error" if self._has_failed else "ok"
                told["callid"] = self._callid
            elif message.failure is None:
                told["data"] = message.data
        if message.failure is not None:
            told["error"] = _error(message.failure)
        return json.dumps(told, ensure_ascii=False)

    def _note(self, step: Step) -> None:
        callid = step.data.get("callid")
        if isinstance(callid, str) and step.event != "Reply":
            self._callid = callid
        self._has_failed = self._has_failed or step.event == "Error"

    def _of_answer(self, answer: Answer) -> list[Line]:
        caller = self._params.get("caller")
        if answer.failure is None and self._method == "CallStart" and isinstance(caller, str):
            return [[(f"calling {self._book.name(caller)}", MOVING)]]
        return []

    def _of_event(self, event: str, data: Mapping[str, object]) -> list[Line]:
        if event not in SENTENCES:
            return []
        style, *sentences = SENTENCES[event]
        named = self._named(data)
        sentence = next((its for its in sentences if _members_of(its) <= set(named)), sentences[-1])
        # Dialect v1 tells of all legs at once.
        told = data.get("legs") if "leg" not in data else None
        legs = told if isinstance(told, list) and told else [named.get("leg", SOMEBODY["leg"])]
        return [[(sentence.format_map({**SOMEBODY, **named, "leg": leg}), style)] for leg in legs]

    def _named(self, data: Mapping[str, object]) -> dict[str, str]:
        """Return an event's members as a person would say them."""
        named = {name: value for name, value in data.items() if isinstance(value, str)}
        for party in ("caller", "callee", "destination"):
            if party in named:
                named[party] = self._book.name(named[party])
        return named

    def _of_end(self) -> list[Line]:
        if self._has_failed:
            return []
        if self._method == "CallEnd":
            return [[("the call has ended", OK)]]
        if self._callid is not None:
            return [[("callid ", PLAIN), (self._callid, "bold")]]
        return [[("the command has ended", OK)]] if self._method == ATTACH else []


def _members_of(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def _by_name(step: Step) -> Line:
    told = " ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in step.data.items()
    )
    return [(f"{step.event} {told}".rstrip(), PLAIN)]


def _error(failure: Failure) -> dict[str, object]:
    return {
        "code": failure.code,
        "name": failure.name,
        "message": failure.message,
        "data": failure.data,
    }
