import logging
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec import structs

from call_api.backends import BACKENDS
from call_api.config import Config, Embedded, WsServer
from call_api.config_access import Auth, Tls, Token
from call_api.daemon import serving
from call_api.demo import SoundWatch, phones, what_to_type, with_phones
from tests.fakes.certificates import Authority

HERE = Config(
    ws_server=WsServer(host="127.0.0.1", port=0), embedded=Embedded(port=0), shutdown_within=0.1
)


@dataclass
class FakePhone:
    received_packets: int = 0


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    lines = [f"{getattr(r, 'subject', '')} {r.getMessage()}" for r in caplog.records]
    caplog.clear()
    return lines


def test_the_phones_may_register_beside_the_configured_users() -> None:
    config = structs.replace(Config(), embedded=Embedded(users={"dora": "x"}))

    first, second = with_phones(config).embedded.users, with_phones(config).embedded.users

    assert sorted(first) == ["alice", "bob", "carol", "dora"]
    assert first["dora"] == "x"
    assert first["alice"] != second["alice"]
    assert len(first["alice"]) >= 16


def test_the_watch_tells_when_sound_begins_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    alice, bob = FakePhone(), FakePhone()
    watch = SoundWatch({"alice": alice, "bob": bob})

    watch.look()
    assert said(caplog) == []
    alice.received_packets = 25
    watch.look()
    assert said(caplog) == ["alice hears sound, 25 packets so far"]
    alice.received_packets = 50
    watch.look()
    assert said(caplog) == []
    bob.received_packets = 7
    watch.look()
    assert said(caplog) == [
        "alice hears nothing any more, 50 packets so far",
        "bob hears sound, 7 packets so far",
    ]
    watch.stop()
    assert said(caplog) == ["alice received 50 packets in all", "bob received 7 packets in all"]


async def test_three_phones_register_and_talk(caplog: pytest.LogCaptureFixture) -> None:
    config = with_phones(HERE)
    async with serving(config, BACKENDS["embedded"]) as daemon, phones(daemon) as opened:
        opened["alice"].call("sip:bob@localhost")
        await opened["bob"].until(lambda: "hears sound" in caplog.text)
    lines = said(caplog)

    assert any(line.startswith("bob hears sound, ") for line in lines)
    assert "carol received 0 packets in all" in lines


async def test_phones_that_may_not_register_are_told_of_in_one_line() -> None:
    config = with_phones(
        structs.replace(HERE, embedded=structs.replace(HERE.embedded, max_registrations=2))
    )
    async with serving(config, BACKENDS["embedded"]) as daemon:
        with pytest.raises(OSError, match="a phone is not registered: 503 Too Many Registrations"):
            async with phones(daemon):
                pytest.fail("they came up")


async def test_what_to_type_names_the_real_port_and_nothing_that_goes_without_saying() -> None:
    async with serving(HERE, BACKENDS["embedded"]) as daemon:
        text = what_to_type(daemon)
        port = daemon.urls[0].split(":")[2].split("/")[0]
        assert f"\n  export CALL_API_WS_SERVER_PORT={port}\n  call-cmd start alice bob\n" in text
        assert "CALL_API_SIP_DOMAIN" not in text
        assert "CALL_API_CLIENT" not in text

    elsewhere = structs.replace(
        HERE,
        ws_server=structs.replace(HERE.ws_server, http_path="/api"),
        embedded=structs.replace(HERE.embedded, domains=("example.com", "localhost")),
    )
    async with serving(elsewhere, BACKENDS["embedded"]) as daemon:
        text = what_to_type(daemon)
        assert "  export CALL_API_WS_SERVER_HTTP_PATH=/api\n" in text
        assert "  export CALL_API_SIP_DOMAIN=example.com\n" in text


async def test_what_to_type_names_what_lets_a_client_in(tmp_path: Path) -> None:
    tls = Tls(certificate=str(Authority.make(tmp_path).certify()))
    closed = structs.replace(
        HERE,
        ws_server=structs.replace(HERE.ws_server, tls=tls),
        auth=Auth(tokens={"desk": Token(sha256="a" * 64)}),
    )
    async with serving(closed, BACKENDS["embedded"]) as daemon:
        text = what_to_type(daemon)
        assert "\n  export CALL_API_CLIENT_CA_FILE=FILE " in text
        assert "\n  export CALL_API_CLIENT_TOKEN_FILE=FILE " in text
