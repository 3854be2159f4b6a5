"""The dialogs of a scripted OpenSIPS, and what happens to them, step by step."""

import asyncio
import random
from collections.abc import Callable

from call_api.model import LegName
from tests.fakes.opensips.commands import Params, Tell
from tests.fakes.opensips.dialog import ANSWERED, CONFIRMED, ENDED, NEW, Dialog, Names
from tests.fakes.opensips.steps import Answer, Deed, Move, Play, Raise, Referred, Steps
from tests.fakes.opensips.subscriptions import EVENT_IDS, Subscriptions

_REFUSED = "E_REFER_REJECTED"
_STARTED_AT = "Sun Nov 22 23:47:{:02d} 2026"


class Calls:
    """Dialogs, and the events that tell of them.

    Args:
        send: Is given every event.

    Attributes:
        raised: Every event so far, sent or not.
    """

    def __init__(
        self, chance: random.Random, send: Callable[[str, Params], None], *, version: str
    ) -> None:
        self.version = version
        self.subscriptions = Subscriptions()
        self.dialogs: dict[str, Dialog] = {}
        self.raised: list[tuple[str, Params]] = []
        self._names = Names(chance)
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._plays: set[Play] = set()
        self._waiters: set[asyncio.Future[None]] = set()
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

    async def changed(self) -> None:
        """Return as soon as anything has happened."""
        waiter = self._loop.create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)

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

    def play(self, steps: Steps, tell: Tell | None) -> Play:
        """Let steps happen from now on."""
        play = Play(steps, lambda deed: self._do(deed, tell), lambda: self._plays.discard(play))
        self._plays.add(play)
        play.go_on()
        return play

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
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

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
