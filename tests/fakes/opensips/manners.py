"""How the phones behind a proxy behave, and what that makes a proxy tell."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from call_api.model import LegName
from tests.fakes.opensips.dialog import ANSWERED, CONFIRMED, ENDED, NEW, RINGING, Dialog
from tests.fakes.opensips.steps import Answer, Move, Raise, Referred, Steps

OK = Answer({"result": "OK"})
ACCEPTED = Answer({"result": "Accepted"})

FR_TIMEOUT = 4.0
"""Seconds a phone has for a first answer to a request, as the recorded proxy was set."""

FR_INV_TIMEOUT = 10.0
"""Seconds a phone may ring, likewise."""

REASONS = {202: "Accepted", 488: "Not Acceptable Here", 500: "Server Error", 603: "Decline"}

HOP = 0.0008  # seconds from the proxy to a phone and back


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How one phone behaves.

    Attributes:
        answers: Its answer to an INVITE; empty: it only rings.
        is_there: Whether it is registered.
        rings_for: Seconds until it answers.
        refers: Its answer to a REFER; 0: none at all.
        calls_out: Whether it then calls who it was referred to.
        holds: Its answer to a re-INVITE; 0: none at all.
        replaces: Its answer to an INVITE that is to take the place of a call it is in.
        gives_up: It hangs up as soon as its first NOTIFY is refused (baresip), and callops
            then forgets what the new call belongs to.
    """

    answers: str = "200 OK"
    is_there: bool = True
    rings_for: float = 0.3
    refers: int = 202
    calls_out: bool = True
    holds: int = 200
    replaces: str = "200 OK"
    gives_up: bool = False


def invited(manner: Manner, dialog: Dialog, patience: float) -> Steps:
    """Return what happens when the proxy calls a phone itself."""
    callid = dialog.callid
    if not manner.is_there:
        return [(HOP, Move(callid, ENDED)), (HOP, _status("404 Not Found"))]
    rings = [(HOP, Move(callid, RINGING))]
    if not manner.answers or manner.rings_for >= patience:
        over = patience + HOP
        return [*rings, (over, Move(callid, ENDED)), (over, _status("408 Request Timeout"))]
    if not manner.answers.startswith("2"):
        return [(HOP, Move(callid, ENDED)), (HOP, _status(manner.answers))]
    at = HOP + manner.rings_for
    return [
        *rings,
        (at, Move(callid, ANSWERED)),
        (at, answered(manner.answers, dialog)),
        (at + 0.0002, Move(callid, CONFIRMED)),
    ]


def answered(status: str, dialog: Dialog) -> Answer:
    """Return what t_uac_dlg says of a phone that has answered."""
    route = f"sip:127.0.0.1;lr;ftag={dialog.caller_tag};did={dialog.did}"
    message = (
        f"Record-Route: <{route}>\r\n"
        f"From: <{dialog.caller}>;tag={dialog.caller_tag}\r\n"
        f"To: <{dialog.callee}>;tag={dialog.callee_tag}\r\n"
        f"Call-ID: {dialog.callid}\r\nCSeq: 1 INVITE\r\nContent-Length:  0\r\n\r\n"
    )
    target = f"{dialog.callee}:5071;ob"
    return Answer(
        {
            "result": {
                "Status": status,
                "RURI": target,
                "Next-hop": route,
                "Routes": [f"<{route}>"],
                "Message": message,
            }
        }
    )


def cancelled(callid: str, ended: str = "487 Request Terminated") -> Steps:
    """Return what happens to an INVITE of the proxy that is cancelled, or refused at last."""
    return [(HOP, Move(callid, ENDED)), (HOP, _status(ended))]


def dialled(manner: Manner, callid: str) -> Steps:
    """Return what happens when a phone calls another one."""
    rings = [(HOP, Move(callid, RINGING))]
    if not manner.answers.startswith("2"):
        return rings
    at = HOP + manner.rings_for
    return [*rings, (at, Move(callid, ANSWERED)), (at + HOP, Move(callid, CONFIRMED))]


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """One REFER and the call that comes of it.

    Attributes:
        raisers: Call-ID and leg of each call that events are raised for.
        is_blind: Whether the events' first leg is wrong, as callops has it.
        replaced: The call whose leg is taken over, if any.
    """

    old: Dialog
    raisers: Sequence[tuple[str, str]]
    new_callid: str
    made: dict[str, str]
    destination: str
    is_blind: bool = True
    replaced: str | None = None

    def is_undecided(self, dialogs: Mapping[str, Dialog]) -> bool:
        """Whether the new call neither is up nor over."""
        new = dialogs.get(self.new_callid)
        return new is None or new.state < ANSWERED

    def event(self, state: str, status: str) -> list[Raise]:
        """Return one step of it, as it is told for each call."""
        return [
            Raise(
                "E_CALL_TRANSFER",
                {
                    "callid": callid,
                    "leg": self.new_callid if state == "start" and self.is_blind else leg,
                    "transfer_callid": self.new_callid,
                    "destination": self.destination,
                    "state": state,
                    "status": status,
                },
            )
            for callid, leg in self.raisers
        ]

    def notify(self, status: str, *, late: bool = False) -> Raise:
        """Return what is told of a phone's NOTIFY; when the transfer is over its leg is null."""
        callid, leg = self.raisers[0]
        return Raise(
            "E_CALL_TRANSFER",
            {
                "callid": callid,
                "leg": None if late else leg,
                "transfer_callid": self.new_callid,
                "destination": "",
                "state": "notify",
                "status": status,
            },
        )


def referred(
    transfer: Transfer, phone: Manner, target: Manner, patience: float, chance: random.Random
) -> Steps:
    """Return what happens once a phone has got a REFER."""
    old, at = transfer.old.callid, HOP
    if not phone.refers:
        return [(FR_TIMEOUT, Referred(old, 408))]
    if phone.refers >= 300 or not phone.calls_out:
        return [(at, Referred(old, phone.refers))]
    steps: list[tuple[float, Any]] = [(at, Referred(old, phone.refers))]
    at += HOP
    steps.append((at, Move(transfer.new_callid, NEW, transfer.made)))
    if phone.gives_up:
        steps.append((at, Move(old, ENDED)))
        return [*steps, *_unnoticed(transfer, target, at)]
    steps += [(at, event) for event in transfer.event("start", "")]
    return [*steps, *_called(transfer, target, patience, at, chance)]


def _called(
    transfer: Transfer, target: Manner, patience: float, at: float, chance: random.Random
) -> Steps:
    new, at = transfer.new_callid, at + HOP
    answer = target.replaces if transfer.replaced else target.answers
    if not target.is_there:
        gone = [(at, Move(new, ENDED))]
        return [
            *gone,
            *_final(transfer, "fail", "408 Request Timeout", "404 Not Found", at, chance),
        ]
    if answer and not answer.startswith("2"):
        return [(at, Move(new, ENDED)), *_final(transfer, "fail", answer, "", at, chance)]
    steps: list[tuple[float, Any]] = []
    rings_for = 0.0 if transfer.replaced else target.rings_for
    if rings_for or not answer:
        steps = [(at, Move(new, RINGING)), (at, transfer.notify("180 Ringing"))]
    if not answer or rings_for >= patience:
        at += patience
        end = _final(transfer, "fail", "487 Request Terminated", "", at, chance)
        return [*steps, (at, Move(new, ENDED)), *end]
    at += rings_for
    steps.append((at, Move(new, ANSWERED)))
    steps += _final(transfer, "ok", answer, "", at, chance)
    steps.append((at + HOP, Move(new, CONFIRMED)))
    if transfer.replaced:
        steps.append((at + 2 * HOP, Move(transfer.replaced, ENDED)))
    return steps


def _final(
    transfer: Transfer, state: str, status: str, truth: str, at: float, chance: random.Random
) -> list[tuple[float, Any]]:
    """Return the end of a transfer: callops' event, and the phone's NOTIFY before or after it."""
    truth = truth or status
    ends = transfer.event(state, status)
    if chance.random() < 0.5:
        return [(at, transfer.notify(truth)), *((at, end) for end in ends)]
    return [*((at, end) for end in ends), (at, transfer.notify(truth, late=True))]


def _unnoticed(transfer: Transfer, target: Manner, at: float) -> Steps:
    new, at = transfer.new_callid, at + HOP
    if not target.answers.startswith("2") or not target.is_there:
        return [(at, Move(new, ENDED))]
    up = at + target.rings_for
    return [(at, Move(new, RINGING)), (up, Move(new, ANSWERED)), (up + HOP, Move(new, CONFIRMED))]


def torn_down(transfer: Transfer, ended: str = "487 Request Terminated") -> Steps:
    """Return what happens when the new call is ended, or refused, while it rings."""
    return [
        (HOP, Move(transfer.new_callid, ENDED)),
        *((HOP, end) for end in transfer.event("fail", ended)),
        (HOP, transfer.notify(ended, late=True)),
    ]


def reinvited(
    dialog: Dialog, legs: Sequence[LegName], action: str, phones: dict[LegName, Manner]
) -> Steps:
    """Return what happens when legs are put on hold, or back."""
    steps: list[tuple[float, Any]] = [
        (0.0, _hold_event(dialog, leg, action, "start")) for leg in legs
    ]
    steps.append((0.0, OK))
    ends = []
    for leg in legs:
        status = phones[leg].holds
        state = "ok" if 0 < status < 300 else "fail"
        at = HOP if status else FR_TIMEOUT
        ends.append((at, _hold_event(dialog, leg, action, state)))
    return [*steps, *sorted(ends, key=lambda end: end[0])]


def _hold_event(dialog: Dialog, leg: str, action: str, state: str) -> Raise:
    params = {"callid": dialog.callid, "leg": leg, "action": action, "state": state}
    return Raise("E_CALL_HOLD", params)


def _status(status: str) -> Answer:
    made_up = status.startswith("408")
    return Answer({"result": {"Status": status} | ({} if made_up else {"Message": "\r\n"})})
