import pytest

from call_api.sip.header_names import KNOWN, LISTS, canonical_name


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("Call-ID", "Call-ID"),
        ("call-id", "Call-ID"),
        ("CALL-ID", "Call-ID"),
        ("i", "Call-ID"),
        ("I", "Call-ID"),
        ("cseq", "CSeq"),
        ("www-AUTHENTICATE", "WWW-Authenticate"),
        ("x-my-header", "X-My-Header"),
        ("X-MY-HEADER", "X-My-Header"),
        ("q", "Q"),
        ("", ""),
    ],
)
def test_every_spelling_has_one_name(name: str, canonical: str) -> None:
    assert canonical_name(name) == canonical


def test_the_quick_table_says_the_same_as_the_function() -> None:
    assert {name: canonical_name(name) for name in KNOWN} == KNOWN


def test_what_holds_commas_of_its_own_is_no_list() -> None:
    assert not LISTS & {"Date", "WWW-Authenticate", "Authorization", "Subject", "To", "From"}
