"""The daemon as a process, its tokens, its certificates and its audit log, through real sockets."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from call_api.access.token_file import editing
from call_api.access.tokens import digest_of
from call_api.config_access import Token
from tests.fakes.certificates import Authority
from tests.fakes.programs import running
from tests.wire.api import JsonClient
from tests.wire.office import KEPT, Office, audited, office, started
from tests.wire.raw_client import RawClient, upgrade


async def test_a_token_lets_in_until_it_is_revoked(tmp_path: Path) -> None:
    async with office(tmp_path) as it:
        assert (await it.refusal()).startswith("HTTP/1.1 401 ")
        desk, shop = await it.token("new", "desk"), await it.token("new", "shop")
        wrong = await it.refusal(Authorization=f"Bearer {desk}")
        assert wrong == "HTTP/1.1 401 Unauthorized: a token is needed that is good here\n"

        await it.reread()
        async with await it.client(desk) as client, await it.client(shop) as other:
            cmd_id, _ = await client.story("Echo", {"a": 1})
            await it.token("revoke", "desk")
            await it.reread()
            assert await client.closed() == (1008, "the token was revoked")
            assert (await it.refusal(Authorization=f"Bearer {desk}")).startswith("HTTP/1.1 401 ")
            assert (await other.answer("CommandList"))["result"] == {"commands": []}

    lines = audited(tmp_path)
    assert {line["did"] for line in lines} >= {"refuse", "connect", "Echo", "leave", "CommandList"}
    echo = next(line for line in lines if line["did"] == "Echo")
    assert (echo["token"], echo["cmd_id"], echo["params"]) == ("desk", cmd_id, {"a": 1})
    assert (echo["outcome"], echo["peer"][:10]) == ("ok", "127.0.0.1:")
    for secret in (desk, shop):
        assert secret not in (tmp_path / "audit.log").read_text()


async def test_a_token_that_expires_closes_its_connections(tmp_path: Path) -> None:
    async with office(tmp_path) as it:
        soon = datetime.now(UTC) + timedelta(seconds=5)
        with editing(tmp_path / "tokens.yml") as tokens:
            tokens["desk"] = Token(
                sha256=digest_of("x"), expires=soon.strftime("%Y-%m-%dT%H:%M:%SZ")
            )
        await it.reread()
        async with await it.client("x") as client:
            assert await client.closed() == (1008, "the token has expired")
        assert (await it.refusal(Authorization="Bearer x")).startswith("HTTP/1.1 401 ")


async def test_a_browser_sends_its_token_as_a_subprotocol(tmp_path: Path) -> None:
    async with office(tmp_path) as it:
        desk = await it.token("new", "desk")
        await it.reread()
        async with await RawClient.connect(it.address) as client:
            client.write(upgrade(Sec_WebSocket_Protocol=f"call-api, call-api.token.{desk}"))
            head = await client.head()

    assert head.startswith("HTTP/1.1 101 ")
    assert "Sec-WebSocket-Protocol: call-api\r\n" in head
    assert desk not in head


async def test_the_daemon_does_not_listen_elsewhere_by_oversight(tmp_path: Path) -> None:
    env = {"CALL_API_WS_SERVER_HOST": "0.0.0.0", "CALL_API_WS_SERVER_PORT": "0"}

    ended = await started(tmp_path, "call-api", **env)

    assert ended.status == 2
    assert ended.out == ""
    assert ended.err.splitlines()[-1].startswith(
        "call-api: CALL_API_WS_SERVER_HOST: ws_server.host: expected loopback, such as localhost, "
    )


async def test_settings_that_became_wrong_change_nothing(tmp_path: Path) -> None:
    async with office(tmp_path) as it:
        desk = await it.token("new", "desk")
        await it.reread()
        async with await it.client(desk) as client:
            (tmp_path / "tokens.yml").write_text("{")
            await it.reread(f"{KEPT}auth.token_file: expected a file of")
            await client.story("Echo", {})
            assert await it.lets_in(desk)


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_with_a_certificate_tls_is_spoken_and_nothing_else(
    tmp_path: Path, newest: ssl.TLSVersion
) -> None:
    authority = Authority.make(tmp_path / "ca")
    tls = authority.trusting()
    tls.maximum_version = newest
    async with office(tmp_path, CALL_API_WS_SERVER_TLS_CERTIFICATE=str(authority.certify())) as it:
        desk = await it.token("new", "desk")
        await it.reread()
        async with await it.client(desk, tls=tls) as client:
            await client.story("Echo", {"big": "x" * 60_000})
            assert client.writer.get_extra_info("ssl_object").version()[:4] == "TLSv"
        async with await RawClient.connect(it.address) as plain:
            plain.write(upgrade())
            await plain.gone()


async def test_a_new_certificate_is_taken_without_dropping_anybody(tmp_path: Path) -> None:
    old, new = Authority.make(tmp_path / "old"), Authority.make(tmp_path / "new")
    path = tmp_path / "server.pem"
    path.write_bytes(old.certify().read_bytes())
    env = {"CALL_API_WS_SERVER_TLS_CERTIFICATE": str(path), "CALL_API_AUTH_TOKEN_FILE": ""}
    async with (
        office(tmp_path, **env) as it,
        await JsonClient.open(it.address, tls=old.trusting()) as client,
    ):
        path.write_bytes(new.certify().read_bytes())
        await it.reread()
        assert await trusts(it, new.trusting())
        assert not await trusts(it, old.trusting())
        await client.story("Echo", {})
        path.write_text("nonsense")
        await it.reread(f"{KEPT}ws_server.tls.certificate: expected")
        await client.story("Echo", {})
        assert await trusts(it, new.trusting())


async def trusts(it: Office, tls: ssl.SSLContext) -> bool:
    try:
        async with await RawClient.open(it.address, tls=tls):
            return True
    except ssl.SSLError:
        return False


async def test_clients_may_need_a_certificate_too(tmp_path: Path) -> None:
    ours, theirs = Authority.make(tmp_path / "ours"), Authority.make(tmp_path / "theirs")
    env = {
        "CALL_API_AUTH_TOKEN_FILE": "",
        "CALL_API_WS_SERVER_TLS_CERTIFICATE": str(ours.certify()),
        "CALL_API_WS_SERVER_TLS_CLIENT_CA": str(theirs.file),
    }
    async with office(tmp_path, **env) as it:
        good = ours.trusting(theirs.certify("client"))
        async with await JsonClient.open(it.address, tls=good) as client:
            await client.story("Echo", {})
        for bad in (ours.trusting(), ours.trusting(ours.certify("stranger"))):
            # By TLS 1.3 a client hears only later that its certificate is not good.
            async with await RawClient.connect(it.address, tls=bad) as stranger:
                stranger.write(upgrade())
                with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
                    await stranger.head()


async def test_our_own_clients_bring_their_token_and_know_their_daemon(tmp_path: Path) -> None:
    authority, file = Authority.make(tmp_path / "ca"), tmp_path / "token"
    bad = tmp_path / "bad"
    async with office(tmp_path, CALL_API_WS_SERVER_TLS_CERTIFICATE=str(authority.certify())) as it:
        desk = await it.token("new", "desk", "--scope", "read")
        file.write_text(f"{desk}\n")
        bad.write_text("callapi_x")
        await it.reread()
        url = f"wss://127.0.0.1:{it.address[1]}/call-api"

        async def call(*words: str, **env: str) -> tuple[int, str]:
            program, *options = words
            args = (program, "-url", url, *options)
            ended = await started(tmp_path, *args, **env)
            assert desk not in ended.out + ended.err
            return ended.status, ended.err

        ca = ("-ca-file", str(authority.file))
        assert await call("call-cmd", *ca, "-token-file", str(file), "list") == (0, "no calls\n")
        listing = ("call-api-client", *ca, "-method", "CallList")
        assert await call(*listing, CALL_API_CLIENT_TOKEN=desk) == (0, "")
        for status, words, problem in (
            (4, listing, "refused us: it wants a token (HTTP 401)"),
            (4, ("call-cmd", *ca, "-token-file", str(bad), "list"), "ours is not good there (HTTP"),
            (4, ("call-cmd", *ca, "-token-file", str(file), "echo"), "do not cover Echo"),
            (3, ("call-cmd", "-token-file", str(file), "list"), "unable to get local issuer"),
            (3, ("call-cmd", "-token-file", str(file), "list"), ": -ca-file says whom to trust"),
            (2, ("call-cmd", "-ca-file", "/no", "list"), "/no: No such file or directory"),
            (2, ("call-cmd", *ca, "-token-file", "/no", "list"), "the token file /no cannot be"),
        ):
            ended, told = await call(*words)
            assert (ended, problem in told, "Traceback" in told) == (status, True, False), told


async def test_a_client_whose_token_is_revoked_is_refused(tmp_path: Path) -> None:
    async with office(tmp_path) as it:
        desk = await it.token("new", "desk")
        await it.reread()
        env = {
            "CALL_API_CLIENT_TOKEN": desk,
            "CALL_API_WS_SERVER_HOST": "127.0.0.1",
            "CALL_API_WS_SERVER_PORT": str(it.address[1]),
        }
        with running(tmp_path, "call-cmd", "watch", "--json", env=env) as watching:
            assert "Watching" in await asyncio.to_thread(watching.line)
            await it.token("revoke", "desk")
            await it.reread()
            ended = await asyncio.to_thread(watching.end)

    assert (ended.status, ended.err) == (
        4,
        "call-cmd: lost the daemon: the token was revoked (1008)\n",
    )
