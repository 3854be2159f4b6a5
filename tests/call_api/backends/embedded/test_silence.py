import asyncio

from call_api.backends.embedded.silence import SilentStream, Ticker
from call_api.transports.rtp import RtpSocket
from tests.fakes.manual_clock import ManualClock


def test_all_streams_are_called_from_one_timer_every_20_ms() -> None:
    clock = ManualClock(0.0)
    ticker = Ticker(clock)
    ticks: list[tuple[str, float]] = []
    ticker.add(lambda: ticks.append(("a", round(clock.time(), 3))))
    ticker.add(lambda: ticks.append(("b", round(clock.time(), 3))))

    assert clock.pending == 1
    clock.advance(0.041)

    assert ticks == [("a", 0.02), ("b", 0.02), ("a", 0.04), ("b", 0.04)]


def test_without_a_stream_there_is_no_timer() -> None:
    clock = ManualClock(0.0)
    ticker = Ticker(clock)
    ticks: list[float] = []

    def tick() -> None:
        ticks.append(clock.time())
        ticker.discard(tick)

    ticker.discard(tick)
    ticker.add(tick)
    clock.advance(1.0)
    assert clock.pending == 0
    ticker.add(tick)
    ticker.discard(tick)

    assert ticks == [0.02]
    assert clock.pending == 0


def test_a_stream_that_replaces_itself_keeps_the_one_timer() -> None:
    clock = ManualClock(0.0)
    ticker = Ticker(clock)
    ticks: list[float] = []

    def second() -> None:
        ticks.append(clock.time())

    def first() -> None:
        ticker.discard(first)
        ticker.add(second)

    ticker.add(first)
    clock.advance(0.05)

    assert ticks == [0.04]
    assert clock.pending == 1


def test_a_late_loop_is_not_made_up_for() -> None:
    clock = ManualClock(0.0)
    ticker = Ticker(clock)
    ticks: list[float] = []

    def slow() -> None:
        ticks.append(clock.time())
        if len(ticks) == 1:
            clock.sleep(1.0)

    ticker.add(slow)
    clock.advance(1.1)

    assert [round(tick, 2) for tick in ticks] == [0.02, 1.02, 1.04, 1.06, 1.08, 1.1]


async def test_silence_is_pcmu_that_follows_on() -> None:
    packets: list[bytes] = []
    clock = ManualClock(0.0)
    changed = asyncio.Event()

    def hear(packet: bytes) -> None:
        packets.append(packet)
        changed.set()

    ear = RtpSocket("127.0.0.1", hear)
    stream = SilentStream("127.0.0.1", Ticker(clock), lambda: None)
    stream.send_to((ear.host, ear.port))
    clock.advance(0.06)
    async with asyncio.timeout(10):
        while len(packets) < 3:
            changed.clear()
            await changed.wait()
    stream.send_to(None)
    clock.advance(1.0)
    stream.close()
    ear.close()

    assert stream.sent == len(packets) == 3
    headers = [packet[:12] for packet in packets]
    assert {packet[12:] for packet in packets} == {b"\xff" * 160}
    assert {header[:2] for header in headers} == {b"\x80\x00"}
    assert len({header[8:] for header in headers}) == 1
    sequences = [int.from_bytes(header[2:4]) for header in headers]
    timestamps = [int.from_bytes(header[4:8]) for header in headers]
    assert [(number - sequences[0]) % 2**16 for number in sequences] == [0, 1, 2]
    assert [(stamp - timestamps[0]) % 2**32 for stamp in timestamps] == [0, 160, 320]


async def test_only_rtp_is_counted() -> None:
    heard = asyncio.Event()
    stream = SilentStream("127.0.0.1", Ticker(ManualClock()), heard.set)
    sender = RtpSocket("127.0.0.1", lambda packet: None)
    for packet in (b"", b"\x80" * 11, b"\x00" * 12, b"\x80" * 12):
        sender.send(packet, ("127.0.0.1", stream.port))
    async with asyncio.timeout(10):
        await heard.wait()
    sender.close()
    stream.close()

    assert stream.received == 1


async def test_what_is_lost_on_the_way_out_is_not_counted_as_sent() -> None:
    clock = ManualClock(0.0)
    stream = SilentStream("127.0.0.1", Ticker(clock), lambda: None)
    stream.send_to(("::1", 9))

    clock.advance(0.1)
    stream.close()

    assert stream.sent == 0
