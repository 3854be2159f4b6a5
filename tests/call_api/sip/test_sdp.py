import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_api.sip.sdp import (
    BadSdp,
    Direction,
    Origin,
    Sdp,
    held_answer,
    make_answer,
    make_offer,
    mirrored,
    same_media_address,
)

HEAD = "v=0\r\no=alice 1 1 IN IP4 192.0.2.1\r\ns= \r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
AUDIO = (
    "m=audio 4000 RTP/AVP 0 96\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:96 opus/48000/2\r\n"
    "a=fmtp:96 useinbandfec=1\r\na=ssrc:1 cname:x\r\n"
)
VIDEO = "m=video 4002 RTP/AVP 97\r\na=rtpmap:97 VP8/90000\r\n"
PHONE = (
    "v=0\r\n"
    "o=- 3950000000 3950000000 IN IP4 127.0.0.1\r\n"
    "s=pjmedia\r\n"
    "b=AS:84\r\n"
    "t=0 0\r\n"
    "a=X-nat:0\r\n"
    "m=audio 4000 RTP/AVP 96 0 120\r\n"
    "c=IN IP4 127.0.0.1\r\n"
    "b=TIAS:64000\r\n"
    "a=rtcp:4001 IN IP4 127.0.0.1\r\n"
    "a=sendrecv\r\n"
    "a=rtpmap:120 telephone-event/8000\r\n"
    "a=fmtp:120 0-16\r\n"
    "a=ssrc:1 cname:\xff\r\n"
)


def sdp(*parts: str) -> Sdp:
    return Sdp.parse("".join(parts).encode("latin-1"))


def media_lines(body: bytes) -> list[str]:
    return [line for line in body.decode().split("\r\n") if line.startswith("m=")]


def origin_line(body: bytes) -> str:
    return next(line for line in body.decode().split("\r\n") if line.startswith("o="))


# Reading and writing.


@pytest.mark.parametrize("text", [PHONE, HEAD, HEAD + AUDIO + VIDEO, "v=0\r\n"])
def test_every_line_is_kept_as_it_came(text: str) -> None:
    assert sdp(text).encode() == text.encode("latin-1")


def test_bare_line_feeds_are_read() -> None:
    assert sdp(PHONE.replace("\r\n", "\n")) == sdp(PHONE)


def test_a_stream_has_its_own_address_or_the_sessions() -> None:
    both = sdp(HEAD, AUDIO, VIDEO, "c=IN IP4 203.0.113.5/127\r\n")

    assert [both.address_of(media) for media in both.media] == ["192.0.2.1", "203.0.113.5"]
    assert [(media.kind, media.port) for media in both.active] == [("audio", 4000), ("video", 4002)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\r\n",
        "hello",
        "v=1\r\n",
        "o=x\r\nv=0\r\n",
        HEAD + "A=b\r\n",
        HEAD + "nothing\r\n",
        HEAD + "a=x\0y\r\n",
        HEAD + "a=x\ry\r\n",
        HEAD + " a=x\r\n",
        HEAD + "m=audio\r\n",
        HEAD + "m=audio x RTP/AVP 0\r\n",
        HEAD + "m=audio 65536 RTP/AVP 0\r\n",
        HEAD + "m=audio 999999 RTP/AVP 0\r\n",
        HEAD + "m=audio 4000 RTP/AVP\r\n",
        HEAD + AUDIO + "c=IN IP5 192.0.2.1\r\n",
        HEAD + AUDIO + "c=\r\n",
        "v=0\r\n" + AUDIO,
    ],
)
def test_what_is_no_description_is_refused(text: str) -> None:
    with pytest.raises(BadSdp) as caught:
        sdp(text)

    assert caught.value.problem


@given(
    st.one_of(
        st.binary(),
        st.lists(
            st.sampled_from(
                [*HEAD.splitlines(), *AUDIO.splitlines(), *PHONE.splitlines(), "m=", ""]
            )
        ).map(lambda lines: "\n".join(["v=0", *lines]).encode("latin-1")),
    )
)
def test_any_bytes_are_a_description_or_are_refused(body: bytes) -> None:
    try:
        read = Sdp.parse(body)
    except BadSdp:
        return
    assert Sdp.parse(read.encode()) == read
    assert same_media_address(read, read)
    origin = Origin(1, "192.0.2.9")
    assert read.direction in ("sendrecv", "sendonly", "recvonly", "inactive")
    assert Sdp.parse(origin.write(read)).media == read.media
    assert len(Sdp.parse(held_answer(read, origin)).media) == len(read.media)
    answer = make_answer(read, "192.0.2.9", 6000)
    assert answer is None or len(answer.media) == len(read.media)


# Directions.


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        (HEAD + AUDIO, "sendrecv"),
        (HEAD + AUDIO + "a=sendonly\r\n", "sendonly"),
        (HEAD + AUDIO + "a=recvonly \r\n", "recvonly"),
        (HEAD + "a=inactive\r\n" + AUDIO, "inactive"),
        (HEAD + "a=inactive\r\n" + AUDIO + "a=sendrecv\r\n", "sendrecv"),
        (HEAD + "i=inactive\r\n" + AUDIO, "sendrecv"),
        (HEAD + AUDIO + "a=sendonly\r\n" + VIDEO + "a=recvonly\r\n", "sendrecv"),
        (HEAD + AUDIO + "a=inactive\r\n" + VIDEO.replace("4002", "0"), "inactive"),
        (HEAD + AUDIO.replace("4000", "0"), "inactive"),
        (HEAD, "inactive"),
        (HEAD.replace("192.0.2.1", "0.0.0.0") + AUDIO, "sendonly"),
        (HEAD.replace("192.0.2.1", "0.0.0.0") + AUDIO + "a=recvonly\r\n", "inactive"),
        (HEAD + AUDIO + "c=IN IP6 ::\r\n", "sendonly"),
    ],
)
def test_the_direction_is_that_of_all_streams_together(text: str, direction: Direction) -> None:
    assert sdp(text).direction == direction


def test_a_direction_is_set_on_every_stream_that_is_left() -> None:
    changed = sdp(
        HEAD,
        "a=sendrecv\r\n",
        "m=audio 4000 RTP/AVP 0\r\na=sendonly\r\na=ptime:20\r\na=recvonly\r\n",
        VIDEO,
        "m=text 0 RTP/AVP 98\r\n",
    ).with_direction("inactive")

    assert changed.encode().decode() == (
        HEAD + "m=audio 4000 RTP/AVP 0\r\na=inactive\r\na=ptime:20\r\n"
        "m=video 4002 RTP/AVP 97\r\na=rtpmap:97 VP8/90000\r\na=inactive\r\n"
        "m=text 0 RTP/AVP 98\r\n"
    )


def test_mirroring_swaps_the_sides() -> None:
    directions: tuple[Direction, ...] = ("sendrecv", "sendonly", "recvonly", "inactive")

    assert [mirrored(d) for d in directions] == ["sendrecv", "recvonly", "sendonly", "inactive"]


# One leg's origin (RFC 3264, section 8).


def test_the_origin_is_ours_and_its_version_grows_only_with_changes() -> None:
    origin = Origin(77, "192.0.2.9")
    first = origin.write(sdp(HEAD, AUDIO))
    same_from_elsewhere = origin.write(sdp(HEAD.replace("o=alice 1 1", "o=bob 5 9"), AUDIO))
    held = origin.write(sdp(HEAD, AUDIO).with_direction("inactive"))
    back = origin.write(sdp(HEAD, AUDIO))

    assert [origin_line(body) for body in (first, same_from_elsewhere, held, back)] == [
        "o=- 77 77 IN IP4 192.0.2.9",
        "o=- 77 77 IN IP4 192.0.2.9",
        "o=- 77 78 IN IP4 192.0.2.9",
        "o=- 77 79 IN IP4 192.0.2.9",
    ]
    assert (
        first.decode()
        == HEAD.replace("alice 1 1 IN IP4 192.0.2.1", "- 77 77 IN IP4 192.0.2.9") + AUDIO
    )
    assert first == same_from_elsewhere


def test_an_origin_may_be_of_ipv6_and_stand_where_none_was() -> None:
    assert Origin(1, "2001:db8::1").write(sdp("v=0\r\ns=-\r\n")) == (
        b"v=0\r\no=- 1 1 IN IP6 2001:db8::1\r\ns=-\r\n"
    )


def test_there_are_never_fewer_media_lines_than_before() -> None:
    origin = Origin(1, "192.0.2.9")
    origin.write(sdp(HEAD, AUDIO, VIDEO))
    fewer = origin.write(sdp(HEAD, AUDIO))
    more = origin.write(sdp(HEAD, AUDIO, VIDEO, "m=text 9 RTP/AVP 98\r\n"))
    none = origin.write(sdp(HEAD))

    assert media_lines(fewer) == ["m=audio 4000 RTP/AVP 0 96", "m=video 0 RTP/AVP 97"]
    assert len(media_lines(more)) == 3
    assert [line.split()[1] for line in media_lines(none)] == ["0", "0", "0"]


def test_an_answer_has_exactly_the_offers_media_lines() -> None:
    offer = sdp(HEAD, AUDIO, VIDEO, "m=text 9 RTP/AVP 98\r\n", VIDEO.replace("4002", "0"))
    answer = sdp(HEAD, AUDIO, "m=text 5 RTP/AVP 98\r\n")

    body = Origin(1, "192.0.2.9").write(answer, answers=offer)

    assert media_lines(body) == [
        "m=audio 4000 RTP/AVP 0 96",
        "m=video 0 RTP/AVP 97",
        "m=text 0 RTP/AVP 98",
        "m=video 0 RTP/AVP 97",
    ]


def test_what_goes_beyond_the_offer_is_left_out_of_the_answer() -> None:
    body = Origin(1, "192.0.2.9").write(sdp(HEAD, AUDIO, VIDEO), answers=sdp(HEAD, AUDIO))

    assert media_lines(body) == ["m=audio 4000 RTP/AVP 0 96"]


def test_a_stream_that_was_not_offered_is_not_accepted() -> None:
    off = sdp(HEAD, AUDIO.replace("4000", "0"))

    assert sdp(HEAD, AUDIO).as_answer_to(off).active == []


@pytest.mark.parametrize(
    ("offered", "said", "told"),
    [
        ("sendonly", "sendonly", "inactive"),
        ("sendonly", "sendrecv", "recvonly"),
        ("recvonly", "sendrecv", "sendonly"),
        ("recvonly", "inactive", "inactive"),
        ("inactive", "sendrecv", "inactive"),
        ("sendrecv", "sendonly", "sendonly"),
    ],
)
def test_a_stream_does_no_more_than_was_offered(
    offered: Direction, said: Direction, told: Direction
) -> None:
    offer = sdp(HEAD, AUDIO, VIDEO).with_direction(offered)
    answer = sdp(HEAD, AUDIO, VIDEO.replace("4002", "0")).with_direction(said)

    assert answer.as_answer_to(offer) == sdp(
        HEAD, AUDIO, VIDEO.replace("4002", "0")
    ).with_direction(told)


# Answers of our own.


def test_a_held_answer_accepts_the_audio_without_media() -> None:
    secure = AUDIO.replace("RTP/AVP", "RTP/SAVP") + "a=crypto:1 A x\r\na=crypto:2 B y\r\n"
    offer = sdp(HEAD, VIDEO, secure, "a=sendrecv\r\n", "m=text 0 RTP/AVP 98\r\n")

    body = held_answer(offer, Origin(5, "192.0.2.9"))

    assert body.decode() == (
        "v=0\r\no=- 5 5 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
        "m=video 0 RTP/AVP 97\r\n"
        "m=audio 9 RTP/SAVP 0 96\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:96 opus/48000/2\r\n"
        "a=fmtp:96 useinbandfec=1\r\na=crypto:1 A x\r\na=inactive\r\n"
        "m=text 0 RTP/AVP 98\r\n"
    )
    assert Sdp.parse(body).direction == "inactive"


def test_a_held_answer_without_audio_accepts_the_first_stream() -> None:
    body = held_answer(sdp(HEAD, VIDEO, VIDEO.replace("4002", "4004")), Origin(5, "192.0.2.9"))

    assert media_lines(body) == ["m=video 9 RTP/AVP 97", "m=video 0 RTP/AVP 97"]


def test_media_addresses_are_compared_stream_by_stream() -> None:
    both = sdp(HEAD, AUDIO, VIDEO)

    assert same_media_address(both, both.with_direction("inactive"))
    assert same_media_address(both, sdp(HEAD.replace("alice", "bob"), AUDIO, VIDEO))
    assert not same_media_address(both, sdp(HEAD, AUDIO))
    assert not same_media_address(both, sdp(HEAD, AUDIO.replace("4000", "4444"), VIDEO))
    assert not same_media_address(both, sdp(HEAD.replace("192.0.2.1", "192.0.2.2"), AUDIO, VIDEO))


# A phone of our own.


def test_a_phone_offers_pcmu() -> None:
    offer = make_offer("192.0.2.9", 6000, "recvonly")

    assert Sdp.parse(offer.encode()) == offer
    assert (offer.direction, offer.address_of(offer.media[0])) == ("recvonly", "192.0.2.9")
    assert str(offer.media[0]) == (
        "m=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=recvonly\r\n"
    )


def test_a_phone_accepts_the_first_pcmu_and_mirrors_its_direction() -> None:
    offer = sdp(HEAD, VIDEO, AUDIO, "a=sendonly\r\n", AUDIO.replace("4000", "4010"))

    answer = make_answer(offer, "192.0.2.9", 6000)

    assert answer is not None
    assert [(media.kind, media.port) for media in answer.media] == [
        ("video", 0),
        ("audio", 6000),
        ("audio", 0),
    ]
    assert answer.direction == "recvonly"


@pytest.mark.parametrize(
    "media",
    [
        "m=audio 4000 RTP/AVP 8\r\n",
        "m=audio 0 RTP/AVP 0\r\n",
        "m=audio 4000 RTP/SAVP 0\r\n",
        "m=video 4000 RTP/AVP 0\r\n",
        "",
    ],
)
def test_a_phone_accepts_nothing_else(media: str) -> None:
    assert make_answer(sdp(HEAD, media), "192.0.2.9", 6000) is None
