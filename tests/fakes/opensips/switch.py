"""The calls of a scripted OpenSIPS, and the phones behind it."""

import random
import re
from collections.abc import Callable, Sequence
from typing import Protocol

from call_api.model import LEGS, LegName
from tests.fakes.opensips.calls import Calls
from tests.fakes.opensips.commands import Params, Tell
from tests.fakes.opensips.dialog import ANSWERED, ENDED, NEW, Dialog
from tests.fakes.opensips.manners import (
    ACCEPTED,
    FR_INV_TIMEOUT,
    HOP,
    REASONS,
    Manner,
    Transfer,
    cancelled,
    dialled,
    invited,
    referred,
    reinvited,
    torn_down,
)
from tests.fakes.opensips.steps import Answer, Move, Play, Referred, Steps

_USER = re.compile(r"sips?:([^@;]*)@")
_REFER_TO = re.compile(r"Refer-To: <([^>?]*)(\?Replaces=([^>]*))?>")


class Tape(Protocol):
    """What a proxy did once."""

    def steps(self, method: str, params: Params) -> Steps | None:
        """Return what followed when it was asked this, or None if it was not."""


class Switch(Calls):
    """Dialogs, phones, and what goes on between them.

    Attributes:
        phones: How phones behave, by user name; others are as `Manner` has it.
        makes_dialogs: Whether an INVITE of the proxy's own becomes a dialog of it.
        bad_acks: How many REFERs to come overtake an ACK: the phone refuses them with 500.
    """

    def __init__(
        self, chance: random.Random, send: Callable[[str, Params], None], *, version: str
    ) -> None:
        super().__init__(chance, send, version=version)
        self.phones: dict[str, Manner] = {}
        self.tape: Tape | None = None
        self.makes_dialogs = True
        self.bad_acks = 0
        self.fr_inv_timeout = FR_INV_TIMEOUT
        self._chance = chance
        self._invites: dict[str, tuple[Play, Dialog]] = {}
        self._transfers: dict[str, tuple[Play, Transfer]] = {}

    def stop(self) -> None:
        """Let nothing more happen."""
        super().stop()
        self._invites.clear()
        self._transfers.clear()

    def dial(self, caller: str, callee: str) -> Dialog:
        """Have a phone call another one, which then rings and does as it is told."""
        dialog = self.call(caller, callee)
        dialog.state, dialog.answered = NEW, False
        self.play(dialled(self._phone(callee), dialog.callid), None)
        return dialog

    def hang_up(self, callid: str) -> None:
        """Have a phone hang up; what rings for it is cancelled."""
        self._do(Move(callid, ENDED), None)
        for play, transfer in tuple(self._transfers.values()):
            if transfer.old.callid == callid and transfer.is_undecided(self.dialogs):
                play.replace(torn_down(transfer))

    def decline(self, callid: str) -> None:
        """Have a phone that rings refuse at last."""
        invite, transfer = self._invites.get(callid), self._transfers.get(callid)
        if invite is not None:
            invite[0].replace(cancelled(callid, "603 Decline"))
        elif transfer is not None:
            transfer[0].replace(torn_down(transfer[1], "603 Decline"))
        else:
            self._do(Move(callid, ENDED), None)

    def recorded(self, method: str, params: Params) -> Steps | None:
        return None if self.tape is None else self.tape.steps(method, params)

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

    def cancel(self, callid: str, cseq: str) -> bool:
        """Cancel an INVITE, the proxy's own or a phone's; return whether there is one.

        One that was answered, or is just being, is not cancelled (RFC 3261, section 9.1).
        """
        invite, transfer = self._invites.get(callid), self._transfers.get(callid)
        dialog = self.dialogs.get(callid)
        if transfer is not None and dialog is not None and dialog.invite_cseq == cseq:
            play, made = transfer
            is_answered = Move(callid, ANSWERED) in play.due_within(HOP)
            if made.is_undecided(self.dialogs) and not is_answered:
                play.replace(torn_down(made))
            return True
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
            callee = request.get("destination") or other
            destination = callee.partition(";osid=")[0]
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


def _makes(steps: Steps, callid: str) -> bool:
    """Return whether a recorded INVITE came back to the proxy, and became a dialog of it."""
    return any(isinstance(deed, Move) and deed.callid == callid for _, deed in steps)


_REFER_TIMEOUT = Answer({"error": {"code": 408, "message": "Request Timeout"}})
