"""INVITEs of phones: what is refused before anything begins."""

import pytest

from call_api.backends.embedded.phone_invite import MAX_CALLID, is_answerable, is_readable, plain
from call_api.backends.embedded.routing import Incoming, Refuse, Ring
from call_api.sip.dialog import HeaderLines, new_callid, new_request, new_tag
from call_api.sip.message import Response
from call_api.sip.sdp import make_offer
from call_api.sip.uri import Uri
from tests.fakes.scripted_phone import ScriptedPhone
from tests.fakes.sip_messages import make_request
from tests.fakes.sip_office import sip_office, talk
from tests.fakes.virtual_time import in_virtual_time, until

BOB = "sip:bob@localhost"
OFFER = make_offer("127.0.0.1", 4000).encode()


async def invite(
    phone: ScriptedPhone,
    *,
    to: str = BOB,
    callid: str = "",
    contact: str = "<sip:alice@127.0.0.11>",
    headers: HeaderLines = (),
    body: bytes = OFFER,
) -> Response:
    """Send an INVITE of the test's own; return the final response."""
    request = new_request(
        "INVITE",
        to,
        from_=f"<{phone.uri}>;tag={new_tag()}",
        to=f"<{to}>",
        callid=callid or new_callid(),
        headers=[("Contact", contact), *headers],
        body=body,
    )
    return await phone.send(request)


@pytest.mark.parametrize("type_", ["text/plain", "application/sdp2", "multipart/mixed"])
@in_virtual_time
async def test_a_body_of_another_kind_is_refused_with_what_is_understood(type_: str) -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()

        response = await invite(alice, headers=[("Content-Type", type_)])

        assert response.status == 415
        assert response.headers.all("Accept") == ["application/sdp"]
        assert bob.heard == []
        await office.gone()


@pytest.mark.parametrize(
    ("accept", "is_met"),
    [
        ("application/sdp", True),
        ("text/plain, Application/SDP;q=0.5", True),
        ("application/*", True),
        ("*/*", True),
        ("text/plain", False),
        ("", False),
    ],
)
def test_who_accepts_no_description_cannot_be_answered(accept: str, is_met: bool) -> None:
    assert is_answerable(make_request(headers=(("Accept", accept),))) is is_met
    assert is_answerable(make_request())


@in_virtual_time
async def test_a_description_that_cannot_be_read_is_refused() -> None:
    async with sip_office("alice", "bob") as office:
        assert (await invite(office.phones["alice"], body=b"nonsense")).status == 488
        await office.gone()


@pytest.mark.parametrize("contact", ["<tel:123>", "*"])
@in_virtual_time
async def test_a_phone_that_cannot_be_reached_is_refused(contact: str) -> None:
    async with sip_office("alice", "bob") as office:
        response = await invite(office.phones["alice"], contact=contact)

        assert response.status == 400
        await office.gone()


@in_virtual_time
async def test_a_call_id_that_no_command_could_name_is_refused() -> None:
    async with sip_office("alice", "bob") as office:
        alice = office.phones["alice"]

        assert (await invite(alice, callid="x" * (MAX_CALLID + 1))).status == 400
        assert (await invite(alice, callid="x" * MAX_CALLID)).status == 200


@in_virtual_time
async def test_a_call_id_that_is_in_use_is_refused() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        call = await office.dial(alice, bob)

        assert (await invite(alice, callid=call.callid)).status == 482
        assert (await invite(alice, callid=bob.call.callid)).status == 482
        assert talk(call, bob.call)


@in_virtual_time
@pytest.mark.parametrize("to", ["tel:123", "sips:alice@localhost"])
async def test_a_callee_that_is_no_plain_sip_uri_is_refused(to: str) -> None:
    async with sip_office("alice") as office:
        assert (await invite(office.phones["alice"], to=to)).status == 416


@in_virtual_time
async def test_who_calls_and_who_is_called_is_shown_without_what_is_for_one_message() -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        alice.uri = "sip:alice@localhost;transport=tcp"
        call = alice.dial("sip:bob@localhost:5060;transport=tcp")

        await until(lambda: call.state == "up")

        info = await office.info()
        assert (info.caller, info.callee) == ("sip:alice@localhost", "sip:bob@localhost:5060")
        assert str(bob.call.invites[0].to) == "<sip:bob@localhost:5060>"


@pytest.mark.parametrize("decision", [Refuse(403, "Not Today"), Refuse(503), Ring([], 1.0)])
@in_virtual_time
async def test_one_hook_decides_what_becomes_of_a_call(decision: Refuse | Ring) -> None:
    asked: list[Incoming] = []

    def decide(incoming: Incoming) -> Refuse | Ring:
        asked.append(incoming)
        return decision

    async with sip_office("alice", "bob", decide=decide) as office:
        alice, bob = office.phones.values()

        response = await invite(alice)

        assert asked == [Incoming(caller=alice.uri, callee=Uri.parse(BOB))]
        expected = {403: "Not Today", 503: "Service Unavailable", 480: "Temporarily Unavailable"}
        assert response.reason == expected[response.status]
        assert bob.heard == []


# Within a call.


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ([("Content-Type", "text/plain")], b"hello", 415),
        ([], b"nonsense", 488),
    ],
)
@in_virtual_time
async def test_a_reinvite_that_makes_no_sense_changes_nothing(
    headers: HeaderLines, body: bytes, status: int
) -> None:
    async with sip_office("alice", "bob") as office:
        alice, bob = office.phones.values()
        call = await office.dial(alice, bob)

        assert await call.request("INVITE", headers, body) == status

        assert talk(call, bob.call)
        call.wish = "sendonly"
        assert await call.reinvite() == 200


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("application/sdp", True),
        ("Application/SDP ; charset=utf-8", True),
        ("text/plain", False),
        (None, False),
    ],
)
def test_a_body_is_readable_when_it_says_to_be_a_description(
    type_: str | None, expected: bool
) -> None:
    headers = () if type_ is None else (("Content-Type", type_),)

    assert is_readable(make_request(headers=headers, body=b"x")) is expected
    assert is_readable(make_request(headers=headers))


def test_a_plain_uri_has_neither_parameters_nor_password() -> None:
    assert str(plain(Uri.parse("sip:bob:pw@localhost:5070;transport=tcp?Subject=x"))) == (
        "sip:bob@localhost:5070"
    )
    assert str(plain(Uri.parse("tel:123"))) == "tel:123"
