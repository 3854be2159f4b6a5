import pytest

from call_api.config_types import is_loopback


@pytest.mark.parametrize(
    ("host", "yes"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.1", False),
        ("example.com", False),
    ],
)
def test_loopback_is_told_from_the_rest_of_the_world(host: str, yes: bool) -> None:
    assert is_loopback(host) is yes
