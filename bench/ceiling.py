"""As little as a server in Python can do: a ceiling for the daemon to be measured against.

    python -m bench.ceiling PROXY_PORT [--dialect v2]

Takes CallEnd and CallHold, believes whatever it is sent, and keeps nothing: no checks, no tokens,
no limits, no journal, no retries, no ceilings of time, no log. Prints ``ready PORT``.
"""

import argparse
import asyncio
import itertools
import socket
from collections.abc import Callable
from typing import Any, cast

import msgspec

from call_api.transports.frames import FrameCutter, text_head

decode = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode


class Proxy:
    """The proxy: one socket for requests, one for events."""

    def __init__(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        self._mi, self._events = (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)
        )
        self._events.bind(("127.0.0.1", 0))
        self._mi.connect(("127.0.0.1", port))
        for sock, receive in ((self._mi, self._reply), (self._events, self._event)):
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            loop.add_reader(sock, self._readable, sock, receive)
        self._ids = itertools.count(1)
        self._waiting: dict[int, Callable[[], None]] = {}
        self.holds: dict[str, Callable[[dict[str, str]], None]] = {}
        where = f"udp:127.0.0.1:{self._events.getsockname()[1]}"
        subscription = {"event": "E_CALL_HOLD", "socket": where, "expire": 3600}
        self.ask("event_subscribe", subscription, lambda: None)

    def ask(self, method: str, params: dict[str, Any], then: Callable[[], None]) -> None:
        id_ = next(self._ids)
        self._waiting[id_] = then
        self._mi.send(encode({"jsonrpc": "2.0", "id": id_, "method": method, "params": params}))

    @staticmethod
    def _readable(sock: socket.socket, receive: Callable[[Any], None]) -> None:
        try:
            for _ in range(64):
                receive(decode(sock.recv(65535)))
        except BlockingIOError:
            return

    def _reply(self, reply: dict[str, Any]) -> None:
        self._waiting.pop(reply["id"])()

    def _event(self, event: dict[str, Any]) -> None:
        hold = self.holds.get(event["params"]["callid"])
        if hold is not None:
            hold(event["params"])


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, proxy: Proxy, dialect: str) -> None:
        self._proxy, self._is_v1 = proxy, dialect == "v1"
        self._is_open = False
        self._cutter = FrameCutter(65536)
        self._writes: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if not self._is_open:
            from websockets.utils import accept_key

            assert self._transport is not None
            self._is_open = True
            key = data.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
            self._transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n"
                % accept_key(key).encode()
            )
            return
        for text in self._cutter.cut(data):
            self._ask(decode(text))

    def _ask(self, request: dict[str, Any]) -> None:
        method, params = request["method"], request["params"]
        cmd_id, callid = params["cmd_id"], params["callid"]
        result = {"cmd_id": cmd_id, "status": "Started", "event": "Started"}
        self._send({"jsonrpc": "2.0", "id": request["id"], "result": result})
        seqs = itertools.count(1)

        def tell(event: str, word: str | None = None, data: object = None) -> None:
            told: dict[str, object] = {"cmd_id": cmd_id, "event": event}
            if data is not None:
                told["data"] = data
            if self._is_v1:
                if word is None and event != "Ended":
                    return
                told = {"cmd_id": cmd_id, "event": event, "data": word}
            told["seq"] = next(seqs)
            self._send({"jsonrpc": "2.0", "method": method, "params": told})

        if method == "CallEnd":
            self._proxy.ask("dlg_end_dlg", {"dialog_id": callid}, lambda: tell("Ended"))
        else:
            self._hold(callid, tell)

    def _hold(self, callid: str, tell: Callable[..., None]) -> None:
        early: list[dict[str, str]] = []
        done: set[str] = set()

        def hear(event: dict[str, str]) -> None:
            leg = event["leg"]
            if event["state"] == "start":
                tell("CallHoldStart", None, {"leg": leg})
                return
            done.add(leg)
            tell("CallHoldSuccessful", "CALL_HOLD" if len(done) == 2 else None, {"leg": leg})
            if len(done) == 2:
                del self._proxy.holds[callid]
                tell("Ended")

        def accepted() -> None:
            tell("CallHolding")
            self._proxy.holds[callid] = hear
            for event in early:
                hear(event)

        self._proxy.holds[callid] = early.append
        self._proxy.ask("call_hold", {"callid": callid}, accepted)

    def _send(self, value: object) -> None:
        text = encode(value)
        if not self._writes:
            self._loop.call_soon(self._flush)
        self._writes += text_head(len(text)), text

    def _flush(self) -> None:
        assert self._transport is not None
        self._transport.write(b"".join(self._writes))
        self._writes.clear()


async def serve(asked: argparse.Namespace) -> None:
    proxy = Proxy(asked.proxy_port)
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.bind(("127.0.0.1", 0))
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: Client(proxy, asked.dialect), sock=sock, backlog=1024)
    print(f"ready {sock.getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.ceiling")
    parser.add_argument("proxy_port", type=int)
    parser.add_argument("--dialect", default="v2", choices=["v1", "v2"])
    from bench.__main__ import run

    run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
