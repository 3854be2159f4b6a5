"""A recorded scenario, played again by a scripted proxy."""

import json
from pathlib import Path
from typing import Any

from tests.fakes.opensips.commands import Params
from tests.fakes.opensips.steps import Answer, Deed, Move, Raise, Referred, Steps

DATA = Path(__file__).with_name("data")


class Tape:
    """What followed which request, in the order in which it was asked then.

    A request that is asked now, and was asked then, is followed by what followed then; Call-IDs
    that are chosen now take the place of those that were chosen then.

    Args:
        name: Of the scenario.

    Attributes:
        calls: The calls that phones had made before.
        asked: What the client sent: method and parameters.
        acts: What is still to be played.
    """

    def __init__(self, name: str) -> None:
        recorded = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
        self.calls: list[dict[str, Any]] = recorded["calls"]
        self.asked: list[tuple[str, dict[str, Any]]] = [
            (one[0], one[1]) for one in recorded["asked"]
        ]
        self.acts: list[dict[str, Any]] = recorded["acts"]
        self._now: dict[str, str] = {}

    def made(self) -> list[str]:
        """Return the Call-IDs of the calls that phones made because they were referred."""
        return [
            row[2]
            for act in self.acts
            if act["method"] == "call_transfer"
            for row in act["then"]
            if row[1] == "move" and row[3] == 1
        ]

    def steps(self, method: str, params: Params) -> Steps | None:
        """Return what followed, or None if this was not asked then."""
        for act in self.acts:
            if act["method"] == method and self._fits(act["params"], params):
                self.acts.remove(act)
                return [(row[0] / 1000, self._deed(row)) for row in act["then"]]
        return None

    def _fits(self, then: Params, now: Params) -> bool:
        if "ruri" in then:
            if then["ruri"] != now["ruri"]:
                return False
            self._now[then["callid"]] = now["headers"].partition("Call-ID: ")[2].partition("\r")[0]
            return True
        names = ("callid", "transfer_callid", "leg")
        return all(self._renamed(then[name]) == now[name] for name in names if name in now)

    def _deed(self, row: list[Any]) -> Deed:
        match row[1]:
            case "answer":
                return Answer(self._renamed(row[2]))
            case "event":
                return Raise(row[2], self._renamed(row[3]))
            case "move":
                return Move(self._renamed(row[2]), row[3], *row[4:])
            case _:
                return Referred(self._renamed(row[2]), row[3])

    def _renamed(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._renamed(one) for key, one in value.items()}
        if not isinstance(value, str):
            return value
        if value in self._now:
            return self._now[value]
        for then, now in self._now.items():
            value = value.replace(f"Call-ID: {then}\r", f"Call-ID: {now}\r")
        return value
