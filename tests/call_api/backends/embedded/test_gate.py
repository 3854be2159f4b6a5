"""Who is let in."""

from typing import cast

import pytest

from call_api.backends.embedded.agent import Agent
from call_api.backends.embedded.gate import MAX_REMEMBERED, Gate
from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.sip.digest import Challenge, DigestClient
from call_api.sip.message import Response
from call_api.sip.uri import Uri
from tests.fakes.manual_clock import ManualClock
from tests.fakes.recording_flow import RecordingFlow
from tests.fakes.sip_messages import make_request

ALICE = Uri.parse("sip:alice@localhost")
TARGET = "sip:bob@192.0.2.2"


class Scene:
    """A gate, and one who knocks."""

    def __init__(self, users: dict[str, str], peer: str = "192.0.2.1") -> None:
        self.clock = ManualClock()
        self.flow = RecordingFlow(peer=peer)
        self.gate = Gate(users, "localhost", self.clock.time, lambda uri: uri.host == "localhost")
        self._knocks: list[IncomingRequest] = []
        self._agent = Agent(clock=self.clock, on_request=self._knocks.append)
        self._number = 0

    def knock(self, authorization: str | None = None, claimed: Uri = ALICE) -> bool:
        self._number += 1
        headers = () if authorization is None else (("Authorization", authorization),)
        request = make_request(
            number=self._number, branch=f"z9hG4bK{self._number}", headers=headers
        )
        self._agent.receive(request.encode(), self.flow)
        return self.gate.admits(self._knocks[-1], claimed)

    def answer(self) -> Response:
        *_, response = self.flow.take_responses()  # repeated, as long as no ACK comes
        return response

    def challenged(self, user: str, password: str) -> DigestClient:
        """A client that has got its challenge."""
        assert not self.knock()
        response = self.answer()
        assert response.status == 401
        client = DigestClient(user, password, lambda: "cnonce")
        assert client.accept(response.headers.all("WWW-Authenticate"))
        return client


def authorization(client: DigestClient) -> str:
    return cast("str", client.authorization("INVITE", TARGET))


def test_who_knows_the_password_is_let_in() -> None:
    scene = Scene({"alice": "secret"})

    assert scene.knock(authorization(scene.challenged("alice", "secret")))
    assert scene.flow.sent == []


def test_both_algorithms_are_offered_the_stronger_one_first() -> None:
    scene = Scene({"alice": "secret"})
    scene.knock()

    offers = scene.answer().headers.all("WWW-Authenticate")

    assert [part for offer in offers for part in offer.split(", ") if "algorithm" in part] == [
        "algorithm=SHA-256",
        "algorithm=MD5",
    ]


def algorithms(scene: Scene) -> list[str]:
    """What is offered to who knocks without an answer."""
    assert not scene.knock()
    return [Challenge.parse(c).algorithm for c in scene.answer().headers.all("WWW-Authenticate")]


def test_who_gives_up_on_what_it_does_not_know_is_asked_for_md5_alone_from_then_on() -> None:
    scene = Scene({"alice": "secret"})
    assert algorithms(scene) == ["SHA-256", "MD5"]

    client = scene.challenged("alice", "secret")

    assert scene.knock(authorization(client))
    assert algorithms(scene) == ["MD5"]
    scene.flow.peer = ("192.0.2.7", 5060)
    assert algorithms(scene) == ["SHA-256", "MD5"]  # nobody elsewhere learns what alice has


def test_who_knows_more_is_offered_both_again_and_again() -> None:
    scene = Scene({"alice": "secret"})

    for _ in range(3):
        assert scene.knock(authorization(scene.challenged("alice", "secret")))

    assert algorithms(scene) == ["SHA-256", "MD5"]


def test_what_is_remembered_of_phones_is_bounded() -> None:
    scene = Scene({"alice": "secret"})
    algorithms(scene)

    for number in range(MAX_REMEMBERED):
        scene.knock(claimed=Uri.parse(f"sip:u{number}@localhost"))
        scene.flow.sent.clear()

    assert algorithms(scene) == ["SHA-256", "MD5"]


@pytest.mark.parametrize(("user", "password"), [("alice", "guess"), ("mallory", "secret")])
def test_who_does_not_is_asked_again(user: str, password: str) -> None:
    scene = Scene({"alice": "secret"})

    assert not scene.knock(authorization(scene.challenged(user, password)))
    assert scene.answer().status == 401


@pytest.mark.parametrize(
    "claimed", ["sip:bob@localhost", "sip:localhost", "sip:alice@bank.example"]
)
def test_nobody_is_let_in_as_somebody_else(claimed: str) -> None:
    scene = Scene({"alice": "secret", "bob": "other"})
    client = scene.challenged("alice", "secret")

    assert not scene.knock(authorization(client), Uri.parse(claimed))
    assert scene.answer().status == 403


def test_an_old_nonce_is_renewed() -> None:
    scene = Scene({"alice": "secret"})
    client = scene.challenged("alice", "secret")
    scene.clock.advance(3600.0)

    assert not scene.knock(authorization(client))
    assert "stale=true" in scene.answer().headers.all("WWW-Authenticate")[0]


@pytest.mark.parametrize(
    ("peer", "expected"),
    [("127.0.0.1", True), ("::1", True), ("192.0.2.1", False), ("nowhere", False)],
)
def test_without_passwords_this_machine_alone_is_let_in(peer: str, expected: bool) -> None:
    scene = Scene({}, peer)

    assert scene.knock() is expected
    if not expected:
        assert scene.answer().status == 403
