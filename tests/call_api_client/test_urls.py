import pytest

from call_api_client.urls import dialect_of, with_dialect


@pytest.mark.parametrize(
    ("url", "dialect"),
    [
        ("ws://h:5059/call-api", None),
        ("ws://h:5059/call-api/v1", "v1"),
        ("ws://h:5059/call-api/v2/?a=/v1", "v2"),
        ("ws://h:5059/v3", None),
    ],
)
def test_the_last_part_of_the_path_names_the_dialect(url: str, dialect: str | None) -> None:
    assert dialect_of(url) == dialect


def test_a_dialect_is_asked_for_before_the_query() -> None:
    assert with_dialect("ws://h/call-api/?a=b", "v2") == "ws://h/call-api/v2?a=b"
