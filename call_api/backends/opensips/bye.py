"""A BYE for a call that the proxy has made, but that is no dialog of it."""

import re
from typing import Final

from call_api.backends.opensips.mi import MiRequest
from call_api.model import CallId
from call_api.sip.message import Response
from call_api.sip.parser import BadMessage, parse_message

_BYE_CSEQ: Final = 100  # more than the INVITE's, and than what callops may have sent since
_SAFE: Final = re.compile(r"[^\x00-\x1f\x7f\\]*")


def bye(result: object, callid: CallId) -> MiRequest | None:
    """Return the request, or None if the answer to the INVITE does not tell enough for it.

    Args:
        result: What ``t_uac_dlg`` answered: where the request goes, and the phone's message.
    """
    if not isinstance(result, dict):
        return None
    target, routes, message = (result.get(name) for name in ("RURI", "Routes", "Message"))
    if not isinstance(target, str) or not isinstance(message, str):
        return None
    try:
        # The status line is left out of it.
        answer = parse_message(f"SIP/2.0 200 OK\r\n{message}".encode())
    except BadMessage:
        return None
    route = [one for one in routes if isinstance(one, str)] if isinstance(routes, list) else []
    parties = (answer.headers.get("From") or "", answer.headers.get("To") or "")
    if not isinstance(answer, Response) or not all(map(_is_safe, (target, *route, *parties))):
        return None
    headers = [
        f"From: {parties[0]}",
        f"To: {parties[1]}",
        f"Call-ID: {callid}",
        f"CSeq: {_BYE_CSEQ} BYE",
        *(f"Route: {one}" for one in route),
    ]
    params = {
        "method": "BYE",
        "ruri": target,
        "headers": "".join(f"{header}\r\n" for header in headers),
    }
    next_hop = result.get("Next-hop")
    if isinstance(next_hop, str) and _is_safe(next_hop):
        params["next_hop"] = next_hop
    return MiRequest("t_uac_dlg", params)


def _is_safe(text: str) -> bool:
    return bool(text) and _SAFE.fullmatch(text) is not None
