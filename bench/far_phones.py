"""Phones that register and then answer everything at once, for load: one process, one UDP socket.

    python -m bench.far_phones HOST:PORT COUNT

They keep no state and read no more of a message than an answer needs, so that what is measured
is the daemon. Prints ``ready`` when all ``COUNT`` users (``u0``, ``u1``, ...) are registered; a
line on stdin asks for the counters, as one JSON object; ends with its stdin.
"""

import asyncio
import json
import sys
from collections import Counter
from typing import cast

OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na={direction}\r\n"
)
MIRROR = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
COPIED = (b"via", b"from", b"call-id", b"cseq", b"record-route")
RECEIVE_BUFFER = 8 * 1024 * 1024


class FarPhones(asyncio.DatagramProtocol):
    """All the phones; the daemon is the only peer."""

    def __init__(self, count: int) -> None:
        self.missing = set(range(count))
        self.seen: Counter[str] = Counter()
        self.registered = asyncio.Event()
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is no subclass
        self.address = "{}:{}".format(*transport.get_extra_info("sockname"))
        self.domain = transport.get_extra_info("peername")[0]

    def register(self) -> None:
        """Send the REGISTERs that are not answered yet; all of them at first."""
        assert self.transport is not None
        for user in sorted(self.missing):
            self.transport.sendto(
                f"REGISTER sip:{self.domain} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK-r{user};rport\r\n"
                "Max-Forwards: 70\r\n"
                f"From: <sip:u{user}@{self.domain}>;tag=r{user}\r\n"
                f"To: <sip:u{user}@{self.domain}>\r\n"
                f"Call-ID: register-{user}\r\nCSeq: 1 REGISTER\r\n"
                f"Contact: <sip:u{user}@{self.address}>\r\n"
                "Expires: 3600\r\nContent-Length: 0\r\n\r\n".encode()
            )

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002
        if data.startswith(b"SIP/2.0 "):
            self.answered(data)
            return
        method, uri, _ = data.split(b" ", 2)
        self.seen[method.decode()] += 1
        if method == b"ACK":
            return
        assert self.transport is not None
        self.transport.sendto(self.answer(method, uri, data))

    def answered(self, response: bytes) -> None:
        """Note whose REGISTER went well."""
        _, _, after = response.partition(b"register-")
        if response[8:11] == b"200":
            self.missing.discard(int(after.partition(b"\r")[0]))
        if not self.missing:
            self.registered.set()

    def answer(self, method: bytes, uri: bytes, data: bytes) -> bytes:
        """A 200 with a session description where there has to be one."""
        head, _, body = data.partition(b"\r\n\r\n")
        lines = [b"SIP/2.0 200 OK"]
        for line in head.split(b"\r\n")[1:]:
            name = line.partition(b":")[0].lower()
            if name in COPIED:
                lines.append(line)
            elif name == b"to":
                lines.append(line if b";tag=" in line else line + b";tag=far")
        description = b""
        if method == b"INVITE":
            user = uri.partition(b":")[2].partition(b"@")[0]
            lines.append(b"Contact: <sip:%s@%s>" % (user, self.address.encode()))
            lines.append(b"Content-Type: application/sdp")
            description = describe(user.decode(), body.decode())
        lines.append(b"Content-Length: %d" % len(description))
        return b"\r\n".join([*lines, b"", description])


def describe(user: str, offer: str) -> bytes:
    """An offer if there was none, else the answer to it."""
    said = next((word for word in MIRROR if f"a={word}" in offer), "sendrecv")
    port = 20000 + 2 * (int(user[1:]) % 20000)
    return OFFER.format(port=port, direction=MIRROR.get(said, "sendrecv")).encode()


async def main() -> None:
    host, _, port = sys.argv[1].rpartition(":")
    loop = asyncio.get_running_loop()
    transport, phones = await loop.create_datagram_endpoint(
        lambda: FarPhones(int(sys.argv[2])), remote_addr=(host, int(port))
    )
    sock = transport.get_extra_info("socket")
    sock.setsockopt(1, 8, RECEIVE_BUFFER)  # SOL_SOCKET, SO_RCVBUF: nothing of a burst is lost
    async with asyncio.timeout(30.0):
        while not phones.registered.is_set():
            phones.register()
            await asyncio.sleep(0.5)
    print("ready", flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        print(json.dumps(phones.seen), flush=True)


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())
