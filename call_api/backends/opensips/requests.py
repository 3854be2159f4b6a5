"""What the proxy is asked, as MI methods and their parameters.

This is the border: whatever a client chose passes through here on its way into a SIP message or
a command of the proxy, and is checked here once more. The proxy turns the two characters
backslash and r (or n) of a header into CR (or LF), so a backslash is as bad as those.
"""

import re
import uuid
from typing import Any, Final

from call_api.backends.opensips.dialogs import Dialog
from call_api.backends.opensips.mi import MiRequest
from call_api.errors import InvalidParams
from call_api.model import CallId, LegName, SipUri
from call_api.sip.uri import BadUri, parse_target

INVITE_CSEQ: Final = "1"
_SDP: Final = (
    "v=0\r\n"
    "o=call-api 1 1 IN IP4 0.0.0.0\r\n"
    "s=-\r\n"
    "c=IN IP4 0.0.0.0\r\n"
    "t=0 0\r\n"
    "m=audio 9 RTP/AVP 0 8\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:8 PCMA/8000\r\n"
)
"""An offer that any phone can answer and that nobody sends media to."""

_IN_HEADER: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~@:/\[\]{}()-]{1,256}")
"""A Call-ID that may stand in a header (RFC 3261, section 25.1), less the backslash, the quote,
angle brackets and the question mark."""
_MARK: Final = "osid"  # the default of callops' match_param
_TAG: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,256}")
_HEX_DIGITS: Final = "0123456789abcdefABCDEF"
_HALF: Final = 8  # of them, at most, on each side of the dot in the proxy's name of a dialog


def header_callid(wanted: CallId) -> CallId:
    """Return a Call-ID that a header can hold: the wanted one, or one made from it.

    The same for the same one, so that a call is found again by who knows what was wanted.
    """
    if _IN_HEADER.fullmatch(wanted):
        return wanted
    return CallId(str(uuid.uuid5(uuid.NAMESPACE_URL, f"callid:{wanted}")))


def looks_like_dialog_id(callid: CallId) -> bool:
    """Return whether the proxy would take this Call-ID for its own name of another dialog."""
    if callid.strip(_HEX_DIGITS) != ".":
        return False
    dot = callid.index(".")
    return 0 < dot <= _HALF and 0 < len(callid) - dot - 1 <= _HALF


def invite(caller: SipUri, callee: SipUri, callid: CallId, proxy: SipUri) -> MiRequest:
    """Ring the caller.

    The INVITE loops through the proxy's own route, which makes a dialog for it. It comes from
    the callee: some phones later call out under the name that they were called by.

    Args:
        callid: As `header_callid` gives it.
        proxy: Where the proxy takes SIP requests; also where the phone sends its own to.
    """
    headers = (
        f"From: <{_uri('callee', callee)}>\r\n"
        f"To: <{_uri('caller', caller)}>\r\n"
        f"Contact: <{_uri('sip.uri', proxy)}>\r\n"
        f"Call-ID: {_callid(callid)}\r\n"
        f"CSeq: {INVITE_CSEQ} INVITE\r\n"
        "Content-Type: application/sdp\r\n"
    )
    return MiRequest(
        "t_uac_dlg",
        {
            "method": "INVITE",
            "ruri": str(caller),
            "next_hop": str(proxy),
            "headers": headers,
            "body": _SDP,
        },
    )


def cancel(callid: CallId, cseq: str = INVITE_CSEQ) -> MiRequest:
    """Cancel an INVITE, while nobody has answered it; after that nothing happens.

    Args:
        cseq: Its number: by default that of `invite`. Of a phone's own, which the proxy only
            passes on, the dialog knows it.
    """
    return MiRequest("t_uac_cancel", {"callid": callid, "cseq": cseq})


def refer(callid: CallId, leg: LegName, destination: SipUri) -> MiRequest:
    """Have one leg call a destination."""
    params = {"callid": callid, "leg": leg, "destination": _uri("destination", destination)}
    return MiRequest("call_transfer", params)


def refer_to_leg(
    dialog: Dialog, leg: LegName, other: Dialog, other_leg: LegName, destination: SipUri | None
) -> MiRequest:
    """Have one leg call, and take the place of, the peer of a leg in another call.

    A phone that does not know Replaces (RFC 3891) calls that peer without taking its place:
    the mark in the URI tells callops that this call is meant all the same.
    """
    params: dict[str, Any] = {
        "callid": dialog.callid,
        "leg": leg,
        "transfer_callid": other.callid,
        "transfer_leg": other_leg,
    }
    if destination is not None:
        params["destination"] = _marked(_uri("destination", destination), dialog)
    elif _is_target(other.uri(other_leg)):
        params["destination"] = _marked(other.uri(other_leg), dialog)
    return MiRequest("call_transfer", params)


def refer_again(dialog: Dialog, leg: LegName, destination: SipUri) -> MiRequest:
    """Have one leg call a destination, where the proxy refuses a second `refer`.

    The mark in the URI is callops' own: by it it knows the new call.
    """
    return _send_refer(dialog, leg, _marked(_uri("destination", destination), dialog))


def refer_to_leg_again(
    dialog: Dialog, leg: LegName, other: Dialog, other_leg: LegName, destination: SipUri | None
) -> MiRequest:
    """Do what `refer_to_leg` does, where the proxy refuses it (RFC 3891, section 3).

    Raises:
        InvalidParams: The other call has Call-ID or tags that no URI can hold.
    """
    to_tag, from_tag = other.caller_tag, other.callee_tag
    if other_leg == "callee":
        to_tag, from_tag = from_tag, to_tag
    target = _uri("destination", destination or SipUri(other.uri(other_leg)))
    if not (_TAG.fullmatch(to_tag) and _TAG.fullmatch(from_tag)):
        raise InvalidParams("callid_b", "expected a call whose tags are RFC 3261's")
    replaces = "%3B".join((_escaped(other.callid), f"to-tag%3D{to_tag}", f"from-tag%3D{from_tag}"))
    return _send_refer(dialog, leg, f"{_marked(target, dialog)}?Replaces={replaces}")


def change_hold(callid: CallId, legs: tuple[LegName, ...], *, hold: bool) -> MiRequest:
    """Put legs on hold, or back. Both of them need not be named: OpenSIPS 3 knows no other way."""
    params: dict[str, Any] = {"callid": callid}
    if len(legs) == 1:
        params["leg"] = legs[0]
    return MiRequest("call_hold" if hold else "call_unhold", params)


def end(dialog_id: str) -> MiRequest:
    """Hang up both legs; ``dialog_id`` may be a Call-ID."""
    return MiRequest("dlg_end_dlg", {"dialog_id": dialog_id})


def dialog_of(callid: CallId, *, with_values: bool = False) -> MiRequest:
    """Ask for one dialog, with what modules have noted on it if wanted."""
    return MiRequest("dlg_list_ctx" if with_values else "dlg_list", {"callid": callid})


def dialogs(index: int, count: int) -> MiRequest:
    """Ask for some of all dialogs, with what modules have noted on them."""
    return MiRequest("dlg_list_ctx", {"index": index, "counter": count})


def subscribe(event: str, socket: str, expire: int) -> MiRequest:
    """Have an event sent to a socket, for ``expire`` seconds; 0 ends that."""
    return MiRequest("event_subscribe", {"event": event, "socket": socket, "expire": expire})


def uptime() -> MiRequest:
    """Ask since when the proxy runs."""
    return MiRequest("uptime", {})


def _send_refer(dialog: Dialog, leg: LegName, refer_to: str) -> MiRequest:
    params = {
        "callid": dialog.callid,
        "method": "REFER",
        "body": "none",
        "mode": leg,
        "headers": f"Refer-To: <{refer_to}>\r\n",
    }
    return MiRequest("dlg_send_sequential", params)


def _uri(param: str, text: SipUri) -> str:
    """Return a URI that is safe between angle brackets.

    Raises:
        InvalidParams: It is none, or it holds the mark by which callops knows a transfer's new
            call: whoever could set it would have another call's transfer reported as this one's.
    """
    try:
        uri = parse_target(text)
    except BadUri as exc:
        raise InvalidParams(param, exc.problem) from exc
    if _MARK in uri.params:
        raise InvalidParams(param, f"has the parameter {_MARK}, which is the proxy's own")
    return text


def _is_target(uri: str) -> bool:
    """Return whether a phone's own URI, as it is in a dialog, is safe between angle brackets."""
    try:
        _uri("", SipUri(uri))
    except InvalidParams:
        return False
    return True


def _marked(uri: str, dialog: Dialog) -> str:
    return f"{uri};{_MARK}={dialog.id}" if dialog.id else uri


def _callid(callid: CallId) -> CallId:
    if not _IN_HEADER.fullmatch(callid):
        raise InvalidParams("callid", "expected a Call-ID as RFC 3261 has it")
    return callid


def _escaped(callid: str) -> str:
    """Return a Call-ID as it stands in the header part of a URI (RFC 3261, section 19.1.1)."""
    return re.sub(r"[^A-Za-z0-9._~!*'()-]", lambda found: f"%{ord(found[0]):02X}", callid)
