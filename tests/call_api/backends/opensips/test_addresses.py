import pytest

from call_api.backends.opensips.addresses import (
    BadAddress,
    EventsAddress,
    MiAddress,
    is_address,
    parse_events_url,
    parse_mi_url,
)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "127.0.0.1:8080",
            MiAddress(kind="udp", name="127.0.0.1:8080", host="127.0.0.1", port=8080),
        ),
        (
            "udp:sip.example:8080",
            MiAddress(kind="udp", name="sip.example:8080", host="sip.example", port=8080),
        ),
        ("[::1]:8080", MiAddress(kind="udp", name="[::1]:8080", host="::1", port=8080)),
        (
            "unix:/run/opensips/mi.sock",
            MiAddress(kind="unix", name="/run/opensips/mi.sock", path="/run/opensips/mi.sock"),
        ),
        (
            "http://127.0.0.1:8888/mi",
            MiAddress(
                kind="http",
                name="http://127.0.0.1:8888/mi",
                host="127.0.0.1",
                port=8888,
                path="/mi",
            ),
        ),
        (
            "http://proxy",
            MiAddress(kind="http", name="http://proxy", host="proxy", port=80, path="/mi"),
        ),
    ],
)
def test_the_form_of_an_mi_address_says_how_to_reach_the_proxy(
    url: str, expected: MiAddress
) -> None:
    assert parse_mi_url(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1",
        "host:0",
        "host:65536",
        "unix:relative",
        "tcp:host:1",
        "https://host/mi",
        "http://",
        "http://user@host/mi",
        "http://host:x/mi",
        "http://[::1]/mi x",
    ],
)
def test_what_is_no_mi_address_is_said_so(url: str) -> None:
    with pytest.raises(BadAddress, match=r"mi\.url: expected"):
        parse_mi_url(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("udp", EventsAddress(kind="udp")),
        ("udp:10.0.0.5:9999", EventsAddress(kind="udp", host="10.0.0.5", port=9999)),
        ("udp:127.0.0.1:0", EventsAddress(kind="udp", host="127.0.0.1")),
        ("tcp:[::1]:9999", EventsAddress(kind="tcp", host="::1", port=9999)),
    ],
)
def test_events_come_by_udp_or_tcp(url: str, expected: EventsAddress) -> None:
    assert parse_events_url(url) == expected


@pytest.mark.parametrize("url", ["", "tcp", "sctp:host:1", "udp:host", "udp:host:99999"])
def test_what_is_no_events_address_is_said_so(url: str) -> None:
    with pytest.raises(BadAddress, match=r"events\.url: expected"):
        parse_events_url(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("udp", "udp:127.0.0.7:1234"),
        ("udp:0.0.0.0:0", "udp:127.0.0.7:1234"),
        ("udp:10.0.0.5:9999", "udp:10.0.0.5:1234"),
        ("tcp:[2001:db8::5]:9999", "tcp:[2001:db8::5]:1234"),
    ],
)
def test_the_proxy_is_told_an_address_by_which_it_reaches_us(url: str, expected: str) -> None:
    assert parse_events_url(url).socket("127.0.0.7", 1234) == expected


def test_an_address_is_told_from_a_name() -> None:
    assert is_address("127.0.0.1")
    assert is_address("::1")
    assert not is_address("localhost")
    assert not is_address("")
