import pytest

from call_api.access.meters import BUSY_FOR, Bucket, Meter
from call_api.errors import TooManyRequests


def test_a_bucket_lets_a_burst_through_and_then_a_steady_rate() -> None:
    bucket = Bucket(3, per_second=2, now=100.0)
    waits = []
    for _ in range(4):
        waits.append(bucket.wait(100.0))
        if not waits[-1]:
            bucket.take()

    assert waits == [0, 0, 0, 0.5]
    assert bucket.wait(100.25) == 0.25
    assert bucket.wait(100.5) == 0
    bucket.take()
    assert bucket.wait(100.5) == 0.5


def test_what_is_told_to_wait_is_enough_to_wait() -> None:
    bucket = Bucket(1, per_second=0.3, now=0.0)
    bucket.take()
    now = 0.0
    for _ in range(100):
        now += bucket.wait(now)
        assert bucket.wait(now) < 1e-9
        bucket.take()


def test_a_bucket_does_not_overflow() -> None:
    bucket = Bucket(2, per_second=1, now=0.0)
    assert bucket.is_full(0.0)
    bucket.take()
    assert not bucket.is_full(0.5)
    bucket.give_back()
    bucket.give_back()
    assert bucket.is_full(0.5)
    for _ in range(2):
        assert bucket.wait(1000.0) == 0
        bucket.take()

    assert bucket.wait(1000.0) == 1.0


def test_commands_that_run_are_bounded() -> None:
    meter = Meter("token", running=2)
    meter.started = 1
    meter.check_start(0.0, is_call=False)
    meter.started = 2

    with pytest.raises(TooManyRequests) as caught:
        meter.check_start(0.0, is_call=False)

    assert caught.value.data == {"retry_after": BUSY_FOR, "limit": "token.running"}


def test_calls_are_bounded_and_other_commands_are_not_by_that() -> None:
    meter = Meter("address", calls=Bucket(1, per_second=1 / 60, now=0.0))
    meter.check_start(0.0, is_call=True)
    assert meter.calls is not None
    meter.calls.take()
    meter.check_start(0.0, is_call=False)

    with pytest.raises(TooManyRequests) as caught:
        meter.check_start(15.0, is_call=True)

    assert caught.value.limit == "address.calls_per_minute"
    assert caught.value.retry_after == pytest.approx(45.0)


def test_what_is_not_bounded_is_not_counted_against_anybody() -> None:
    meter = Meter("token")
    meter.started = 10**6

    meter.check_start(0.0, is_call=True)
