"""baresip as tests see it: a second make of phone, driven over its own control port."""

import asyncio
import itertools
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

from tests.live.daemon import DOMAIN
from tests.live.processes import Program
from tests.opensips_live.opensips import HOST, server_port, until

BIN = shutil.which(os.environ.get("BARESIP_BIN", "baresip")) or ""
MODULES = os.environ.get("BARESIP_MODULES", "/usr/lib/baresip/modules")
WITHIN = 10.0

CONFIG = """\
poll_method epoll
sip_listen {host}:{port}
net_interface {host}
call_max_calls 4
audio_player aubridge,x
audio_source aubridge,x
audio_alert aubridge,y
audio_srate 8000-48000
ausrc_channels 1
auplay_channels 1
module_path {modules}
module g711.so
module aubridge.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {host}:{control}
"""
ACCOUNT = (
    '<sip:{name}@{domain}>;regint=300;answermode=auto;audio_codecs=PCMU;outbound="sip:{proxy};lr"\n'
)


class Baresip(Program):
    """One baresip; it answers every call at once, and lets itself be referred."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.uri = f"sip:{name}@{DOMAIN}"
        self._port, self._control = server_port(), server_port()
        self._tokens = itertools.count(1)

    async def launch(self, proxy: str, folder: Path) -> None:
        """Start it; it registers on its own."""
        home = folder / f"baresip-{self.name}"
        home.mkdir(exist_ok=True)
        places = {"host": HOST, "port": self._port, "control": self._control, "modules": MODULES}
        (home / "config").write_text(CONFIG.format_map(places), "utf-8")
        account = ACCOUNT.format(name=self.name, domain=DOMAIN, proxy=proxy)
        (home / "accounts").write_text(account, "utf-8")
        (home / "contacts").write_text("", "utf-8")
        await self.start([BIN, "-f", str(home)], home / "baresip.log", piped=False)

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
                        return message["data"]
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

    async def hang_up_all(self) -> None:
        """End its calls; it hangs up one at a time."""
        async with asyncio.timeout(WITHIN):
            while await self.calls():
                await self.ask("hangup")

    async def end(self) -> None:
        await self.stop(signal.SIGTERM, within=3.0)
