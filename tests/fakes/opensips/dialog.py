"""A dialog as OpenSIPS keeps and lists it."""

import random
from dataclasses import dataclass, field
from typing import Any

from call_api.model import LegName

NEW, RINGING, ANSWERED, CONFIRMED, ENDED = range(1, 6)

DEAF, UNHEARD = 4, 8
BOTH = DEAF | UNHEARD

STARTED = 1_795_391_274  # when the recorded calls were made

_SDP = (
    "v=0\r\no=- 4004380138 4004380138 IN IP4 127.0.0.1\r\ns=pjmedia\r\nb=AS:84\r\nt=0 0\r\n"
    "a=X-nat:0\r\nm=audio 21420 RTP/AVP 96 97 98 99 3 0 8 9 120 121 122\r\nc=IN IP4 127.0.0.1\r\n"
    "b=TIAS:64000\r\na=rtcp:21421 IN IP4 127.0.0.1\r\na=sendrecv\r\na=rtpmap:96 speex/16000\r\n"
    "a=rtpmap:97 speex/8000\r\na=rtpmap:98 speex/32000\r\na=rtpmap:99 iLBC/8000\r\n"
    "a=fmtp:99 mode=30\r\na=rtpmap:3 GSM/8000\r\na=rtpmap:0 PCMU/8000\r\n"
)


@dataclass
class Dialog:
    """One dialog.

    Attributes:
        did: The proxy's own name for it.
        callee: The To URI; of a call made by a REFER with ``;osid=`` of the dialog before it.
        state: 1 new, 2 ringing, 3 answered, 4 acknowledged, 5 ended.
        values: What callops has noted on it.
        asked: What a leg's re-INVITE is to make of its hold, until the phone has answered.
        is_first_leg: Whether the proxy itself calls: its caller is nobody, and sends no sound.
    """

    did: str
    callid: str
    caller: str
    callee: str
    caller_tag: str = "caller-tag"
    callee_tag: str = "callee-tag"
    state: int = NEW
    answered: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    asked: dict[LegName, int] = field(default_factory=dict)
    is_first_leg: bool = False

    @property
    def invite_cseq(self) -> str:
        """The number of the INVITE that made it."""
        return "1" if self.is_first_leg else "7057"

    def uri(self, leg: str) -> str:
        """Return who is on a leg, as that phone calls itself."""
        return (self.caller if leg == "caller" else self.callee).partition(";osid=")[0]

    def held(self, leg: LegName) -> int:
        """Return what a leg is on hold of: 4 it hears nothing, 8 nobody hears it, 12 both."""
        mark = self.values.get(f"call_hold_{leg}", 0)
        return mark if isinstance(mark, int) else BOTH

    def listed(self, *, values: bool) -> dict[str, Any]:
        """Return its entry in dlg_list; with ``values`` that of dlg_list_ctx."""
        started = STARTED if self.answered else 0
        entry: dict[str, Any] = {
            "ID": self.did,
            "db_id": "8501293516435",
            "state": self.state,
            "user_flags": "",
            "timestart": started,
        }
        if started:
            entry["datestart"] = "2026-11-22 23:47:54"
        entry["timeout"] = started + 300 if started else 0
        entry |= {
            "callid": self.callid,
            "from_uri": self.caller,
            "to_uri": self.callee,
            "caller_tag": self.caller_tag,
            "caller_contact": f"{self.caller}:5071;ob",
            "callee_cseq": "0",
            "caller_route_set": "",
            "caller_bind_addr": "udp:127.0.0.1:5060",
            "caller_sdp": _SDP,
            # Known from the first provisional response on that has a tag.
            "CALLEES": [self._callee_entry()] if self.state > NEW else [],
        }
        if values and self.values:
            entry["context"] = {"values": [{name: self.values[name]} for name in self.values]}
        return entry

    def _callee_entry(self) -> dict[str, Any]:
        return {
            "callee_tag": self.callee_tag,
            "callee_contact": "sip:bob@127.0.0.1:5072;ob" if self.answered else "",
            "caller_cseq": self.invite_cseq,
            "callee_route_set": "",
            "callee_bind_addr": "udp:127.0.0.1:5060",
            "callee_sdp": _SDP if self.answered else "",
        }


class Names:
    """Makes the names that a proxy and its phones make up.

    Args:
        chance: Where they come from.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def did(self) -> str:
        """Return a dialog's own name."""
        return f"{self._chance.randrange(16**3):x}.{self._chance.randrange(16**8):08x}"

    def callid(self) -> str:
        """Return the Call-ID of a phone's call."""
        letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."
        return "".join(self._chance.choices(letters, k=32))

    def tag(self) -> str:
        """Return a From or To tag."""
        return self.callid()[:16]
