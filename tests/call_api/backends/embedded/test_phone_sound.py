import pytest

from call_api.backends.embedded.phone_sound import PhoneSound
from call_api.backends.embedded.silence import Ticker
from call_api.sip.sdp import Direction, Sdp, make_offer
from tests.fakes.manual_clock import ManualClock


class Scene:
    """A phone's sound, and a far end at 127.0.0.1:9000."""

    def __init__(self) -> None:
        self.clock = ManualClock(0.0)
        self.changes = 0
        self.sound = PhoneSound("alice", "127.0.0.1", Ticker(self.clock), self.changed)

    def changed(self) -> None:
        self.changes += 1

    def is_sending(self) -> bool:
        before = self.sound.stream.sent
        self.clock.advance(0.02)
        return self.sound.stream.sent > before


@pytest.fixture
async def scene() -> Scene:
    return Scene()


def far(direction: Direction = "sendrecv", port: int = 9000) -> Sdp:
    return make_offer("127.0.0.1", port, direction)


MIRRORED: list[tuple[Direction, Direction, bool]] = [
    ("sendrecv", "sendrecv", True),
    ("sendonly", "recvonly", False),
    ("recvonly", "sendonly", True),
    ("inactive", "inactive", False),
]


@pytest.mark.parametrize(("offered", "answered", "sends"), MIRRORED)
async def test_the_answer_mirrors_the_offer(
    scene: Scene, offered: Direction, answered: Direction, sends: bool
) -> None:
    body = scene.sound.answer_to(far(offered).encode())

    assert body is not None
    answer = Sdp.parse(body)
    assert answer.direction == scene.sound.direction == answered
    assert answer.media[0].port == scene.sound.stream.port
    assert scene.is_sending() is sends
    assert scene.changes >= 1
    scene.sound.close()


@pytest.mark.parametrize(("answered", "done", "sends"), MIRRORED)
async def test_the_answer_to_our_offer_decides_what_we_do(
    scene: Scene, answered: Direction, done: Direction, sends: bool
) -> None:
    offer = Sdp.parse(scene.sound.offer())
    scene.sound.take_answer(far(answered).encode())

    assert offer.direction == "sendrecv"
    assert scene.sound.direction == done
    assert scene.is_sending() is sends
    scene.sound.close()


HOLDING: list[tuple[Direction, Direction]] = [
    ("sendrecv", "sendonly"),
    ("recvonly", "sendonly"),
    ("sendonly", "inactive"),
    ("inactive", "inactive"),
]


@pytest.mark.parametrize(("offered", "answered"), HOLDING)
async def test_who_holds_the_peer_agrees_to_no_more(
    scene: Scene, offered: Direction, answered: Direction
) -> None:
    scene.sound.wish = "sendonly"

    body = scene.sound.answer_to(far(offered).encode())

    assert body is not None
    assert Sdp.parse(body).direction == scene.sound.direction == answered
    assert Sdp.parse(scene.sound.offer()).direction == "sendonly"
    scene.sound.close()


async def test_who_only_wants_to_listen_does_only_that(scene: Scene) -> None:
    scene.sound.wish = "recvonly"
    scene.sound.answer_to(far().encode())

    assert scene.sound.direction == "recvonly"
    scene.sound.close()


async def test_nothing_is_sent_to_a_port_that_only_holds_the_place(scene: Scene) -> None:
    scene.sound.answer_to(far(port=9).encode())

    assert not scene.is_sending()
    scene.sound.close()


NOTHING_IN_COMMON = make_offer("127.0.0.1", 9000).encode().replace(b"RTP/AVP 0", b"RTP/AVP 9")


@pytest.mark.parametrize("body", [NOTHING_IN_COMMON, b"no description"])
async def test_what_a_phone_cannot_do_it_does_not_answer(scene: Scene, body: bytes) -> None:
    assert scene.sound.answer_to(body) is None
    assert scene.sound.direction == "inactive"
    scene.sound.close()


async def test_an_answer_that_makes_no_sense_changes_nothing(scene: Scene) -> None:
    scene.sound.answer_to(far().encode())

    scene.sound.take_answer(b"no description")

    assert scene.sound.direction == "sendrecv"
    scene.sound.close()


async def test_after_the_end_nothing_is_sent_any_more(scene: Scene) -> None:
    scene.sound.answer_to(far().encode())
    scene.sound.close()

    scene.sound.take_answer(far().encode())

    assert scene.sound.direction == "inactive"
    assert not scene.is_sending()
    assert scene.clock.pending == 0
