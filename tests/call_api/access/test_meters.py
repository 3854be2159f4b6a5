import pytest

from call_api.access.meters import BUSY_FOR, Bucket, Meter, Meters, network_of
from call_api.config_access import Quota
from call_api.errors import TooManyRequests


def test_a_bucket_lets_a_burst_through_and_then_a_steady_rate() -> None:
    bucket = Bucket(3, per_second=2, now=100.0)
    waits = []
    for _ in range(4):
        waits.append(bucket.take(100.0))

    assert waits == [0, 0, 0, 0.5]
    assert bucket.wait(100.25) == 0.25
    assert bucket.wait(100.5) == 0
    assert bucket.take(100.5) == 0
    assert bucket.wait(100.5) == bucket.take(100.5) == 0.5


def test_what_is_told_to_wait_is_enough_to_wait() -> None:
    bucket = Bucket(1, per_second=0.3, now=0.0)
    bucket.take(0.0)
    now = 0.0
    for _ in range(100):
        now += bucket.wait(now) + 1e-9
        assert bucket.take(now) == 0


def test_a_bucket_does_not_overflow() -> None:
    bucket = Bucket(2, per_second=1, now=0.0)
    assert bucket.is_full(0.0)
    bucket.take(0.0)
    assert not bucket.is_full(0.5)
    bucket.give_back()
    bucket.give_back()
    assert bucket.is_full(0.5)
    for _ in range(2):
        assert bucket.take(1000.0) == 0

    assert bucket.wait(1000.0) == 1.0


def test_connections_are_bounded() -> None:
    meter = Meter("token", Quota(connections=2), 0.0)
    meter.connected = 1
    meter.check_connection()
    meter.connected = 2

    with pytest.raises(TooManyRequests) as caught:
        meter.check_connection()

    assert caught.value.data == {"retry_after": BUSY_FOR, "limit": "token.connections"}


def test_commands_that_run_are_bounded() -> None:
    meter = Meter("token", Quota(running=2), 0.0)
    meter.started = 1
    meter.begin(0.0, is_call=False)
    assert meter.started == 2

    with pytest.raises(TooManyRequests) as caught:
        meter.begin(0.0, is_call=False)

    meter.end(is_call=False)
    meter.begin(0.0, is_call=False)

    assert caught.value.data == {"retry_after": BUSY_FOR, "limit": "token.running"}


def test_calls_are_bounded_and_other_commands_are_not_by_that() -> None:
    meter = Meter("address", Quota(calls_per_minute=2), 0.0)
    for _ in range(2):
        meter.begin(0.0, is_call=True)
        meter.end(is_call=False)
    meter.begin(0.0, is_call=False)

    with pytest.raises(TooManyRequests) as caught:
        meter.begin(15.0, is_call=True)

    assert caught.value.limit == "address.calls_per_minute"
    assert caught.value.retry_after == pytest.approx(15.0)


def test_what_is_not_bounded_is_not_counted_against_anybody() -> None:
    meter = Meter("token", Quota(), 0.0)
    meter.started = meter.connected = 10**6

    meter.begin(0.0, is_call=True)
    meter.end(is_call=True)
    meter.check_connection()
    assert (meter.requests, meter.calls) == (None, None)


def test_twice_the_rate_may_come_at_once() -> None:
    meter = Meter("token", Quota(per_second=5), 0.0)
    assert meter.requests is not None
    for _ in range(10):
        assert meter.requests.take(0.0) == 0

    assert meter.requests.wait(0.0) == pytest.approx(0.2)


def test_each_token_has_its_own_meter_for_as_long_as_it_counts_something() -> None:
    meters = Meters("token", Quota(per_second=5, calls_per_minute=60))
    desk = meters.of("desk", 0.0)
    desk.connected = 1
    assert meters.of("desk", 0.0) is desk
    assert meters.of("shop", 0.0) is not desk

    meters.sweep(0.0)
    assert meters.of("desk", 0.0) is desk
    assert len(meters) == 1
    desk.connected = 0
    assert desk.requests is not None
    desk.requests.take(0.0)
    meters.sweep(0.1)
    assert meters.of("desk", 0.1) is desk, "who goes and comes back has as much left as before"
    meters.sweep(0.3)
    assert len(meters) == 0


def test_limits_change_for_those_who_are_there() -> None:
    meters = Meters("token", Quota())
    desk = meters.of("desk", 0.0)
    desk.connected = 3

    meters.adapt(Quota(connections=2), 0.0)
    with pytest.raises(TooManyRequests):
        desk.check_connection()
    assert meters.of("shop", 0.0).requests is None
    meters.adapt(Quota(per_second=1), 0.0)
    assert desk.requests is not None
    desk.requests.take(0.0)
    meters.adapt(Quota(per_second=1), 0.0)
    assert not desk.requests.is_full(0.0), "the same limits give nothing back"


def test_the_table_is_bounded_and_who_is_there_stays_in_it() -> None:
    meters = Meters("address", Quota(per_second=1), most=3)
    there = meters.of("0", 0.0)
    there.started = 1
    for number in range(1, 1000):
        bucket = meters.of(str(number), 0.0).requests
        assert bucket is not None
        bucket.take(0.0)

    assert len(meters) == 3
    assert meters.of("0", 0.0) is there


def test_a_table_full_of_those_who_are_there_grows() -> None:
    meters = Meters("address", Quota(), most=1)
    meters.of("0", 0.0).connected = 1
    meters.of("1", 0.0).connected = 1

    assert len(meters) == 2


@pytest.mark.parametrize(
    ("address", "network", "is_own"),
    [
        ("10.1.2.3", "10.1.2.3", False),
        ("127.0.0.2", "127.0.0.2", True),
        ("::1", "::/64", True),
        ("::ffff:10.1.2.3", "10.1.2.3", False),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", False),
        ("fe80::1%eth0", "fe80::/64", False),
        ("?", "?", False),
    ],
)
def test_an_address_is_counted_as_what_one_user_has(
    address: str, network: str, is_own: bool
) -> None:
    assert network_of(address) == (network, is_own)
