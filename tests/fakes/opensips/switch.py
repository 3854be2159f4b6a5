"""The calls of a scripted OpenSIPS, and the phones behind it."""

import asyncio
import random
import re
from collections.abc import Callable, Sequence
from typing import Protocol

from call_api.model import LEGS, LegName
from tests.fakes.opensips.commands import Params, Tell
from tests.fakes.opensips.dialog import ANSWERED, CONFIRMED, ENDED, NEW, Dialog, Names
from tests.fakes.opensips.manners import (
    ACCEPTED,
    FR_INV_TIMEOUT,
    REASONS,
    Manner,
    Transfer,
    cancelled,
    invited,
    referred,
    reinvited,
    torn_down,
)
from tests.fakes.opensips.steps import Answer, Deed, Move, Play, Raise, Referred, Steps
from tests.fakes.opensips.subscriptions import EVENT_IDS, Subscriptions

_USER = re.compile(r"sips?:([^@;]*)@")
_REFER_TO = re.compile(r"Refer-To: <([^>?]*)(\?Replaces=([^>]*))?>")
_REFUSED = "E_REFER_REJECTED"
_STARTED_AT = "Sun Nov 22 23:47:{:02d} 2026"


class Tape(Protocol):
    """What a proxy did once."""

    def steps(self, method: str, params: Params) -> Steps | None:
        """Return what followed when it was asked this, or None if it was not."""


class Switch:
    """Dialogs, phones, and what goes on between them.

    Attributes:
        phones: How phones behave, by user name; others are as `Manner` has it.
        makes_dialogs: Whether an INVITE of the proxy's own becomes a dialog of it.
        bad_acks: How many REFERs to come overtake an ACK: the phone refuses them with 500.
        raised: Every event that was raised, sent or not.
    """

    def __init__(
        self, chance: random.Random, send: Callable[[str, Params], None], *, version: str
    ) -> None:
        self.version = version
        self.subscriptions = Subscriptions()
        self.dialogs: dict[str, Dialog] = {}
        self.phones: dict[str, Manner] = {}
        self.tape: Tape | None = None
        self.makes_dialogs = True
        self.bad_acks = 0
        self.fr_inv_timeout = FR_INV_TIMEOUT
        self.raised: list[tuple[str, Params]] = []
        self._chance = chance
        self._names = Names(chance)
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._plays: set[Play] = set()
        self._invites: dict[str, tuple[Play, Dialog]] = {}
        self._transfers: dict[str, tuple[Play, Transfer]] = {}
        self._starts = 0

    @property
    def script_event(self) -> bool:
        """Whether the script raises an event when a REFER is refused."""
        return _REFUSED in self.subscriptions.known

    @script_event.setter
    def script_event(self, is_raised: bool) -> None:
        self.subscriptions.known = [*EVENT_IDS] if is_raised else [*EVENT_IDS][:3]

    @property
    def up_since(self) -> str:
        """When it was started, in its own words."""
        return _STARTED_AT.format(37 + self._starts)

    @property
    def live(self) -> list[Dialog]:
        """The dialogs that are not over."""
        return [dialog for dialog in self.dialogs.values() if dialog.state < ENDED]

    def now(self) -> float:
        return self._loop.time()

    def call(self, caller: str, callee: str, callid: str = "", did: str = "") -> Dialog:
        """Have a phone call another one, and be answered."""
        dialog = Dialog(
            did=did or self._names.did(),
            callid=callid or self._names.callid(),
            caller=caller,
            callee=callee,
            caller_tag=self._names.tag(),
            callee_tag=self._names.tag(),
            state=CONFIRMED,
            answered=True,
        )
        self.dialogs[dialog.callid] = dialog
        return dialog

    def hang_up(self, callid: str) -> None:
        """Have a phone hang up; what rings for it is cancelled."""
        self._do(Move(callid, ENDED), None)
        for play, transfer in tuple(self._transfers.values()):
            if transfer.old.callid == callid:
                play.replace(torn_down(transfer))

    def restart(self) -> None:
        """Forget everything."""
        self._starts += 1
        self.stop()
        self.dialogs.clear()
        self.subscriptions.clear()

    def stop(self) -> None:
        """Let nothing more happen."""
        for play in self._plays:
            play.stop()
        self._plays.clear()
        self._invites.clear()
        self._transfers.clear()

    def recorded(self, method: str, params: Params) -> Steps | None:
        return None if self.tape is None else self.tape.steps(method, params)

    def play(self, steps: Steps, tell: Tell | None) -> Play:
        """Let steps happen from now on."""
        play = Play(steps, lambda deed: self._do(deed, tell), lambda: self._plays.discard(play))
        self._plays.add(play)
        play.go_on()
        return play

    def invite(self, dialog: Dialog, request: Params, tell: Tell) -> None:
        """Call a phone."""
        dialog.did = self._names.did()
        dialog.caller_tag, dialog.callee_tag = self._names.tag(), self._names.tag()
        steps = self.recorded("t_uac_dlg", request)
        if self.makes_dialogs and (steps is None or _makes(steps, dialog.callid)):
            self.dialogs[dialog.callid] = dialog
        if steps is None:
            phone = self._phone(str(request["ruri"]))
            steps = invited(phone, dialog, self.fr_inv_timeout)
        self._invites[dialog.callid] = (self.play(steps, self._answering(dialog, tell)), dialog)

    def cancel(self, callid: str) -> bool:
        """Cancel an INVITE of the proxy's own; return whether there is one."""
        invite = self._invites.get(callid)
        if invite is None:
            return False
        steps = self.recorded("t_uac_cancel", {"callid": callid})
        invite[0].replace(steps or cancelled(callid))
        return True

    def refer(self, dialog: Dialog, request: Params, tell: Tell) -> None:
        """Have callops send a REFER to a leg."""
        leg = str(request["leg"])
        dialog.values["call_transfer_leg"] = leg
        steps = self.recorded("call_transfer", request)
        if steps is not None:
            self.play(steps, tell)
            return
        tell(ACCEPTED)
        if self.bad_acks:
            self.bad_acks -= 1
            self.play([(0.001, Referred(dialog.callid, 500))], tell)
            return
        self._follow(self._transfer(dialog, leg, request), self._phone(dialog.uri(leg)), tell)

    def refer_past_callops(self, dialog: Dialog, request: Params, tell: Tell) -> None:
        """Send a REFER that callops knows only by its mark."""
        steps = self.recorded("dlg_send_sequential", request)
        if steps is not None:
            self.play(steps, tell)
            return
        leg = str(request["mode"])
        phone = self._phone(dialog.uri(leg))
        found = _REFER_TO.search(str(request["headers"]))
        target = found[1].partition(";osid=")[0] if found else ""
        replaced = found[3].partition("%3B")[0] if found and found[3] else None
        if not phone.refers:
            self.play([(4.0, _REFER_TIMEOUT)], tell)
            return
        tell(Answer({"result": {"Code": phone.refers, "Reason": REASONS.get(phone.refers, "")}}))
        params: Params = {"destination": target}
        if replaced is not None:
            params |= {"transfer_callid": replaced, "transfer_leg": ""}
        self._follow(self._transfer(dialog, leg, params), phone, None)

    def reinvite(self, dialog: Dialog, legs: Sequence[LegName], hold: bool, tell: Tell) -> None:
        """Put legs on hold, or back."""
        method, action = ("call_hold", "hold") if hold else ("call_unhold", "unhold")
        steps = self.recorded(method, {"callid": dialog.callid})
        if steps is None:
            phones = {leg: self._phone(dialog.uri(leg)) for leg in LEGS}
            steps = reinvited(dialog, legs, action, phones)
        self.play(steps, tell)

    def end(self, dialog: Dialog) -> None:
        """End a dialog, ringing or answered."""
        invite = self._invites.pop(dialog.callid, None)
        transfer = self._transfers.get(dialog.callid)
        if invite is not None and dialog.state < ANSWERED:
            invite[0].replace(cancelled(dialog.callid))
        elif transfer is not None and dialog.state < ANSWERED:
            transfer[0].replace(torn_down(transfer[1]))
        else:
            self._do(Move(dialog.callid, ENDED), None)

    def bye(self, callid: str) -> None:
        """Send a BYE from the proxy itself: with a Route it goes through the dialog."""
        if callid in self.dialogs:
            self._do(Move(callid, ENDED), None)

    def _answering(self, dialog: Dialog, tell: Tell) -> Tell:
        def told(answer: Answer) -> None:
            self._invites.pop(dialog.callid, None)
            tell(answer)

        return told

    def _follow(self, transfer: Transfer, phone: Manner, tell: Tell | None) -> None:
        target = self._phone(transfer.made["callee"])
        steps = referred(transfer, phone, target, self.fr_inv_timeout, self._chance)
        play = self.play(steps, tell)
        self._transfers[transfer.new_callid] = (play, transfer)

    def _transfer(self, dialog: Dialog, leg: str, request: Params) -> Transfer:
        new = self._names.callid()
        raisers = [(dialog.callid, leg)]
        replaced = request.get("transfer_callid")
        if replaced is not None:
            raisers.append((replaced, request["transfer_leg"]))
            other = self.dialogs[replaced].uri(request["transfer_leg"] or "callee")
            destination = request.get("destination") or other
            callee = destination
        else:
            destination = request["destination"]
            callee = f"{destination};osid={dialog.did}"
        made = {"did": self._names.did(), "caller": dialog.uri(leg), "callee": callee}
        contact = f"{destination}:5072;ob" if self._phone(destination).is_there else destination
        return Transfer(
            old=dialog,
            raisers=raisers,
            new_callid=new,
            made=made,
            destination=contact,
            is_blind=replaced is None,
            replaced=replaced,
        )

    def _phone(self, uri: str) -> Manner:
        user = _USER.match(uri)
        return self.phones.get(user[1] if user else uri, Manner())

    def _do(self, deed: Deed, tell: Tell | None) -> None:
        match deed:
            case Answer():
                if tell is not None:
                    tell(deed)
            case Raise():
                self._note(deed)
                self._raise(deed.name, deed.params)
            case Move():
                self._move(deed)
            case Referred():
                self._refer_answered(deed)

    def _raise(self, name: str, params: Params) -> None:
        self.raised.append((name, params))
        self._send(name, params)

    def _note(self, event: Raise) -> None:
        """Keep on the dialog what callops does."""
        params = event.params
        dialog = self.dialogs.get(params["callid"])
        if dialog is None:
            return
        if event.name == "E_CALL_HOLD" and params["state"] == "ok":
            leg: LegName = params["leg"]
            dialog.values[f"call_hold_{leg}"] = dialog.asked.pop(leg, dialog.held(leg))
        elif event.name == "E_CALL_TRANSFER" and params["state"] == "start":
            dialog.values["call_transfer_callid"] = params["transfer_callid"]
        elif event.name == "E_CALL_TRANSFER" and params["state"] in ("ok", "fail"):
            dialog.values["call_transfer_leg"] = ""

    def _refer_answered(self, deed: Referred) -> None:
        dialog = self.dialogs.get(deed.callid)
        if dialog is None or deed.status < 300:
            return
        if "call_transfer_leg" in dialog.values:
            dialog.values["call_transfer_leg"] = ""
        if self.script_event and deed.status != 408:
            params = {"reason": "Decline", "code": deed.status, "callid": deed.callid}
            self._raise(_REFUSED, params)

    def _move(self, deed: Move) -> None:
        dialog = self.dialogs.get(deed.callid)
        if deed.state == NEW:
            if dialog is None:
                self.dialogs[deed.callid] = self._made(deed)
            elif "did" in deed.made:
                dialog.did = deed.made["did"]
            return
        if dialog is None or deed.state <= dialog.state:
            return
        old, dialog.state = dialog.state, deed.state
        dialog.answered = dialog.answered or deed.state in (ANSWERED, CONFIRMED)
        params = {
            "id": dialog.did,
            "db_id": "15935041942133",
            "callid": dialog.callid,
            "from_tag": dialog.caller_tag,
            "to_tag": dialog.callee_tag,
            "old_state": old,
            "new_state": deed.state,
        }
        self._raise("E_DLG_STATE_CHANGED", params)

    def _made(self, deed: Move) -> Dialog:
        return Dialog(
            did=deed.made.get("did") or self._names.did(),
            callid=deed.callid,
            caller=deed.made.get("caller", ""),
            callee=deed.made.get("callee", ""),
            caller_tag=self._names.tag(),
            callee_tag=self._names.tag(),
        )


def _makes(steps: Steps, callid: str) -> bool:
    """Return whether a recorded INVITE came back to the proxy, and became a dialog of it."""
    return any(isinstance(deed, Move) and deed.callid == callid for _, deed in steps)


_REFER_TIMEOUT = Answer({"error": {"code": 408, "message": "Request Timeout"}})
