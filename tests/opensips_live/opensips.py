"""A real OpenSIPS with the example configuration, on free loopback ports."""

import asyncio
import contextlib
import json
import os
import re
import secrets
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.live.ports import HOST, server_port
from tests.live.processes import Program
from tests.live.waiting import until

EXAMPLE = Path(__file__).parents[2] / "examples" / "opensips" / "opensips.cfg"
BIN = os.environ.get("OPENSIPS_BIN", "")
MODULES = os.environ.get("OPENSIPS_MODULES", "")
STARTS_WITHIN = 15.0
AT_A_TIME = 20
"""Dialogs in one answer: all that ended within a minute do not fit into a datagram."""

ENDED = 5
"""The state of a dialog that is over; the proxy lists it for a while."""


class OpenSips(Program):
    """One proxy, the same one on the same ports when it is started again.

    Args:
        changes: What stands in its configuration instead of what the example says.

    Attributes:
        mi_path: The Unix socket that it takes MI requests on; None: the UDP port.
    """

    dies_by = signal.SIGTERM  # the main process ends all the others

    def __init__(self, folder: Path, changes: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._changes = changes or {}
        self.mi_path: Path | None = None
        self.sip_port = server_port()
        self.mi_port = server_port()
        self.folder = folder / f"opensips-{self.sip_port}"
        self.folder.mkdir(exist_ok=True)
        self.log = self.folder / "opensips.log"

    @property
    def mi_url(self) -> str:
        return f"{HOST}:{self.mi_port}"

    @property
    def sip_uri(self) -> str:
        return f"sip:{HOST}:{self.sip_port}"

    @property
    def registrar(self) -> str:
        return f"{HOST}:{self.sip_port}"

    def config(self) -> str:
        """The example, with nothing changed but where things are, and what was asked for."""
        text = EXAMPLE.read_text("utf-8")
        changes = {
            "/usr/lib/x86_64-linux-gnu/opensips/modules/": MODULES.rstrip("/") + "/",
            f"socket = udp:{HOST}:5060": f"socket = udp:{HOST}:{self.sip_port}",
            f"socket = tcp:{HOST}:5060": f"socket = tcp:{HOST}:{self.sip_port}",
            f'"socket_name", "udp:{HOST}:8080"': f'"socket_name", "udp:{HOST}:{self.mi_port}"',
        }
        for old, new in {**changes, **self._changes}.items():
            assert text.count(old) == 1, f"the example no longer says {old!r} once"
            text = text.replace(old, new)
        return text

    async def launch(self) -> None:
        """Start it; return when it answers."""
        file = self.folder / "opensips.cfg"
        file.write_text(self.config(), "utf-8")
        memory = ["-m", "64", "-M", "8"]
        await self.start(
            [BIN, "-F", "-f", str(file), "-w", str(self.folder), *memory], self.log, piped=False
        )
        async with asyncio.timeout(STARTS_WITHIN):
            while await self.answer("uptime") is None:
                assert not self.exited.done(), f"OpenSIPS ended: {self.log.read_text('utf-8')}"

    async def answer(self, method: str, within: float = 0.3, /, **params: object) -> Any:
        """Return the answer to an MI request; None if there is none."""
        loop = asyncio.get_running_loop()
        got: asyncio.Future[bytes] = loop.create_future()
        request = {"jsonrpc": "2.0", "id": "test", "method": method, "params": params}
        transport, own = await self._open(got)
        try:
            transport.sendto(
                json.dumps(request).encode(), str(self.mi_path) if self.mi_path else None
            )
            async with asyncio.timeout(within):
                return json.loads(await got)
        except (OSError, TimeoutError):
            await asyncio.sleep(0.05)
            return None
        finally:
            transport.close()
            if own is not None:
                own.unlink()

    async def _open(
        self, got: asyncio.Future[bytes]
    ) -> tuple[asyncio.DatagramTransport, Path | None]:
        """Open a way to it; return that and our own end of it, if that is a file."""
        loop = asyncio.get_running_loop()
        if self.mi_path is None:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Waiter(got), remote_addr=(HOST, self.mi_port)
            )
            return transport, None
        own = self.folder / f"{secrets.token_hex(4)}.sock"
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind(str(own))
        transport, _ = await loop.create_datagram_endpoint(lambda: _Waiter(got), sock=sock)
        return transport, own

    async def ask(self, method: str, /, **params: object) -> Any:
        """Return the result of an MI request."""
        answer = await self.answer(method, 3.0, **params)
        assert answer is not None, f"OpenSIPS does not answer: {self.log.read_text('utf-8')}"
        assert "result" in answer, answer
        return answer["result"]

    async def version(self) -> tuple[int, int]:
        """Return its version, as in (3, 6)."""
        found = re.search(r"(\d+)\.(\d+)", (await self.ask("version"))["Server"])
        assert found is not None
        return int(found[1]), int(found[2])

    async def major(self) -> int:
        return (await self.version())[0]

    async def calls(self) -> list[str]:
        """Return the Call-IDs of the dialogs that are not over."""
        callids: dict[str, None] = {}  # one may be on two pages, if others go meanwhile
        index = 0
        while True:
            page = (await self.ask("dlg_list", index=index, counter=AT_A_TIME))["Dialogs"]
            callids |= dict.fromkeys(one["callid"] for one in page if one["state"] < ENDED)
            index += len(page)
            if len(page) < AT_A_TIME:
                return list(callids)

    async def has_only(self, *callids: str) -> None:
        """Wait until the proxy has these dialogs and no others."""
        for _ in range(250):
            left = await self.calls()
            if sorted(left) == sorted(callids):
                return
            await asyncio.sleep(0.04)
        raise AssertionError(f"the proxy has {left}, not {callids}")

    async def subscribers(self) -> list[str]:
        """Return where the proxy sends events."""
        answer = await self.answer("subscribers_list", 3.0)
        return [line for line in json.dumps(answer).split('"') if line.startswith("udp:")]

    async def has_user(self, name: str) -> None:
        """Wait until a phone of this user is registered."""

        async def is_there() -> bool:
            return name in await self.users()

        await until(is_there, f"{name} is registered", STARTS_WITHIN)

    async def users(self) -> list[str]:
        """Return who is registered."""
        domains = (await self.ask("ul_dump", brief="1"))["Domains"]
        return sorted(record["AOR"] for domain in domains for record in domain["AORs"])

    async def kill(self) -> None:
        """End it as a crash would: at once, all its processes, no goodbye."""
        children = _children(self.pid)
        await self.stop(signal.SIGKILL, within=5.0)
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

        async def are_gone() -> bool:
            return all(map(_is_gone, children))

        await until(are_gone, "its processes are gone")

    async def restart(self) -> None:
        """Start it again where it was."""
        self.exited = asyncio.get_running_loop().create_future()
        await self.launch()

    async def end(self) -> int:
        """Stop it as an operator would; return its exit status."""
        return await self.stop(signal.SIGTERM, within=10.0)


class _Waiter(asyncio.DatagramProtocol):
    def __init__(self, got: asyncio.Future[bytes]) -> None:
        self._got = got

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self._got.done():
            self._got.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self._got.done():
            self._got.set_exception(exc)


def _children(pid: int) -> list[int]:
    words = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return [int(word) for word in words]


def _is_gone(pid: int) -> bool:
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text("utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return True
