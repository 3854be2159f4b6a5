"""baresip as tests see it: a second make of phone, driven over its own control port."""

import asyncio
import itertools
import json
import os
import re
import shutil
import signal
from pathlib import Path
from typing import Any

from tests.live.daemon import DOMAIN
from tests.live.ports import HOST, server_port
from tests.live.processes import Program
from tests.live.waiting import until

BIN = shutil.which(os.environ.get("BARESIP_BIN", "baresip")) or ""
MODULES = os.environ.get("BARESIP_MODULES", "/usr/lib/baresip/modules")
WITHIN = 10.0

CONFIG = """\
poll_method epoll
sip_listen {host}:{port}
net_interface {host}
call_max_calls 4
audio_player aubridge,x
audio_source ausine,440
audio_alert aubridge,y
audio_srate 8000-48000
ausrc_srate 48000
ausrc_channels 2
auplay_channels 1
module_path {modules}
module g711.so
module aubridge.so
module ausine.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {host}:{control}
"""
ACCOUNT = (
    "<sip:{name}@{domain}>;auth_pass={password};regint=300;answermode=auto;"
    'audio_codecs=PCMU;outbound="sip:{proxy};transport={transport}"'
)
COLOURS = re.compile(r"\x1b?\[[0-9;]*m")
REGISTERED, REFUSED = re.compile(r"\bOK\b"), re.compile(r"\bERR\b")
RECEIVED = re.compile(r"\brcvd=(\d+)")


class Baresip(Program):
    """One baresip; it answers every call at once, sends a tone, and lets itself be referred."""

    def __init__(self, name: str, transport: str = "udp") -> None:
        super().__init__()
        self.name = name
        self.transport_name = transport
        self.uri = f"sip:{name}@{DOMAIN}"
        self._port, self._control = server_port(), server_port()
        self._tokens = itertools.count(1)

    async def launch(self, proxy: str, folder: Path, password: str = "") -> None:
        """Start it; return when it is registered."""
        assert BIN, "baresip is not there"
        home = folder / f"baresip-{self.name}"
        home.mkdir(exist_ok=True)
        places = {"host": HOST, "port": self._port, "control": self._control, "modules": MODULES}
        (home / "config").write_text(CONFIG.format_map(places), "utf-8")
        for file in ("accounts", "contacts"):
            (home / file).write_text("", "utf-8")
        await self.start([BIN, "-f", str(home)], home / "baresip.log", piped=False)
        await until(self._listens, f"{self.name} takes commands", WITHIN)
        account = ACCOUNT.format(
            name=self.name,
            domain=DOMAIN,
            transport=self.transport_name,
            password=password,
            proxy=proxy,
        )
        await self._register(account)

    async def _register(self, account: str) -> None:
        """Register, if need be twice.

        It gives up on a 401 that names SHA-256, and would come again only after half a minute.
        """
        for _ in range(2):
            await self.ask("uanew", account)
            await until(self._has_tried, f"{self.name} is registered or refused", WITHIN)
            if REGISTERED.search(await self.ask("reginfo")):
                await self.ask("uafind", self.uri)  # what follows is about this one
                return
            await self.ask("uadel", self.uri)
        raise AssertionError(f"{self.name} does not register")

    async def _listens(self) -> bool:
        try:
            await self.ask("about")
        except OSError:
            return False
        return True

    async def _has_tried(self) -> bool:
        told = await self.ask("reginfo")
        return bool(REGISTERED.search(told) or REFUSED.search(told))

    async def ask(self, command: str, params: str = "") -> Any:
        """Give a command, as of its menu; return what it says."""
        token = str(next(self._tokens))
        text = json.dumps({"command": command, "params": params, "token": token}).encode()
        async with asyncio.timeout(WITHIN):
            reader, writer = await asyncio.open_connection(HOST, self._control)
            try:
                writer.write(b"%d:%s," % (len(text), text))
                while True:  # netstrings: answers, and events that nobody asked for
                    length = int((await reader.readuntil(b":"))[:-1])
                    message = json.loads((await reader.readexactly(length + 1))[:-1])
                    if message.get("response") and message.get("token") == token:
                        return COLOURS.sub("", message["data"])
            finally:
                writer.close()

    async def calls(self) -> int:
        """Return how many calls it has."""
        return sum("sip:" in line for line in str(await self.ask("listcalls")).splitlines())

    async def has_calls(self, count: int) -> None:
        """Wait until it has so many calls."""

        async def has() -> bool:
            return await self.calls() == count

        await until(has, f"{self.name} has {count} calls", WITHIN)

    async def in_call(self) -> None:
        """Wait until it has one call, and that is answered."""

        async def is_in_it() -> bool:
            told = str(await self.ask("listcalls"))
            return told.count("sip:") == told.count("ESTABLISHED") == 1

        await until(is_in_it, f"{self.name} is in a call", WITHIN)

    async def idle(self) -> None:
        await self.has_calls(0)

    async def dial(self, uri: str) -> None:
        """Call somebody by itself."""
        await self.ask("dial", uri)

    async def packets(self) -> int:
        """Return how many RTP packets of the present call have come in, from whomever."""
        return sum(map(int, RECEIVED.findall(await self.ask("audio_debug"))))

    async def hears(self, packets: int = 10) -> None:
        """Wait until so many more packets have come in."""
        first = await self.packets()

        async def has_come() -> bool:
            nonlocal first
            now = await self.packets()
            first = min(first, now)  # a new stream counts from 0
            return now - first >= packets

        await until(has_come, f"{self.name} hears something", WITHIN)

    async def hears_nothing(self, during: float = 0.4) -> None:
        """Measure that no packet comes in for ``during`` seconds, once the last has come."""
        async with asyncio.timeout(WITHIN):
            before = await self.packets()
            while True:
                await asyncio.sleep(during)
                after = await self.packets()
                if after == before:
                    return
                before = after

    async def hang_up_all(self) -> None:
        """End its calls; it hangs up one at a time."""
        async with asyncio.timeout(WITHIN):
            while await self.calls():
                await self.ask("hangup")

    async def end(self) -> None:
        await self.stop(signal.SIGTERM, within=3.0)
