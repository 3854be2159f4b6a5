"""Who is let in."""

from collections.abc import Sequence
from typing import cast

import pytest

from call_api.backends.embedded.agent import Agent
from call_api.backends.embedded.gate import Gate
from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.sip.digest import ALGORITHMS, Challenge, DigestClient
from call_api.sip.message import Response
from call_api.sip.uri import Uri
from tests.fakes.manual_clock import ManualClock
from tests.fakes.recording_flow import RecordingFlow
from tests.fakes.sip_messages import make_request

ALICE = Uri.parse("sip:alice@localhost")
TARGET = "sip:bob@192.0.2.2"


class Scene:
    """A gate, and one who knocks."""

    def __init__(
        self,
        users: dict[str, str],
        peer: str = "192.0.2.1",
        algorithms: Sequence[str] = ALGORITHMS,
    ) -> None:
        self.clock = ManualClock()
        self.flow = RecordingFlow(peer=peer)
        self.gate = Gate(
            users,
            "localhost",
            self.clock.time,
            lambda uri: uri.host == "localhost",
            algorithms,
        )
        self._knocks: list[IncomingRequest] = []
        self._agent = Agent(clock=self.clock, on_request=self._knocks.append)
        self._number = 0

    def knock(
        self,
        authorization: str | None = None,
        claimed: Uri = ALICE,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> bool:
        self._number += 1
        if authorization is not None:
            headers = (*headers, ("Authorization", authorization))
        request = make_request(
            number=self._number, branch=f"z9hG4bK{self._number}", headers=headers
        )
        self._agent.receive(request.encode(), self.flow)
        return self.gate.admits(self._knocks[-1], claimed)

    def answer(self) -> Response:
        *_, response = self.flow.take_responses()  # repeated, as long as no ACK comes
        return response

    def challenged(self, user: str, password: str, algorithm: str = "") -> DigestClient:
        """A client that has got its challenge."""
        assert not self.knock()
        response = self.answer()
        assert response.status == 401
        client = DigestClient(user, password, lambda: "cnonce")
        offers = response.headers.all("WWW-Authenticate")
        assert client.accept([offer for offer in offers if algorithm in offer])
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


def test_a_phone_that_knows_md5_alone_is_asked_for_nothing_else() -> None:
    scene = Scene({"alice": "secret"})

    scene.knock(headers=(("User-Agent", "baresip v1.0.0 (x86_64/linux)"),))

    (offer,) = scene.answer().headers.all("WWW-Authenticate")
    assert Challenge.parse(offer).algorithm == "MD5"


def test_what_is_not_allowed_is_neither_offered_nor_accepted() -> None:
    scene, strict = Scene({"alice": "secret"}), Scene({"alice": "secret"}, algorithms=["SHA-256"])
    md5 = scene.challenged("alice", "secret", "MD5")
    sha = strict.challenged("alice", "secret")

    assert scene.knock(authorization(md5))
    assert not strict.knock(authorization(sha).replace("SHA-256", "MD5"))
    assert strict.knock(authorization(sha))
    assert not strict.knock()
    (offer,) = strict.answer().headers.all("WWW-Authenticate")
    assert Challenge.parse(offer).algorithm == "SHA-256"


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


def test_credentials_that_are_sent_again_let_nobody_in() -> None:
    scene = Scene({"alice": "secret"})
    client = scene.challenged("alice", "secret")
    overheard = authorization(client)
    assert scene.knock(overheard)

    assert not scene.knock(overheard)

    response = scene.answer()
    (stale, *_) = map(Challenge.parse, response.headers.all("WWW-Authenticate"))
    assert (response.status, stale.stale) == (401, True)
    assert scene.knock(authorization(client))  # whose count has gone up


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


def guess(scene: Scene, password: str = "guess") -> int:
    """Have somebody try a password; return what that is answered, 0 for nothing at all."""
    client = scene.challenged("alice", password)
    return 0 if scene.knock(authorization(client)) else scene.answer().status


def test_who_guesses_passwords_is_slowed_down_and_told_for_how_long() -> None:
    scene = Scene({"alice": "secret"})

    assert [guess(scene) for _ in range(12)] == [401] * 10 + [503] * 2
    scene.challenged("alice", "x")  # without a password somebody is asked for one, as always
    assert guess(scene, "secret") == 503
    scene.clock.advance(1.5)
    client = scene.challenged("alice", "secret")
    assert not scene.knock(authorization(client))
    assert scene.answer().headers.get("Retry-After") == "1"
    scene.clock.advance(0.5)
    assert guess(scene, "secret") == 0


def test_one_address_does_not_slow_another() -> None:
    scene = Scene({"alice": "secret"})
    for _ in range(10):
        guess(scene)

    scene.flow = RecordingFlow(peer="192.0.2.9")
    assert guess(scene, "secret") == 0


def test_nobody_is_slowed_down_by_forged_requests_of_another() -> None:
    scene, home = Scene({"alice": "secret"}), RecordingFlow(peer="192.0.2.66")
    scene.flow, there = home, scene.flow
    client = scene.challenged("alice", "guess")
    scene.flow = there
    for _ in range(30):
        assert not scene.knock(authorization(client))
        assert scene.answer().status == 401

    assert guess(scene, "secret") == 0


def test_who_has_moved_is_asked_anew() -> None:
    scene = Scene({"alice": "secret"})
    client = scene.challenged("alice", "secret")
    scene.flow = RecordingFlow(peer="192.0.2.9")

    assert not scene.knock(authorization(client))
    response = scene.answer()
    assert "stale=true" in response.headers.get("WWW-Authenticate", "")
    assert client.accept(response.headers.all("WWW-Authenticate"))
    assert scene.knock(authorization(client))
