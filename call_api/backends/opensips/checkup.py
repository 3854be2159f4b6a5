"""The checks of ``call-api doctor`` on one proxy: it is asked by MI, and made to try things out.

Nothing rings: the INVITE is for a user that nobody is, and the rest is for the proxy itself.
"""

import asyncio
import contextlib
import re
import uuid
from typing import Any, Final

from call_api.backends.opensips import events
from call_api.backends.opensips.client import EventSource, ProxyClient
from call_api.backends.opensips.events import ProxyEvent
from call_api.backends.opensips.mi import MiRequest, Reply
from call_api.backends.opensips.outcomes import METHOD_NOT_FOUND, parse_status
from call_api.backends.opensips.requests import subscribe, uptime
from call_api.doctor import Finding, State

OLDEST: Final = (3, 1)
"""callops came with this version."""
ONE_LEG_SINCE: Final = (4, 0)

USER: Final = "call-api-doctor"
"""Nobody is called that."""

MODULES: Final[dict[str, tuple[str, ...]]] = {
    "tm": ("t_uac_dlg", "t_uac_cancel"),
    "dialog": ("dlg_list_ctx", "dlg_end_dlg"),
    "callops": ("call_transfer", "call_hold", "call_unhold"),
}
"""The commands that are needed of each module. Asked without parameters they do nothing."""

_NO_CALLS: Final = {"dlg_list_ctx": {"index": 0, "counter": 1}}
_SIP_WITHIN: Final = 10.0
"""Seconds for a request that the proxy sends to itself."""
_EVENT_WITHIN: Final = 1.0
_SUBSCRIBED_FOR: Final = 20
_VERSION: Final = re.compile(r"(\d+)\.(\d+)\S*")
_SDP: Final = (
    "v=0\r\no=call-api 1 1 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
    "m=audio 9 RTP/AVP 0\r\n"
)
_SIP_URI: Final = re.compile(r"(sips?):(?:[^@]*@)?([^;?]+)(.*)")


class Checkup:
    """Examines one proxy.

    Args:
        client: Has a channel already.
        source: Where events come in.
    """

    def __init__(self, client: ProxyClient, source: EventSource) -> None:
        self.findings: list[Finding] = []
        self._client = client
        self._source = source
        self._socket = ""
        self._mark = f"{USER}-{uuid.uuid4()}"
        self._told_of_dialog = asyncio.Event()

    def receive(self, event: ProxyEvent) -> None:
        """Take in an event."""
        if event.method == events.STATE and event.params.callid == self._mark:
            self._told_of_dialog.set()

    async def run(self) -> None:
        """Do all checks that make sense; `findings` has what came of them."""
        if not await self._reachable():
            return
        await self._version()
        has_all = await self._modules()
        self._way()
        await self._events()
        is_subscribed = await self._subscription()
        if has_all and await self._own_invite(is_subscribed=is_subscribed):
            await self._own_notify()
            await self._own_bye()
        await self._contacts()
        if is_subscribed:
            await self._client.request(subscribe(events.STATE, self._socket, 0), _EVENT_WITHIN)

    async def _reachable(self) -> bool:
        reply = await self._client.ask(uptime())
        if reply.silence is not None:
            self._find(
                "reachable",
                "wrong",
                reply.silence.removeprefix(f"{self._client.name}: "),
                "is OpenSIPS up, and is mi.url what its mi_datagram (or mi_http) listens on?",
            )
            return False
        since = reply.result.get("Up since") if isinstance(reply.result, dict) else None
        self._find("reachable", "ok", f"up since {since}" if since else "answers")
        return True

    async def _version(self) -> None:
        result = (await self._ask("version")).result
        server = str(result.get("Server", "")) if isinstance(result, dict) else ""
        found = _VERSION.search(server)
        if found is None:
            self._find("version", "warning", f"unknown: {server!r}", "3.1 to 4.1 are known to work")
            return
        version = (int(found[1]), int(found[2]))
        told = f"OpenSIPS {found[0]}"
        if version < OLDEST:
            self._find("version", "wrong", told, "3.1 is the first that can transfer and hold")
        elif version < ONE_LEG_SINCE:
            self._find("version", "ok", f"{told}, which holds both parties of a call, never one")
        else:
            self._find("version", "ok", told)

    async def _modules(self) -> bool:
        has_all = True
        for module, methods in MODULES.items():
            missing = [name for name in methods if await self._lacks(name)]
            if missing:
                has_all = False
                told = f"no {', '.join(missing)}"
                self._find(f"module {module}", "wrong", told, f'loadmodule "{module}.so"')
            else:
                self._find(f"module {module}", "ok", ", ".join(methods))
        return has_all

    async def _lacks(self, method: str) -> bool:
        reply = await self._ask(method, _NO_CALLS.get(method))
        return reply.error is not None and reply.error.code == METHOD_NOT_FOUND

    def _way(self) -> None:
        if not self._client.waits_beside:
            self._find(
                "CallStart",
                "warning",
                "not supported over mi_http, which answers nothing else while a phone rings",
                "load mi_datagram.so and have mi.url be its socket, if calls are to be started",
            )

    async def _events(self) -> None:
        result = (await self._ask("events_list")).result
        listed = result.get("Events") if isinstance(result, dict) else None
        known = {event.get("name") for event in listed or () if isinstance(event, dict)}
        needed = [name for name in events.EVENTS if name not in events.OPTIONAL_EVENTS]
        missing = [name for name in needed if name not in known]
        if missing:
            self._find("events", "wrong", f"no {', '.join(missing)}", 'loadmodule "callops.so"')
        else:
            self._find("events", "ok", ", ".join(needed))
        if events.REFUSED in known:
            self._find("refused REFERs", "ok", f"{events.REFUSED} tells of them")
        else:
            self._find(
                "refused REFERs",
                "warning",
                "nothing tells of them, so it takes longer and the phone's reason is not known",
                f"raise {events.REFUSED} in an onreply_route (docs/opensips.md)",
            )

    async def _subscription(self) -> bool:
        channel = await self._client.open()  # one of HTTP knows both its ends by now
        self._source.expect(channel.peer_host)
        self._socket = self._source.socket(channel.local_host)
        reply = await self._client.ask(subscribe(events.STATE, self._socket, _SUBSCRIBED_FOR))
        if reply.is_answer and reply.error is None:
            self._find("subscription", "ok", f"events go to {self._socket}")
            return True
        module = "event_stream" if self._socket.startswith("tcp:") else "event_datagram"
        self._find(
            "subscription",
            "wrong",
            f"to {self._socket}: {_words(reply)}",
            f'loadmodule "{module}.so"',
        )
        return False

    async def _own_invite(self, *, is_subscribed: bool) -> bool:
        """Have the proxy call nobody: that makes a dialog, and so an event.

        Returns:
            Whether anybody answers where it takes SIP requests.
        """
        before = await self._dialogs_so_far()
        target = self._uri(USER)
        headers = (
            f"From: <{target}>\r\nTo: <{target}>\r\nContact: <{self._client.sip_uri}>\r\n"
            f"Call-ID: {self._mark}\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n"
        )
        reply = await self._send("INVITE", target, headers, _SDP)
        status = _status(reply)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_EVENT_WITHIN if is_subscribed else 0.0):
                await self._told_of_dialog.wait()
        after = await self._dialogs_so_far()
        is_made = self._told_of_dialog.is_set() or (
            before is not None and after is not None and after > before
        )
        if is_made:
            self._find("own INVITEs", "ok", "they come back to the proxy, which makes a dialog")
        elif status in (0, 408):
            self._find(
                "own INVITEs",
                "wrong",
                f"nobody answers at {self._client.sip_uri}: {_words(reply)}",
                "sip.uri has to be where the proxy takes SIP requests",
            )
        else:
            self._find(
                "own INVITEs",
                "wrong",
                f"no dialog is made ({_words(reply)})",
                "create_dialog() for every INVITE, before lookup(), and have sip.uri lead there",
            )
        self._judge_delivery(is_made=is_made, is_subscribed=is_subscribed)
        return is_made or status not in (0, 408)

    def _judge_delivery(self, *, is_made: bool, is_subscribed: bool) -> None:
        if self._told_of_dialog.is_set():
            self._find("delivery", "ok", "an event has come in")
        elif is_made and is_subscribed:
            self._find(
                "delivery",
                "wrong",
                f"no event comes in at {self._socket}",
                "events.url has to be an address the proxy reaches, and no firewall be between",
            )
        else:
            self._find("delivery", "warning", "not tried: there was nothing to tell of")

    async def _dialogs_so_far(self) -> int | None:
        reply = await self._ask("get_statistics", {"statistics": ["processed_dialogs"]})
        values = list(reply.result.values()) if isinstance(reply.result, dict) else []
        return int(values[0]) if values and str(values[0]).isdecimal() else None

    async def _own_notify(self) -> None:
        """Tell the proxy what a phone that was referred says first."""
        headers = self._in_dialog("NOTIFY") + (
            "Event: refer\r\nSubscription-State: active\r\nContent-Type: message/sipfrag\r\n"
        )
        target = str(self._client.sip_uri)
        status = _status(reply := await self._send("NOTIFY", target, headers, "SIP/2.0 100 Trying"))
        if 200 <= status < 300:
            self._find("NOTIFY", "ok", "a first NOTIFY of a transfer is taken")
        else:
            self._find(
                "NOTIFY",
                "wrong",
                f"a first NOTIFY of a transfer is answered with {_words(reply)}, on which some "
                "phones hang up",
                "before loose_route(), answer 200 to a NOTIFY refer that says SIP/2.0 100",
            )

    async def _own_bye(self) -> None:
        """Hang up at the proxy, as the caller's phone does in a CallStart."""
        reply = await self._send("BYE", str(self._client.sip_uri), self._in_dialog("BYE"), None)
        status = _status(reply)
        if 200 <= status < 300:
            self._find("BYE", "ok", "a BYE to the proxy itself is taken")
        else:
            self._find(
                "BYE",
                "wrong",
                f"a BYE to the proxy itself is answered with {_words(reply)}",
                "answer it with 200: relayed, it goes round in circles",
            )

    async def _contacts(self) -> None:
        reply = await self._ask("ul_dump", {"brief": "1"})
        domains = reply.result.get("Domains") if isinstance(reply.result, dict) else None
        if not isinstance(domains, list):
            self._find(
                "phones",
                "warning",
                f"not known: {_words(reply)}",
                "usrloc and registrar register them",
            )
            return
        count = sum(len(one.get("AORs") or ()) for one in domains if isinstance(one, dict))
        if count:
            self._find("phones", "ok", f"{count} registered users")
        else:
            self._find("phones", "warning", "nobody is registered", "have the phones register here")

    def _in_dialog(self, method: str) -> str:
        target = self._uri(USER)
        return (
            f"From: <{target}>;tag={uuid.uuid4().hex}\r\nTo: <{target}>;tag={uuid.uuid4().hex}\r\n"
            f"Call-ID: {self._mark}-{method}\r\nCSeq: 2 {method}\r\n"
        )

    def _uri(self, user: str) -> str:
        found = _SIP_URI.fullmatch(self._client.sip_uri)
        assert found is not None, "the settings are checked"
        return f"{found[1]}:{user}@{found[2]}"

    async def _send(self, method: str, target: str, headers: str, body: str | None) -> Reply:
        params: dict[str, Any] = {"method": method, "ruri": target, "headers": headers}
        params["next_hop"] = str(self._client.sip_uri)
        if body is not None:
            params["body"] = body
        return await self._client.request(MiRequest("t_uac_dlg", params), _SIP_WITHIN)

    async def _ask(self, method: str, params: dict[str, Any] | None = None) -> Reply:
        return await self._client.ask(MiRequest(method, params or {}))

    def _find(self, check: str, state: State, told: str, remedy: str = "") -> None:
        name = self._client.name
        self.findings.append(
            Finding(proxy=name, check=check, state=state, told=told, remedy=remedy)
        )


def _status(reply: Reply) -> int:
    """Return the SIP status of an answer to ``t_uac_dlg``; 0: there is none."""
    known = parse_status(reply.result.get("Status")) if isinstance(reply.result, dict) else None
    return 0 if known is None else known[0]


def _words(reply: Reply) -> str:
    if reply.silence is not None:
        return "no answer"
    if reply.error is not None:
        return f"{reply.error.code} {reply.error.reason}"
    status = reply.result.get("Status") if isinstance(reply.result, dict) else None
    return str(status or "nothing")
