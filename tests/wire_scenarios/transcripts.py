"""Reads a transcript of what once passed between a Call API, OpenSIPS and phones.

A transcript has one JSON object a line: every datagram and frame, with its time. What a scripted
proxy needs of it to behave as OpenSIPS did then is little: what followed each request that set
something in motion, and how long after it. That is kept in ``data/``, one file for each scenario:

    {"calls": [{"callid","did","caller","callee","state"}],     calls that phones had made before
     "asked": [[METHOD, PARAMS]],                               what the client sent
     "acts": [{"method", "params",                              an MI request
               "then": [[MS, "answer", {"result":...}],         and what came of it:
                        [MS, "event", NAME, PARAMS],            an event of callops or the script
                        [MS, "move", CALLID, STATE, {...}],     a dialog's new state, from SIP
                        [MS, "referred", CALLID, STATUS]]}]}    a phone's answer to a REFER
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.wire_scenarios.sip_records import Sip, parse, uri_of

STARTERS = {
    "t_uac_dlg": "t_uac_dlg",
    "tm:uac_dlg": "t_uac_dlg",
    "call_transfer": "call_transfer",
    "callops:transfer": "call_transfer",
    "call_hold": "call_hold",
    "callops:hold": "call_hold",
    "call_unhold": "call_unhold",
    "callops:unhold": "call_unhold",
}
"""What sets something in motion that is played again, by its name in all versions."""

ENDERS = {"dlg_end_dlg": "dialog_id", "dialog:end_dlg": "dialog_id", "t_uac_cancel": "callid"}
"""What ends a call: the proxy does it again by itself, when it is asked again."""

REFER_TIMEOUT_MS = 4000  # the recorded proxy's fr_timeout
_ALIKE = 1  # tries of the same course that are kept
_TCP = "TCP bytes: "  # how events that came by TCP are noted
_STATE = "E_DLG_STATE_CHANGED"
_WANTED = re.compile(r"(Via|From|To|Call-ID|CSeq|v|f|t|i)\s*:.*", re.IGNORECASE)
_DID = re.compile(r"did=([0-9a-f.]+)")


@dataclass
class Act:
    """One request that set something in motion."""

    method: str
    params: dict[str, Any]
    at: float
    callids: list[str]
    id: Any
    then: list[list[Any]] = field(default_factory=list)

    def add(self, at: float, *what: Any) -> None:
        row = [round((at - self.at) * 1000, 1), *what]
        if row[1:] not in [one[1:] for one in self.then]:
            self.then.append(row)

    @property
    def course(self) -> tuple[Any, ...]:
        """What followed, without names and times."""
        steps: list[tuple[Any, ...]] = []
        for row in self.then:
            if row[1] == "event":
                steps.append((row[2], row[3].get("state"), row[3].get("status")))
            else:
                steps.append((row[1], row[3] if row[1] in ("move", "referred") else ""))
        return (self.method, *steps)


class Reader:
    """Takes in the records of one transcript, in order.

    Args:
        told: The new states of dialogs that events tell of; others follow from SIP.
    """

    def __init__(self, told: set[tuple[str, int]]) -> None:
        self.acts: list[Act] = []
        self.calls: dict[str, dict[str, Any]] = {}
        self.asked: list[list[Any]] = []
        self._told = told
        self._by_id: dict[str, Act] = {}
        self._touched: dict[str, Act] = {}
        self._over: set[str] = set()  # calls that an ender has ended
        self._refer_to: dict[str, Act] = {}
        self._refers: dict[str, Act] = {}
        self._states: dict[str, int] = {}
        self._made: dict[str, dict[str, str]] = {}

    def take(self, record: dict[str, Any]) -> None:
        raw, at = record["raw"], record["t"]
        match record["channel"], record.get("dir"):
            case "sip", _:
                self._sip(parse(record), at)
            case "mi", "send":
                self._request(raw, at)
            case "mi", "recv":
                self._reply(raw, at)
            case "event", _:
                self._event(json.loads(raw), at)
            case "ws", "recv":
                self._frame(raw)
            case "note", _ if raw.startswith(_TCP):
                self._event(json.loads(ast.literal_eval(raw.removeprefix(_TCP))), at)

    def finish(self) -> None:
        """Give up waiting for answers to REFERs."""
        for callid, act in self._refers.items():
            act.then.append([float(REFER_TIMEOUT_MS), "referred", callid, 408])
            act.then.sort(key=lambda row: row[0])

    def _frame(self, raw: str) -> None:
        try:
            frame = json.loads(raw)
        except ValueError:
            return
        self.asked.append([frame["method"], frame["params"]])

    def _request(self, raw: str, at: float) -> None:
        try:
            request = json.loads(raw)
        except ValueError:
            return
        if not isinstance(request, dict) or not isinstance(request.get("params", {}), dict):
            return
        method, params = request.get("method", ""), request.get("params", {})
        if method in ENDERS:
            self._over.add(params[ENDERS[method]])
        elif method in STARTERS and params.get("method", "INVITE") == "INVITE":
            if "callid" in params or "headers" in params:
                self._start(STARTERS[method], params, at, request.get("id"))
        elif params.get("method") == "BYE":
            self._over.add(_header(params["headers"], "call-id"))

    def _start(self, method: str, params: dict[str, Any], at: float, id_: Any) -> None:
        if method == "t_uac_dlg":
            callid = _header(params.get("headers", ""), "call-id")
            params = {"ruri": params["ruri"], "callid": callid}
        callids = [params[name] for name in ("callid", "transfer_callid") if name in params]
        act = Act(method, params, at, [str(one) for one in callids], id_)
        self.acts.append(act)
        self._by_id[repr(id_)] = act
        for callid in act.callids:
            self._touched[callid] = act

    def _reply(self, raw: str, at: float) -> None:
        try:
            reply = json.loads(raw)
        except ValueError:
            return
        act = self._by_id.pop(repr(reply.get("id")), None) if isinstance(reply, dict) else None
        if act is None or (act.method == "t_uac_dlg" and act.callids[0] in self._over):
            return
        body = {name: reply[name] for name in ("result", "error") if name in reply}
        result = body.get("result")
        if isinstance(result, dict) and "Message" in result:
            result["Message"] = _cut(result["Message"])
        act.add(at, "answer", body)

    def _event(self, event: dict[str, Any], at: float) -> None:
        name, params = event["method"], event["params"]
        act = self._touched.get(params["callid"])
        if name == _STATE:
            self._move(params["callid"], params["new_state"], at, is_told=True)
        elif act is not None:
            if params.get("transfer_callid"):
                self._touched.setdefault(params["transfer_callid"], act)
            act.add(at, "event", name, params)

    def _sip(self, sip: Sip, at: float) -> None:
        callid = sip.callid
        if sip.method == "REFER" and sip.src == "opensips":
            act = self._touched[callid]
            self._refers[callid] = act
            refer_to = uri_of(sip.headers["refer-to"]).partition("?")[0]
            self._refer_to[refer_to] = act
        elif sip.cseq_method == "REFER" and sip.status >= 200 and callid in self._refers:
            self._refers.pop(callid).add(at, "referred", callid, sip.status)
        elif sip.is_first_invite:
            self._first_invite(sip, at)
        elif sip.cseq_method == "INVITE" and sip.dst == "opensips" and "tag=" in sip.headers["to"]:
            self._answer_to_invite(sip, at)
        elif sip.cseq_method == "INVITE" and sip.status >= 300 and callid in self._made:
            self._move(callid, 5, at)
        elif sip.method == "ACK" and sip.dst == "opensips" and self._states.get(callid) == 3:
            self._move(callid, 4, at)
        elif sip.method == "BYE" and sip.src not in ("opensips", "") and callid in self._made:
            self._move(callid, 5, at)

    def _first_invite(self, sip: Sip, at: float) -> None:
        callid = sip.callid
        found = _DID.search(sip.headers.get("record-route", ""))
        if sip.src == "opensips" != sip.dst and not found:
            return  # straight to a phone: no dialog of the proxy
        made = self._made.get(callid)
        if made is None:
            caller, callee = uri_of(sip.headers["from"]), uri_of(sip.headers["to"])
            made = self._made[callid] = {"did": "", "caller": caller, "callee": callee}
            act = self._touched.get(callid) or self._refer_to.get(sip.target)
            if act is None:
                self.calls[callid] = {"callid": callid, **made, "state": 1}
            else:
                self._touched[callid] = act
                act.add(at, "move", callid, 1, made)
            self._states[callid] = 1
        if found and not made["did"]:
            made["did"] = found[1]
            if callid in self.calls:
                self.calls[callid]["did"] = found[1]

    def _answer_to_invite(self, sip: Sip, at: float) -> None:
        state = self._states.get(sip.callid, 5)
        if 180 <= sip.status < 200 and state < 2:
            self._move(sip.callid, 2, at)
        elif 200 <= sip.status < 300 and state < 3:
            self._move(sip.callid, 3, at)
        elif sip.status >= 300 and state < 3:
            self._move(sip.callid, 5, at)

    def _move(self, callid: str, state: int, at: float, *, is_told: bool = False) -> None:
        if state <= self._states.get(callid, 0) or ((callid, state) in self._told and not is_told):
            return
        self._states[callid] = state
        act = self._touched.get(callid)
        if callid in self._over:
            return
        if act is not None:
            act.add(at, "move", callid, state)
        elif callid in self.calls and state < 5:
            self.calls[callid]["state"] = state


def reduce(path: Path) -> dict[str, Any]:
    """Return what is kept of a transcript."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    reader = Reader(set(_told(records)))
    for record in records:
        reader.take(record)
    reader.finish()
    acts = _without_repetitions(reader.acts)
    used = {callid for act in acts for callid in act.callids}
    used |= {str(value) for _, params in reader.asked for value in _values(params)}
    return {
        "calls": [call for callid, call in reader.calls.items() if callid in used],
        "asked": reader.asked[:20],
        "acts": [{"method": one.method, "params": one.params, "then": one.then} for one in acts],
    }


def _told(records: list[dict[str, Any]]) -> Iterator[tuple[str, int]]:
    for record in records:
        if record["channel"] == "event" and _STATE in record["raw"]:
            params = json.loads(record["raw"])["params"]
            yield params["callid"], params["new_state"]


def _values(params: Any) -> list[Any]:
    """Return the values of a request's parameters."""
    return list(params.values()) if isinstance(params, dict) else list(params)


def dump(scenario: dict[str, Any]) -> str:
    """Return the text of a data file: one line for each step."""
    lines = ["{"]
    for name in ("calls", "asked"):
        rows = ",\n".join(f"    {json.dumps(row)}" for row in scenario[name])
        lines.append(f'  "{name}": [\n{rows}\n  ],' if rows else f'  "{name}": [],')
    acts = []
    for act in scenario["acts"]:
        head = f'    {{"method": {json.dumps(act["method"])}, "params": {json.dumps(act["params"])}'
        rows = ",\n".join(f"      {json.dumps(row)}" for row in act["then"])
        acts.append(
            f'{head},\n     "then": [\n{rows}\n    ]}}' if rows else f'{head}, "then": []}}'
        )
    lines.append('  "acts": [' + ("\n" + ",\n".join(acts) + "\n  ]" if acts else "]"))
    return "\n".join([*lines, "}", ""])


def _without_repetitions(acts: list[Act]) -> list[Act]:
    """Leave out tries that went like others before."""
    tries: dict[str, list[Act]] = {}
    for number, act in enumerate(acts):
        is_try = any(one.method == "t_uac_dlg" for one in tries.get(act.callids[0], ()))
        key = act.callids[0] if act.method == "t_uac_dlg" or is_try else f"{number}"
        tries.setdefault(key, []).append(act)
    seen: Counter[Any] = Counter()
    kept = []
    for parts in tries.values():
        course = tuple(part.course for part in parts)
        if parts[0].method == "t_uac_dlg":
            seen[course] += 1
        if seen[course] <= _ALIKE:
            kept += parts
    return sorted(kept, key=lambda act: act.at)


def _header(headers: str, name: str) -> str:
    for line in headers.split("\r\n"):
        key, _, value = line.partition(":")
        if key.strip().lower() == name:
            return value.strip()
    return ""


def _cut(message: str) -> str:
    """Keep those headers of a message that a BYE is made of."""
    lines = [line for line in message.partition("\r\n\r\n")[0].split("\r\n") if _WANTED.match(line)]
    return "\r\n".join([*lines, "", ""])
