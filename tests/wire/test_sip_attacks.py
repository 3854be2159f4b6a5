"""What attackers try that goes through to SIP, or comes from there: see SECURITY.md."""

import asyncio
import re
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from call_api.sip.digest import DigestClient
from tests.wire.api import BOB, JsonClient
from tests.wire.office import office


class RawPhone(asyncio.DatagramProtocol):
    """A socket that registers as somebody, and keeps what comes."""

    def __init__(self) -> None:
        self.came: asyncio.Queue[str] = asyncio.Queue()

    @classmethod
    @asynccontextmanager
    async def at(cls, sip: tuple[str, int]) -> "AsyncIterator[RawPhone]":
        loop = asyncio.get_running_loop()
        transport, phone = await loop.create_datagram_endpoint(
            cls, local_addr=("127.0.0.1", 0), remote_addr=sip
        )
        phone.transport = transport
        try:
            yield phone
        finally:
            transport.close()

    transport: asyncio.DatagramTransport

    def datagram_received(self, data: bytes, _: object) -> None:
        self.came.put_nowait(data.decode())

    async def next(self) -> str:
        async with asyncio.timeout(10):
            return await self.came.get()

    async def ask(self, method: str, number: int = 1, **headers: str) -> str:
        """Send a request of bob's; return its final answer."""
        host, port = self.transport.get_extra_info("sockname")
        lines = [
            f"{method} sip:localhost SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{secrets.token_hex(8)}",
            "Max-Forwards: 70",
            "From: <sip:bob@localhost>;tag=1",
            "To: <sip:bob@localhost>",
            f"Call-ID: {secrets.token_hex(8)}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:bob@{host}:{port}>",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
            "Content-Length: 0",
        ]
        self.transport.sendto("\r\n".join([*lines, "", ""]).encode())
        while (answer := await self.next()).startswith("SIP/2.0 1"):
            pass
        return answer


STRINGS = ["\r\nX-Evil: 1", "\n", "\0", " ", "<x>", '"', "?Subject=x", "\u2028", "%0d%0aX-Evil:1"]
PRINTABLE = {"<x>", '"', "?Subject=x", "%0d%0aX-Evil:1"}
"""What may stand in a Call-ID or in a cmd_id, which are looked up and put into no message."""


async def test_no_parameter_brings_a_header_into_a_sip_message(tmp_path: Path) -> None:
    async with (
        office(tmp_path, CALL_API_AUTH_TOKEN_FILE="", CALL_API_SHUTDOWN_WITHIN="1") as it,
        RawPhone.at(it.sip) as phone,
    ):
        assert (await phone.ask("REGISTER")).startswith("SIP/2.0 200 ")
        async with await JsonClient.open(it.address) as client:
            passed = set()
            for evil in STRINGS:
                for number, (method, params) in enumerate(attempts(evil)):
                    answer = await client.answer(method, params, id=number)
                    while answer.get("id") != number:  # the story of one before it
                        answer = await client.json()
                    if answer.get("error", {}).get("code") != -32602:
                        passed.add((number, evil))
            invite = ""
            while not invite.startswith("INVITE "):
                invite = await phone.next()

    uris, ids = range(4), range(4, 9)
    # An escape stays one, and a question mark before the @ is a part of the user.
    harmless = {(at, "%0d%0aX-Evil:1") for at in uris} | {(1, "?Subject=x"), (2, "?Subject=x")}
    harmless |= {(at, evil) for at in ids for evil in PRINTABLE} | {(7, " "), (8, " ")}
    assert passed <= harmless
    assert not re.search(r"(?mi)^X-Evil", invite)


def attempts(evil: str) -> list[tuple[str, dict[str, object]]]:
    """Every parameter that is text, with something in it: first URIs, then what is looked up."""
    uri = f"sip:bob@localhost;x={evil}"
    return [
        ("CallStart", {"caller": uri, "callee": "sip:bob@localhost"}),
        ("CallStart", {"caller": "sip:nobody@localhost", "callee": f"sip:bob{evil}@localhost"}),
        ("CallStart", {"caller": f"sip:bob{evil}@localhost", "callee": BOB}),
        ("CallBlindTransfer", {"callid": "c", "leg": "caller", "destination": uri}),
        ("CallBlindTransfer", {"callid": f"c{evil}", "leg": "caller", "destination": BOB}),
        ("CallHold", {"callid": f"c{evil}"}),
        ("CallList", {"after": f"c{evil}"}),
        ("CallEnd", {"callid": "c", "cmd_id": f"x{evil}"}),
        ("CommandStatus", {"cmd_id": f"x{evil}"}),
        ("CallBlindTransfer", {"callid": "c", "leg": f"caller{evil}", "destination": BOB}),
        ("CallEnd", {"callid": "c", f"x{evil}": 1}),
    ]


async def test_phones_that_guess_are_slowed_and_what_was_overheard_is_worth_nothing(
    tmp_path: Path,
) -> None:
    env = {"CALL_API_AUTH_TOKEN_FILE": "", "CALL_API_EMBEDDED_USERS": "{bob: s3cret}"}
    async with office(tmp_path, **env) as it, RawPhone.at(it.sip) as phone:

        async def attempt(user: str, password: str, count: int = 1) -> list[str]:
            """Register with a password, as often as ``count`` says with the same words."""
            challenge = await phone.ask("REGISTER")
            offers = re.findall(r"(?m)^WWW-Authenticate: (.*?)\r?$", challenge)
            client = DigestClient(user, password, lambda: "cnonce")
            assert client.accept(offers)
            words = client.authorization("REGISTER", "sip:localhost")
            return [await phone.ask("REGISTER", Authorization=str(words)) for _ in range(count)]

        first, again = await attempt("bob", "s3cret", 2)
        assert first.startswith("SIP/2.0 200 ")
        assert again.startswith("SIP/2.0 401 ")
        assert "stale=true" in again
        wrong, unknown = await attempt("bob", "x"), await attempt("mallory", "x")
        assert without_chance(wrong[0]) == without_chance(unknown[0])
        began, tried = time.monotonic(), 2
        while (answer := (await attempt("bob", "x"))[0]).startswith("SIP/2.0 401 "):
            tried += 1
            assert tried < 100, "it is not slowed down"
        assert answer.startswith("SIP/2.0 503 ")
        assert "Retry-After: " in answer
        assert 10 <= tried <= 10 + (time.monotonic() - began) / 2 + 2


def without_chance(answer: str) -> str:
    """An answer without what differs each time."""
    return re.sub(r'branch=\w+|nonce="[^"]*"|tag=\w+|Call-ID: \w+|Date: [^\r]*', "", answer)
