import pytest

from call_api.backends.embedded.session import Session, directions
from call_api.model import LegName
from call_api.sip.sdp import BadSdp, Direction, Sdp, make_offer

HERE = "127.0.0.1"


def session() -> Session:
    return Session(7, HERE)


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ([], {"caller": "sendrecv", "callee": "sendrecv"}),
        (["caller"], {"caller": "sendonly", "callee": "inactive"}),
        (["callee"], {"caller": "inactive", "callee": "sendonly"}),
        (["caller", "callee"], {"caller": "inactive", "callee": "inactive"}),
    ],
)
def test_who_is_on_hold_decides_what_each_party_is_told(
    held: list[LegName], expected: dict[LegName, Direction]
) -> None:
    assert directions(frozenset(held)) == expected


def test_a_leg_sees_one_session_whoevers_descriptions_it_is_sent() -> None:
    leg = session()

    first = leg.offer(make_offer("10.0.0.1", 4000))
    same = leg.offer(make_offer("10.0.0.1", 4000))
    other = leg.offer(make_offer("10.0.0.2", 5000))

    assert b"o=- 7 7 IN IP4 127.0.0.1\r\n" in first
    assert same == first
    assert b"o=- 7 8 IN IP4 127.0.0.1\r\n" in other
    assert leg.told == make_offer("10.0.0.2", 5000)


@pytest.mark.parametrize(
    ("direction", "holds"),
    [("sendrecv", False), ("recvonly", False), ("sendonly", True), ("inactive", True)],
)
def test_a_phone_holds_the_other_party_by_an_offer_of_its_own(
    direction: Direction, holds: bool
) -> None:
    leg = session()
    body = make_offer(HERE, 4000, direction).encode()

    leg.hear(body)
    assert not leg.holds
    leg.hear(body, is_offer=True)
    assert leg.holds is holds


def test_an_offer_of_nothing_holds_nobody() -> None:
    leg = session()

    leg.hear(make_offer(HERE, 0, "inactive").encode(), is_offer=True)

    assert not leg.holds


def test_what_is_no_description_changes_nothing() -> None:
    leg = session()
    heard = leg.hear(make_offer(HERE, 4000).encode())

    with pytest.raises(BadSdp):
        leg.hear(b"v=1")

    assert leg.said is heard


def test_an_answer_has_the_media_lines_of_the_phones_offer() -> None:
    leg = session()
    two_streams = make_offer(HERE, 4000).encode() + b"m=video 4002 RTP/AVP 31\r\n"
    leg.hear(two_streams, is_offer=True)

    answer = Sdp.parse(leg.answer(make_offer("10.0.0.2", 5000)))

    assert [(m.kind, m.port) for m in answer.media] == [("audio", 5000), ("video", 0)]


def test_a_held_answer_accepts_the_audio_and_has_nothing_sent() -> None:
    leg = session()
    leg.hear(make_offer(HERE, 4000).encode(), is_offer=True)

    answer = Sdp.parse(leg.held_answer())

    assert answer.direction == "inactive"
    assert [m.port for m in answer.media] == [9]
    assert leg.told is None


def test_without_an_offer_there_is_no_held_answer() -> None:
    with pytest.raises(ValueError, match="no offer"):
        session().held_answer()


def test_a_phone_has_moved_when_its_media_goes_elsewhere() -> None:
    leg = session()
    assert not leg.has_moved(None)
    before = leg.hear(make_offer(HERE, 4000).encode())
    assert leg.has_moved(None)

    leg.hear(make_offer(HERE, 4000, "inactive").encode())
    assert not leg.has_moved(before)
    leg.hear(make_offer(HERE, 4002).encode())
    assert leg.has_moved(before)


def test_an_offer_of_the_phones_that_was_refused_is_forgotten() -> None:
    leg = session()
    before = leg.hear(make_offer(HERE, 4000).encode(), is_offer=True)
    leg.hear(make_offer(HERE, 4002, "sendonly").encode(), is_offer=True)

    leg.forget_offer(before, holds=False)

    assert leg.said is before
    assert not leg.holds
