"""The daemon as a process, attacked from outside as SECURITY.md tells."""

import asyncio
import json
import secrets
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from call_api.access.tokens import PREFIX, new_token
from tests.fakes.certificates import Authority
from tests.wire.api import ALICE, BOB, JsonClient
from tests.wire.office import Office, audited, office
from tests.wire.raw_client import TEXT, RawClient, upgrade

EVIL = "http://evil.example"


async def entered(it: Office, *words: str) -> JsonClient:
    """A client with a token of its own."""
    token = await it.token("new", *words)
    await it.reread()
    return await it.client(token)


# Who.


async def test_guessed_tokens_get_nobody_in_and_fill_no_disk(tmp_path: Path) -> None:
    async with office(tmp_path) as it, await entered(it, "desk") as client:
        guesses = [new_token(secrets.token_bytes(32)) for _ in range(298)]
        heads = [await it.refusal(Authorization=f"Bearer {one}") for one in guesses]
        heads += [await it.refusal(Authorization="Bearer"), await it.refusal()]
        assert {head.split(":")[0] for head in heads} == {"HTTP/1.1 401 Unauthorized"}
        assert "result" in await client.answer("CommandList")

    refused = [line for line in audited(tmp_path) if line["did"] == "refuse"]
    # Ten a second are written down; the next one that is tells how many were left out before it.
    assert 100 <= len(refused) + sum(line.get("skipped", 0) for line in refused) <= 300


async def test_no_token_is_in_any_log_or_url(tmp_path: Path) -> None:
    async with office(tmp_path, CALL_API_LOG_LEVEL="DEBUG") as it:
        token = await it.token("new", "desk")
        await it.reread()
        async with await it.client(token) as client:
            await client.story("Echo", {})
        async with await RawClient.connect(it.address) as client:
            client.write(upgrade(Sec_WebSocket_Protocol=f"call-api, call-api.token.{token}"))
            assert token not in await client.head()
        async with await RawClient.connect(it.address) as client:
            client.write(upgrade(f"/call-api?token={token}&access_token={token}"))
            assert (await client.head()).startswith("HTTP/1.1 401 ")
        log = it.log

    assert "connected as desk" in log
    assert PREFIX not in log
    assert PREFIX not in (tmp_path / "audit.log").read_text()
    assert PREFIX not in (tmp_path / "tokens.yml").read_text()


async def test_a_foreign_command_cannot_be_told_from_none(tmp_path: Path) -> None:
    async with office(tmp_path) as it:
        desk, shop = await entered(it, "desk"), await entered(it, "shop")
        async with desk, shop:
            desk.ask("Echo", {"cmd_id": "payroll", "secret": 1})
            while (await desk.json()).get("method") != "Ended":
                pass
            for method in ("CommandStatus", "CommandCancel", "CommandAttach"):
                foreign = await shop.answer(method, {"cmd_id": "payroll"})
                nothing = await shop.answer(method, {"cmd_id": "unknown"})
                told = json.dumps(foreign).replace("payroll", "unknown")
                assert json.loads(told) == nothing
                assert nothing["error"]["code"] == -32005
            assert (await shop.answer("CommandList"))["result"] == {"commands": []}
            again = await shop.answer("Echo", {"cmd_id": "payroll", "other": 2})
            assert again["result"]["status"] == "Started"


async def test_what_the_scopes_lack_is_refused_and_written_down(tmp_path: Path) -> None:
    async with office(tmp_path) as it:
        words = ("desk", "--scope", "CallStart", "--callee", "*@example.com")
        async with await entered(it, *words) as client:
            for callee in (
                "sip:+900123@example.org",
                "sip:x@evil.example;x=example.com",
                "sip:x%40example.com@evil.example",
                "sip:x@example.com;maddr=203.0.113.9",
            ):
                answer = await client.answer("CallStart", {"caller": ALICE, "callee": callee})
                assert answer["error"]["code"] == -32002
            assert (await client.answer("CallList"))["error"]["code"] == -32002

    asked = [line for line in audited(tmp_path) if line["did"].startswith("Call")]
    assert [line["outcome"] for line in asked] == ["Forbidden"] * 5


# Where from.


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Host": "evil.example:5059", "Origin": "http://evil.example:5059"},
        {"Host": "evil.example"},
    ],
)
async def test_pages_of_others_and_their_names_are_turned_away(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    async with office(tmp_path, CALL_API_AUTH_TOKEN_FILE="") as it:
        assert (await it.refusal(**headers)).startswith("HTTP/1.1 403 Forbidden")
        async with await RawClient.open(it.address):
            pass


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_old_tls_and_none_at_all_are_turned_away(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path / "ca")
    env = {
        "CALL_API_AUTH_TOKEN_FILE": "",
        "CALL_API_WS_SERVER_TLS_CERTIFICATE": str(authority.certify()),
    }
    async with office(tmp_path, **env) as it:
        old = authority.trusting()
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await RawClient.connect(it.address, tls=old)
        with pytest.raises(ssl.SSLCertVerificationError):
            await RawClient.connect(it.address, tls=ssl.create_default_context())
        async with await RawClient.connect(it.address) as plain:
            plain.write(upgrade())
            await plain.gone()
        async with await JsonClient.open(it.address, tls=authority.trusting()) as client:
            await client.story("Echo", {})


# How much.


async def test_a_flood_is_refused_and_passes_as_soon_as_it_was_told(tmp_path: Path) -> None:
    async with (
        office(tmp_path, CALL_API_LIMITS_TOKEN_PER_SECOND="20") as it,
        await entered(it, "desk") as client,
    ):
        began = time.monotonic()
        for number in range(300):
            client.ask("CommandList", id=number)
        answers = [await client.json() for _ in range(300)]
        took = time.monotonic() - began
        refused = [one["error"] for one in answers if "error" in one]
        assert 40 <= 300 - len(refused) <= 40 + 20 * took + 1
        assert {one["code"] for one in refused} == {-32003}
        assert {one["data"]["limit"] for one in refused} == {"token.per_second"}
        waits = [one["data"]["retry_after"] for one in refused]
        assert 0 < min(waits) <= max(waits) <= 0.05
        await asyncio.sleep(waits[-1])
        assert "result" in await client.answer("CommandList")


async def test_calls_a_minute_are_bounded(tmp_path: Path) -> None:
    async with (
        office(tmp_path, CALL_API_LIMITS_TOKEN_CALLS_PER_MINUTE="3") as it,
        await entered(it, "desk") as client,
    ):
        for number in range(5):
            client.ask("CallStart", {"caller": ALICE, "callee": BOB}, id=number)
        answers: dict[int, Any] = {}
        while len(answers) < 5:
            text = await client.json()
            if "id" in text:
                answers[text["id"]] = text

    assert ["error" in answers[number] for number in range(5)] == [False] * 3 + [True] * 2
    data = answers[4]["error"]["data"]
    assert data["limit"] == "token.calls_per_minute"
    assert 0 < data["retry_after"] <= 20


async def test_connections_of_one_address_are_bounded_and_others_come_in(tmp_path: Path) -> None:
    env = {
        "CALL_API_AUTH_TOKEN_FILE": "",
        "CALL_API_LIMITS_ADDRESS_CONNECTIONS": "5",
        "CALL_API_LIMITS_ADDRESS_LOOPBACK": "true",
    }
    async with office(tmp_path, **env) as it:
        clients = [await RawClient.open(it.address, source="127.0.0.7") for _ in range(5)]
        async with await RawClient.connect(it.address, source="127.0.0.7") as late:
            late.write(upgrade())
            head = await late.head()
            assert head.startswith("HTTP/1.1 429 ")
            assert "Retry-After: 1" in head
        async with await RawClient.open(it.address, source="127.0.0.8"):
            pass
        await clients.pop().close()
        async with asyncio.timeout(5):
            async with await RawClient.open(it.address, source="127.0.0.7"):
                pass
        for client in clients:
            await client.close()


async def test_what_is_too_long_or_too_much_costs_its_sender_alone(tmp_path: Path) -> None:
    env = {"CALL_API_AUTH_TOKEN_FILE": "", "CALL_API_WS_SERVER_HANDSHAKE_WITHIN": "1"}
    async with office(tmp_path, **env) as it:
        good = await JsonClient.open(it.address)
        big = await JsonClient.open(it.address)
        big.send(TEXT, b"x" * 65537)
        assert (await big.closed())[0] == 1009
        many = await JsonClient.open(it.address)
        many.say([{"jsonrpc": "2.0", "id": 1, "method": "CommandList"}] * 101)
        assert (await many.json())["error"]["data"]["problem"].startswith("a batch holds at most")
        head = await RawClient.connect(it.address)
        head.write(b"GET /call-api HTTP/1.1\r\nA: " + b"x" * 20_000)
        assert "431" in await head.head()
        idle = [await RawClient.connect(it.address) for _ in range(200)]
        async with asyncio.timeout(15):
            for one in idle:
                await one.gone()
        await good.story("Echo", {})
        for one in (good, big, many, head, *idle):
            await one.close()
