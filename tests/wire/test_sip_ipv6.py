"""IPv6 from end to end: phones and back end on ::1, over real sockets."""

import logging
import re

import pytest

from call_api.backends import BACKENDS
from call_api.backends.embedded.backend import embedded_backend
from call_api.backends.embedded.demo_phones import demo_phones
from call_api.backends.embedded.phone import Phone
from call_api.config import Config, Embedded, WsServer
from call_api.daemon import serving
from call_api.demo import phones, with_phones
from call_api.model import LEGS, SipUri
from call_api.sip.flow import Transport
from tests.fakes.sip_office import read

USERS = {"alice": "a", "bob": "b", "carol": "c"}


async def hears(phone: Phone) -> None:
    before = phone.received_packets
    await phone.until(lambda: phone.received_packets > before + 3)


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
async def test_every_command_works_and_no_other_address_is_named(
    transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        embedded_backend(Embedded(host="::1", port=0, users=USERS)) as backend,
        demo_phones((backend.host, backend.port), "[::1]", USERS, transport=transport) as made,
    ):
        alice, bob, carol = made.values()
        for phone in made.values():
            phone.behaviour.answer_after = 0.0

        # Whatever the spelling of the address, it is the same.
        callee = SipUri(f"sip:bob@[0:0::1]:{backend.port}")
        steps = await read(backend.start(SipUri("sip:alice@[::1]"), callee))
        callid = steps[-1].callid
        await hears(alice)
        await hears(bob)
        await read(backend.hold(callid, LEGS))
        await read(backend.unhold(callid, LEGS))
        await hears(bob)
        await read(backend.transfer(callid, "caller", SipUri("sip:carol@[::1]")))
        await hears(alice)
        await hears(carol)
        assert bob.calls == []
        await backend.end(callid)
        await carol.until(lambda: not carol.calls)

    wire = [r.getMessage() for r in caplog.records if "SIP/2.0" in r.getMessage()]
    assert len(wire) > 50
    assert not re.search(r"127\.0\.0\.1|IN IP4", "".join(wire))
    described = [text for text in wire if "v=0" in text]
    assert described
    assert all("c=IN IP6 ::1" in text and " IN IP6 ::1" in text for text in described)
    assert all(re.search(rf"Via: SIP/2.0/{transport} \[::1\]:[0-9]+;", text) for text in wire)


async def test_the_demo_runs_on_it() -> None:
    config = with_phones(
        Config(
            ws_server=WsServer(host="::1", port=0),
            embedded=Embedded(host="::1", port=0, domains=()),
            shutdown_within=0.1,
        )
    )
    async with serving(config, BACKENDS["embedded"]) as daemon, phones(daemon) as opened:
        assert [url.partition("[")[2].partition("]")[0] for url in daemon.urls] == ["::1", "::1"]

        opened["alice"].call("sip:bob@[::1]")

        await hears(opened["bob"])
