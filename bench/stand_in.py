"""Stands in for an OpenSIPS proxy: answers MI requests by UDP, and raises the events they cause.

    python -m bench.stand_in [--port 0] [--delay SECONDS] [--reorder] [--lose PERMILLE]

Prints ``ready PORT``. It knows every call. Call-IDs that begin with ``missing`` get a 404; a hold
of one that begins with ``fail`` fails, and one of ``never`` is never done.
"""

import argparse
import asyncio
import itertools
import random
import socket
from typing import Any

import msgspec

LEGS = ("caller", "callee")
AT_A_TIME = 64
BUFFER = 4 << 20


class StandIn:
    """One proxy.

    Args:
        delay: Seconds until the last events of a hold.
        reorder: Whether the answers of one burst go out last first.
        lose: Answers of a thousand that are lost.
    """

    def __init__(self, sock: socket.socket, *, delay: float, reorder: bool, lose: int) -> None:
        self._sock = sock
        self._delay, self._reorder, self._lose = delay, reorder, lose
        self._subscribed: dict[str, set[tuple[str, int]]] = {}
        self._chance = random.Random(1)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock, self._readable)
        self._decode = msgspec.json.Decoder().decode
        self._dialogs = itertools.count(1)

    def _readable(self) -> None:
        burst: list[tuple[bytes, tuple[str, int]]] = []
        for _ in range(AT_A_TIME):
            try:
                data, sender = self._sock.recvfrom(65535)
            except BlockingIOError:
                break
            burst.append((data, sender))
        for data, sender in reversed(burst) if self._reorder else burst:
            request = self._decode(data)
            self._handle(request["method"], request.get("params") or {}, request["id"], sender)

    def _handle(
        self, method: str, params: dict[str, Any], id_: int, sender: tuple[str, int]
    ) -> None:
        callid = str(params.get("callid") or params.get("dialog_id") or "")
        if method == "event_subscribe":
            host, port = params["socket"].removeprefix("udp:").rsplit(":", 1)
            listeners = self._subscribed.setdefault(params["event"], set())
            (listeners.add if params["expire"] else listeners.discard)((host, int(port)))
        elif callid.startswith("missing") or method.startswith("dlg_list"):
            self._send(
                b'{"jsonrpc":"2.0","error":{"code":404,"message":"Dialog not found"},"id":%d}'
                % id_,
                sender,
            )
            return
        elif method in ("call_hold", "call_unhold"):
            self._hold(callid, method.removeprefix("call_"))
        elif method != "uptime" and method != "dlg_end_dlg":
            raise RuntimeError(f"a stand-in knows no {method}")
        result = b'{"Up since":"ever"}' if method == "uptime" else b'"OK"'
        if self._lose and self._chance.randrange(1000) < self._lose:
            return
        self._send(b'{"jsonrpc":"2.0","result":%s,"id":%d}' % (result, id_), sender)

    def _hold(self, callid: str, action: str) -> None:
        """As callops does: it says that both legs are asked, answers, and says how it went."""
        for leg in LEGS:
            self._raise(callid, leg, action, "start")
        if callid.startswith("never"):
            return
        state = "fail" if callid.startswith("fail") else "ok"
        if self._delay:
            self._loop.call_later(self._delay, self._finish, callid, action, state)
        else:
            self._loop.call_soon(self._finish, callid, action, state)

    def _finish(self, callid: str, action: str, state: str) -> None:
        for leg in LEGS:
            self._raise(callid, leg, action, state)

    def _raise(self, callid: str, leg: str, action: str, state: str) -> None:
        params = {"callid": callid, "leg": leg, "action": action, "state": state}
        text = msgspec.json.encode({"jsonrpc": "2.0", "method": "E_CALL_HOLD", "params": params})
        for listener in self._subscribed.get("E_CALL_HOLD", ()):
            self._send(text, listener)

    def _send(self, data: bytes, to: tuple[str, int]) -> None:
        try:
            self._sock.sendto(data, to)
        except OSError:
            return  # whoever wanted it has gone


async def serve(asked: argparse.Namespace) -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, BUFFER)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", asked.port))
    StandIn(sock, delay=asked.delay, reorder=asked.reorder, lose=asked.lose)
    print(f"ready {sock.getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.stand_in")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--reorder", action="store_true")
    parser.add_argument("--lose", type=int, default=0)
    from bench.__main__ import run

    run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
