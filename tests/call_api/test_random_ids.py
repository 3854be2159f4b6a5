import uuid

from call_api.random_ids import RandomIds


def test_no_id_comes_twice_and_all_are_what_they_claim() -> None:
    ids = RandomIds()

    made = [ids.cmd_id() for _ in range(1000)]

    assert len(set(made)) == 1000
    for one in made:
        known = uuid.UUID(one)
        assert (known.version, known.variant, str(known)) == (4, uuid.RFC_4122, one)
    assert len({ids.callid() for _ in range(1000)}) == 1000
    assert len(ids.callid()) == 32


def test_the_system_is_asked_seldom_and_every_byte_is_used_once() -> None:
    asked: list[int] = []

    def urandom(size: int) -> bytes:
        asked.append(size)
        return bytes(at // 16 % 256 for at in range(size))

    ids = RandomIds(urandom)

    assert [ids.callid()[:2] for _ in range(257)] == [
        *(f"{at:02x}" for at in range(256)),
        "00",
    ]
    assert len(asked) == 2
