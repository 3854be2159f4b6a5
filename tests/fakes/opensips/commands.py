"""The MI commands of OpenSIPS: what they take, what they answer, what they set in motion."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from call_api.model import LEGS, LegName
from tests.fakes.opensips.dialog import BOTH, CONFIRMED, DEAF, ENDED, RINGING, UNHEARD, Dialog
from tests.fakes.opensips.mi_text import MiRefusal
from tests.fakes.opensips.steps import Answer, Steps
from tests.fakes.opensips.subscriptions import Subscriptions

Params = dict[str, Any]
Tell = Callable[[Answer], None]

_HEADER = re.compile(r"^(From|To|Call-ID|CSeq): *(.*?)\r?$", re.IGNORECASE | re.MULTILINE)
_URI = re.compile(r"<([^>]*)>")

OLD_NAMES = {
    "callops:transfer": "call_transfer",
    "callops:hold": "call_hold",
    "callops:unhold": "call_unhold",
    "tm:uac_dlg": "t_uac_dlg",
    "dialog:list": "dlg_list",
    "dialog:end_dlg": "dlg_end_dlg",
    "evi:subscribe": "event_subscribe",
}
"""What 4.0 and later call them -> what all versions do."""

_LISTED: tuple[set[str], ...] = (set(), {"callid"}, {"index", "counter"})
_REFER = {"callid", "leg", "destination"}
_JOIN = {"callid", "leg", "transfer_callid", "transfer_leg"}
_HOLD = ({"callid"}, {"callid", "leg"}, {"callid", "leg", "headers"})

TAKES: dict[str, tuple[set[str], ...]] = {
    "uptime": (set(),),
    "version": (set(),),
    "which": (set(), {"command"}),
    "get_statistics": ({"statistics"},),
    "subscribers_list": (set(),),
    "event_subscribe": ({"event", "socket"}, {"event", "socket", "expire"}),
    "dlg_list": _LISTED,
    "dlg_list_ctx": _LISTED,
    "dlg_end_dlg": ({"dialog_id"}, {"dialog_id", "extra_hdrs"}),
    "t_uac_dlg": (
        {"method", "ruri", "headers"},
        {"method", "ruri", "headers", "next_hop"},
        {"method", "ruri", "headers", "next_hop", "body"},
    ),
    "t_uac_cancel": ({"callid", "cseq"},),
    "call_transfer": (_REFER, _JOIN, _JOIN | {"destination"}),
    "call_hold": _HOLD,
    "call_unhold": _HOLD,
    "dlg_send_sequential": ({"callid", "method", "body", "mode", "headers"},),
}
"""The sets of parameters that each command takes."""


class Network(Protocol):
    """The calls and phones that commands are about."""

    version: str
    subscriptions: Subscriptions
    dialogs: dict[str, Dialog]

    @property
    def up_since(self) -> str: ...
    def now(self) -> float: ...
    def invite(self, dialog: Dialog, request: Params, tell: Tell) -> None: ...
    def cancel(self, callid: str, cseq: str) -> bool: ...
    def refer(self, dialog: Dialog, request: Params, tell: Tell) -> None: ...
    def refer_past_callops(self, dialog: Dialog, request: Params, tell: Tell) -> None: ...
    def reinvite(self, dialog: Dialog, legs: Sequence[LegName], hold: bool, tell: Tell) -> None: ...
    def end(self, dialog: Dialog) -> None: ...
    def bye(self, callid: str) -> None: ...
    def recorded(self, method: str, params: Params) -> Steps | None: ...
    def play(self, steps: Steps, tell: Tell) -> object: ...


class Commands:
    """Carries out MI commands on a network."""

    def __init__(self, network: Network) -> None:
        self._net = network

    def run(self, method: str, params: Any, tell: Tell) -> None:
        """Carry one out; ``tell`` is called now, later, or never.

        Raises:
            MiRefusal: The answer is an error.
        """
        name = OLD_NAMES.get(method, method)
        is_new_name = method in OLD_NAMES
        if name not in TAKES or (is_new_name and self._net.version.startswith("3")):
            raise MiRefusal(-32601, "Method not found")
        taken = self._checked(name, params)
        getattr(self, f"_{name}")(taken, tell)

    def _checked(self, name: str, params: Any) -> Params:
        given = dict(params) if isinstance(params, dict) else {}
        sets = TAKES[name]
        if self._net.version.startswith("3") and name in ("call_hold", "call_unhold"):
            sets = sets[:1]
        if self._net.version.startswith("3.4") and name == "dlg_send_sequential":
            sets = ({"callid", "method", "body", "mode"},)
        if len(given) not in {len(one) for one in sets}:
            raise MiRefusal(-32602, "Invalid params", "Too few or too many parameters")
        if set(given) not in sets:
            raise MiRefusal(-32602, "Invalid params", "Named parameters do not match")
        return given

    def _uptime(self, params: Params, tell: Tell) -> None:
        now = "Sun Nov 22 23:48:00 2026"
        up = {"Now": now, "Up since": self._net.up_since, "Up time": "7 [sec]"}
        tell(Answer({"result": up}))

    def _version(self, params: Params, tell: Tell) -> None:
        tell(Answer({"result": {"Server": f"OpenSIPS ({self._net.version} (x86_64/linux))"}}))

    def _which(self, params: Params, tell: Tell) -> None:
        tell(Answer({"result": sorted({*TAKES, *OLD_NAMES})}))

    def _get_statistics(self, params: Params, tell: Tell) -> None:
        active = sum(dialog.state == CONFIRMED for dialog in self._net.dialogs.values())
        tell(Answer({"result": {"dialog:active_dialogs": active}}))

    def _subscribers_list(self, params: Params, tell: Tell) -> None:
        tell(Answer({"result": self._net.subscriptions.listed(self._net.now())}))

    def _event_subscribe(self, params: Params, tell: Tell) -> None:
        expire = int(params.get("expire", 3600))
        subscriptions = self._net.subscriptions
        subscriptions.subscribe(params["event"], params["socket"], expire, self._net.now())
        tell(Answer({"result": "OK"}))

    def _dlg_list(self, params: Params, tell: Tell) -> None:
        self._list(params, tell, values=False)

    def _dlg_list_ctx(self, params: Params, tell: Tell) -> None:
        self._list(params, tell, values=True)

    def _list(self, params: Params, tell: Tell, *, values: bool) -> None:
        dialogs = list(self._net.dialogs.values())
        if "callid" in params:
            dialog = self._net.dialogs.get(str(params["callid"]))
            if dialog is None:
                raise MiRefusal(404, "No such dialog")
            tell(Answer({"result": {"Dialog": dialog.listed(values=values)}}))
        elif "index" in params:
            first, count = int(params["index"]), int(params["counter"])
            page = [one.listed(values=values) for one in dialogs[first : first + count]]
            tell(Answer({"result": {"count": len(dialogs), "Dialogs": page}}))
        else:
            tell(Answer({"result": {"Dialogs": [one.listed(values=values) for one in dialogs]}}))

    def _dlg_end_dlg(self, params: Params, tell: Tell) -> None:
        wanted = str(params["dialog_id"])
        for dialog in self._net.dialogs.values():
            if wanted in (dialog.callid, dialog.did) and dialog.state < ENDED:
                steps = self._net.recorded("dlg_end_dlg", params)
                tell(Answer({"result": "OK"}))
                self._net.end(dialog)
                if steps is not None:
                    self._net.play([one for one in steps if not isinstance(one[1], Answer)], tell)
                return
        raise MiRefusal(404, "Requested Dialog not found")

    def _t_uac_dlg(self, params: Params, tell: Tell) -> None:
        if not str(params["ruri"]).startswith(("sip:", "sips:")):
            raise MiRefusal(400, "Invalid ruri")
        headers = {one[1].lower(): one[2] for one in _HEADER.finditer(str(params["headers"]))}
        if "to" not in headers:
            raise MiRefusal(400, "To missing")
        if params["method"] == "BYE":
            self._net.bye(headers["call-id"])
            tell(Answer({"result": {"Status": "200 OK", "Message": ""}}))
            return
        dialog = Dialog(
            did="",
            callid=headers["call-id"],
            caller=_uri(headers["from"]),
            callee=_uri(headers["to"]),
            is_first_leg=True,
        )
        self._net.invite(dialog, params, tell)

    def _t_uac_cancel(self, params: Params, tell: Tell) -> None:
        if not self._net.cancel(str(params["callid"]), str(params["cseq"])):
            raise MiRefusal(481, "No such transaction")
        tell(Answer({"result": "OK"}))

    def _call_transfer(self, params: Params, tell: Tell) -> None:
        for name in ("leg", "transfer_leg"):
            if params.get(name, "caller") not in LEGS:
                if self._net.version.startswith("3"):
                    bad = f"Bad type for parameter '{name}'"
                    raise MiRefusal(-32602, "Invalid params", bad)
                raise MiRefusal(-32000, "Server error", "Failed to handle parameter")
        dialog = self._find(params["callid"], "Dialog not found")
        if "transfer_callid" in params:
            self._find(params["transfer_callid"], "Transfer dialog not found")
        if "call_transfer_leg" in dialog.values:
            raise MiRefusal(491, "Request Pending")
        self._net.refer(dialog, params, tell)

    def _dlg_send_sequential(self, params: Params, tell: Tell) -> None:
        dialog = self._find(params["callid"], "Dialog not found")
        self._net.refer_past_callops(dialog, params, tell)

    def _call_hold(self, params: Params, tell: Tell) -> None:
        dialog, modes = self._modes(params)
        legs: list[LegName] = []
        for leg in LEGS:
            mark = dialog.values.get(f"call_hold_{leg}")
            if mark != modes[leg] and (mark is None or self._net.version.startswith("4")):
                dialog.asked[leg] = modes[leg] | (mark or 0)
                legs.append(leg)
        if not legs:
            raise MiRefusal(480, "Both dialog legs are on hold")
        self._net.reinvite(dialog, legs, True, tell)

    def _call_unhold(self, params: Params, tell: Tell) -> None:
        dialog, modes = self._modes(params)
        legs: list[LegName] = [leg for leg in ("callee", "caller") if dialog.held(leg)]
        if not legs:
            raise MiRefusal(480, "No dialog legs on hold")
        for leg in legs:
            dialog.asked[leg] = dialog.held(leg) & ~modes[leg]
        self._net.reinvite(dialog, legs, False, tell)

    def _modes(self, params: Params) -> tuple[Dialog, dict[LegName, int]]:
        leg = params.get("leg", "both")
        if leg not in (*LEGS, "both"):
            raise MiRefusal(420, "Bad leg")
        dialog = self._find(params["callid"], "Dialog not found")
        if leg == "both":
            return dialog, dict.fromkeys(LEGS, BOTH)
        return dialog, {one: UNHEARD if one == leg else DEAF for one in LEGS}

    def _find(self, callid: Any, problem: str) -> Dialog:
        dialog = self._net.dialogs.get(str(callid))
        if dialog is None or dialog.state == ENDED:
            raise MiRefusal(404, problem)
        if dialog.state <= RINGING:
            raise MiRefusal(410, "Dialog not ready")
        return dialog


def _uri(value: str) -> str:
    found = _URI.search(value)
    return found[1] if found else value
