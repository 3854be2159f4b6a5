"""Whatever happens, every offer and every answer keeps RFC 3264, also with unlike phones."""

import asyncio
import itertools

import pytest

from call_api.model import LEGS, CallId, SipUri
from tests.fakes.offer_answer import OfferAnswer
from tests.fakes.scripted_call import ScriptedCall
from tests.fakes.scripted_phone import ScriptedPhone
from tests.fakes.sip_office import Office, read, sip_office, talk
from tests.fakes.virtual_time import in_virtual_time, until


def check(office: Office) -> None:
    watch = OfferAnswer()
    watch.check(office.link.carried)
    assert watch.count > 10


async def until_talk(a: ScriptedPhone, b: ScriptedPhone) -> None:
    await until(lambda: len(a.live) == len(b.live) == 1 and talk(a.call, b.call))


@pytest.mark.parametrize("with_video", list(itertools.product((False, True), repeat=3)))
@in_virtual_time
async def test_commands_on_phones_with_and_without_video(with_video: tuple[bool, ...]) -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, carol = office.phones.values()
        for phone, has_video in zip(office.phones.values(), with_video, strict=True):
            phone.has_video = has_video

        callid = await office.start(alice, bob)
        await until_talk(alice, bob)
        await hold_and_back(office, callid)
        await until_talk(alice, bob)
        await read(office.backend.transfer(callid, "caller", SipUri(carol.uri)))
        await until_talk(alice, carol)
        await hold_and_back(office, callid)
        await read(office.backend.transfer(callid, "callee", SipUri(bob.uri)))
        await until_talk(carol, bob)
        second = await office.start(alice, carol)
        await read(office.backend.join(callid, "caller", second, "caller"))
        await until_talk(alice, bob)
        await until(lambda: not carol.live)

        check(office)


async def hold_and_back(office: Office, callid: CallId) -> None:
    await read(office.backend.hold(callid, ["caller"]))
    await read(office.backend.hold(callid, LEGS))
    await read(office.backend.unhold(callid, ["callee"]))
    await read(office.backend.unhold(callid, LEGS))


@pytest.mark.parametrize("others", [False, True])
@in_virtual_time
async def test_a_phone_that_adds_a_stream_and_drops_it_again(others: bool) -> None:
    async with sip_office("alice", "bob", "carol") as office:
        alice, bob, carol = office.phones.values()
        bob.has_video = others
        call = await office.dial(alice, bob)

        for has_video in (True, False, True):
            alice.has_video = has_video
            assert await call.reinvite() == 200
            assert video_of(call) is (has_video and others)
            assert talk(call, bob.call)
            assert await bob.call.reinvite(offers=False) == 200
            await asyncio.sleep(0.1)  # its ACK is on its way
            assert talk(call, bob.call)
        callid = office.callid
        await read(office.backend.hold(callid, LEGS))
        assert await call.reinvite() == 200  # answered by us alone
        await read(office.backend.unhold(callid, LEGS))
        await until_talk(alice, bob)
        await read(office.backend.transfer(callid, "caller", SipUri(carol.uri)))
        await until_talk(alice, carol)

        check(office)


def video_of(call: ScriptedCall) -> bool:
    """Whether the other party takes the video of a call."""
    assert call.remote is not None
    return any(media.kind == "video" for media in call.remote.active)
