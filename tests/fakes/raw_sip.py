"""SIP over a real UDP socket, byte by byte, for those who say more or less than phones do."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from call_api.sip.flow import Address, host_port
from call_api.sip.message import Request, Response
from call_api.sip.parser import parse_message

WITHIN = 5.0
_NUMBERS = itertools.count(1)


class RawSip(asyncio.DatagramProtocol):
    """A socket that is bound and knows its one peer; made by `raw_sip`.

    Attributes:
        heard: What came, oldest first.
    """

    def __init__(self) -> None:
        self.heard: list[Request | Response] = []
        self._transport: asyncio.DatagramTransport | None = None
        self._came = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.heard.append(parse_message(data))
        self._came.set()

    @property
    def address(self) -> str:
        """Host and port as SIP writes them."""
        assert self._transport is not None
        return host_port(self._transport.get_extra_info("sockname")[:2])

    def request(
        self, method: str, *lines: str, user: str = "alice", to: str = "bob", body: bytes = b""
    ) -> bytes:
        """Return a new request of a user's.

        Args:
            lines: Further header lines.
        """
        number = next(_NUMBERS)
        head = (
            f"{method} sip:{to}@localhost SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bKraw{number};rport",
            "Max-Forwards: 70",
            f"From: <sip:{user}@localhost>;tag=raw{number}",
            f"To: <sip:{user if method == 'REGISTER' else to}@localhost>",
            f"Call-ID: raw-{number}",
            f"CSeq: 1 {method}",
            *lines,
            f"Content-Length: {len(body)}",
        )
        return "\r\n".join((*head, "", "")).encode() + body

    def send(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.sendto(data)

    async def answer(self, data: bytes) -> Response:
        """Send a request; return the first answer to it that is final."""
        self.send(data)
        callid = data.partition(b"Call-ID: ")[2].partition(b"\r\n")[0].decode()
        async with asyncio.timeout(WITHIN):
            while True:
                for message in self.heard:
                    is_answer = isinstance(message, Response) and message.is_final
                    if is_answer and message.callid == callid:
                        return cast(Response, message)
                self._came.clear()
                await self._came.wait()


@asynccontextmanager
async def raw_sip(peer: Address) -> AsyncIterator[RawSip]:
    loop = asyncio.get_running_loop()
    transport, socket = await loop.create_datagram_endpoint(RawSip, remote_addr=peer)
    try:
        yield socket
    finally:
        transport.close()
