"""RFC 4475 on the wire: what the back end answers to each message, as docs/sip.md has it."""

import asyncio

import pytest

from call_api.sip.parser import BadMessage, parse_message
from tests.fakes.sip_messages import as_response
from tests.fakes.sip_office import sip_office
from tests.fakes.torture_invalid import INVALID
from tests.fakes.torture_messages import VALID
from tests.fakes.torture_semantics import SEMANTIC
from tests.fakes.virtual_time import in_virtual_time
from tests.test_docs import read, rows, sections

MESSAGES = {**VALID, **INVALID, **SEMANTIC}
NOTHING = "nothing"
DOMAINS = ("example.com", "example.net", "example.org", "chair-dnrc.example.com")
CALLEES = ("user", "UserB", "sips%3Auser%40example.com")
ACCEPTED = {"baddate"}
"""Of those that are wrong, what is taken all the same."""


def table(heading: str) -> dict[str, list[str]]:
    """The rows of a table in docs/sip.md, by the name of the message."""
    _, *found = rows(sections(read("docs/sip.md"))[heading])
    return {name.strip("`"): cells for name, *cells in found}


DOCUMENTED = {
    name: cells
    for heading in ("Valid messages", "Invalid messages", "Messages that ask for something odd")
    for name, cells in table(heading).items()
}


async def answers(name: str) -> list[bytes]:
    """Send a message from this machine; return the final answers to it."""
    users = {"user": "secret"} if name == "regaut01" else {}
    async with sip_office(users=users, domains=DOMAINS) as office:
        for callee in () if users else CALLEES:
            await office.phone(callee)
        near, far = office.link.connect(("127.0.0.99", "127.0.0.1"))
        came: list[bytes] = []
        near.receive = lambda answer, flow: came.append(answer)
        far.receive = office.exchange.agent.receive
        near.send(MESSAGES[name])
        await asyncio.sleep(0.4)  # after which answers would be repeated
        return [data for data in came if not data.startswith(b"SIP/2.0 1")]


def test_every_message_is_documented() -> None:
    assert len(MESSAGES) == 49
    assert DOCUMENTED.keys() == MESSAGES.keys()


def test_what_is_wrong_and_taken_all_the_same_has_its_reason_in_the_rfc() -> None:
    taken = {name for name in INVALID if name not in ACCEPTED and not _is_refused(INVALID[name])}

    assert taken == set()
    for name in ACCEPTED:
        assert not _is_refused(INVALID[name])
        assert "RFC 3261, section 8.2.2" in DOCUMENTED[name][-1]


@pytest.mark.parametrize("name", MESSAGES)
@in_virtual_time
async def test_each_is_answered_as_documented(name: str) -> None:
    statuses = [data.split()[1].decode() for data in await answers(name)]

    assert statuses == [DOCUMENTED[name][-2]] or (statuses, DOCUMENTED[name][-2]) == ([], NOTHING)


@in_virtual_time
async def test_an_answer_says_what_it_is_about() -> None:
    extension = as_response((await answers("bext01"))[0])
    registered = as_response((await answers("escnull"))[0])
    as_header = as_response((await answers("cparam01"))[0])
    as_uri = as_response((await answers("cparam02"))[0])
    without_headers = as_response((await answers("regescrt"))[0])

    assert extension.headers.all("Unsupported") == [
        "nothingSupportsThis",
        "nothingSupportsThisEither",
    ]
    assert [contact.uri.user for contact in registered.addresses("Contact")] == ["%00", "%00%00"]
    assert "unknownparam" in as_header.addresses("Contact")[-1].params
    assert "unknownparam" in as_uri.addresses("Contact")[-1].uri.params
    assert str(without_headers.addresses("Contact")[-1].uri) == "sip:user@example.com"


def _is_refused(data: bytes) -> bool:
    try:
        parse_message(data)
    except BadMessage:
        return True
    return False
