import pytest

from call_cmd.names import PhoneBook

BOOK = PhoneBook("localhost", {"boss": "sip:1001@pbx.example", "carol": "carla", "nurse": "n@ward"})


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("alice", "sip:alice@localhost"),
        ("+15550100", "sip:+15550100@localhost"),
        ("alice@10.0.0.1:5070", "sip:alice@10.0.0.1:5070"),
        ("sip:alice@h", "sip:alice@h"),
        ("SIPS:alice@h", "SIPS:alice@h"),
        ("tel:+15550100", "tel:+15550100"),
        ("sip:10.0.0.1", "sip:10.0.0.1"),
        ("boss", "sip:1001@pbx.example"),
        ("carol", "sip:carla@localhost"),
        ("nurse", "sip:n@ward"),
    ],
)
def test_a_name_becomes_a_uri(name: str, uri: str) -> None:
    assert BOOK.uri(name) == uri


@pytest.mark.parametrize("domain", ["::1", "[::1]"])
def test_a_domain_may_be_an_ipv6_address(domain: str) -> None:
    assert PhoneBook(domain, {}).uri("alice") == "sip:alice@[::1]"


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("sip:alice@localhost", "alice"),
        ("sip:1001@pbx.example", "boss"),
        ("sip:carla@localhost", "carol"),
        ("sip:alice@elsewhere", "alice@elsewhere"),
        ("sip:alice@localhost;transport=tcp", "alice@localhost;transport=tcp"),
        ("sips:alice@localhost", "sips:alice@localhost"),
        ("sip:a:secret@h", "sip:a:secret@h"),
        ("sip:carol@localhost", "carol@localhost"),
        ("", ""),
        ("anonymous", "anonymous"),
    ],
)
def test_a_uri_is_shown_as_briefly_as_it_can_be_typed(uri: str, name: str) -> None:
    assert BOOK.name(uri) == name


@pytest.mark.parametrize("uri", ["sip:alice@localhost", "sip:carol@localhost", "sip:x@y", "sip:h"])
def test_what_is_shown_can_be_typed(uri: str) -> None:
    assert BOOK.uri(BOOK.name(uri)) == uri
