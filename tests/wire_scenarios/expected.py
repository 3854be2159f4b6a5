"""What clients must be told, in both dialects, member by member.

Written from the wire contract, and not with the help of what is tested.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ALICE, BOB, CINDY, DAVE = (f"sip:{name}@127.0.0.1" for name in ("alice", "bob", "cindy", "dave"))

_V1_WORDS = {
    "CallerAnswered": "CALL_ANSWER",
    "Transferring": "TRANSFER_ACCEPT",
    "TransferStart": "CALL_START",
    "CalleeAnswered": "CALL_ANSWER",
    "CallHoldSuccessful": "CALL_HOLD",
    "CallUnholdSuccessful": "CALL_UNHOLD",
}


@dataclass(frozen=True)
class Told:
    """One notification.

    Attributes:
        data: As v2 has it; None: the member is missing.
        legs: Of the last leg's hold, what v1 says instead; None: v1 leaves it out.
    """

    event: str
    data: Any = None
    error: dict[str, Any] | None = None
    legs: list[str] | None = None


def start(caller: str, callee: str, new: str, *pending: str, ok: bool = True) -> list[Told]:
    """Return what CallStart tells from the caller's answer on."""
    parties = {"caller": caller, "callee": callee}
    named = {"callid": new, **parties}
    told = [
        Told("CallerAnswered", parties),
        Told("Transferring", {"caller": caller, "destination": callee}),
    ]
    if new:
        told.append(Told("TransferStart", named))
    told += [Told("TransferPending", {**named, "extra": extra}) for extra in pending]
    return [*told, Told("CalleeAnswered", named), ended(new)] if ok else told


def transfer(destination: str, new: str, *pending: str, ok: bool = True) -> list[Told]:
    """Return what CallBlindTransfer tells."""
    accepted = Told("Transferring", {"destination": destination})
    return _transfer(accepted, destination, new, *pending, ok=ok)


def join(to: str, new: str, *pending: str, ok: bool = True) -> list[Told]:
    """Return what CallAttendedTransfer tells."""
    return _transfer(Told("Transferring"), to, new, *pending, ok=ok)


def _transfer(accepted: Told, to: str, new: str, *pending: str, ok: bool) -> list[Told]:
    told = [accepted]
    named = {"callid": new, "destination": to}
    if new:
        told.append(Told("TransferStart", named))
    told += [Told("TransferPending", {**named, "extra": extra}) for extra in pending]
    return [*told, Told("TransferSuccessful", named), ended(new)] if ok else told


def hold(*order: str, verb: str = "Hold", legs: Sequence[str] = ("caller", "callee")) -> list[Told]:
    """Return what a hold tells: ``order`` is as in ``"caller start"``, ``"caller ok"``."""
    told = [Told(f"Call{verb}ing")]
    oks = 0
    for step in order:
        leg, _, state = step.partition(" ")
        name = "Start" if state == "start" else "Successful"
        oks += state == "ok"
        is_last = state == "ok" and oks == len(legs)
        told.append(Told(f"Call{verb}{name}", {"leg": leg}, legs=list(legs) if is_last else None))
    return told


def failed(code: int, name: str, words: str, **about: Any) -> list[Told]:
    """Return how a command fails."""
    return [Told("Error", words, {"code": code, "name": name, **about}), ended()]


def call_failed(status: int, reason: str, **about: Any) -> list[Told]:
    """Return how a command fails because a party refuses."""
    words = f"{status} {reason}"
    return failed(-32020, "CallFailed", words, status=status, reason=reason, **about)


def unknown_call(callid: str) -> list[Told]:
    """Return how a command fails because there is no such call."""
    return failed(-32012, "UnknownCall", f"no call has the Call-ID {callid}", callid=callid)


def refused(status: int, reason: str) -> list[Told]:
    """Return how a command fails because the proxy refuses."""
    words = f"the SIP proxy refused: {status} {reason}"
    return failed(-32011, "ProxyRefused", words, status=status, reason=reason)


def ended(callid: str = "") -> Told:
    """Return the end of a command."""
    return Told("Ended", {"callid": callid} if callid else None)


def v2_frames(method: str, cmd_id: str, told: Sequence[Told]) -> list[dict[str, Any]]:
    """Return the notifications of a command as v2 has them."""
    frames = []
    for seq, one in enumerate(told, 1):
        params: dict[str, Any] = {"cmd_id": cmd_id, "seq": seq, "event": one.event}
        if one.data is not None:
            params["data"] = one.data
        if one.error is not None:
            params["error"] = one.error
        frames.append({"jsonrpc": "2.0", "method": method, "params": params})
    return frames


def v1_frames(cmd_id: str, told: Sequence[Told]) -> list[dict[str, Any]]:
    """Return the notifications of a command as v1 has them."""
    frames: list[dict[str, Any]] = []
    for one in told:
        params: dict[str, Any] = {"cmd_id": cmd_id, "seq": len(frames) + 1, "event": one.event}
        method, details = "Event", one.data
        if one.event == "Error":
            method, details = "Error", one.error
            params["data"] = one.data
        elif one.event == "Ended":
            method = "Ended"
        elif one.event not in _V1_WORDS:
            continue
        else:
            params["data"] = _V1_WORDS[one.event]
            if one.event.startswith(("CallHold", "CallUnhold")):
                if one.legs is None:
                    continue
                details = {"legs": one.legs}
        if details is not None:
            params["details"] = details
        frames.append({"jsonrpc": "2.0", "method": method, "params": params})
    return frames
