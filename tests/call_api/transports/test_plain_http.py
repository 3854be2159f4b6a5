from http import HTTPStatus

import pytest

from call_api.transports.plain_http import MAX_REQUEST, RequestHead, answer, too_long


def test_a_page_closes_the_connection_and_is_not_kept() -> None:
    response = answer(HTTPStatus.NOT_FOUND, "no")

    assert response.headers["Connection"] == "close"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Length"] == "3"


def test_a_request_that_is_too_long_is_told_how_long_one_may_be() -> None:
    response = too_long()

    assert (response.status_code, response.body) == (
        431,
        f"more than {MAX_REQUEST} bytes\n".encode(),
    )


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_a_request_ends_at_its_empty_line_however_it_is_cut(size: int) -> None:
    head, whole = RequestHead(), b"GET / HTTP/1.1\r\nA: b\r\n\r\nrest"
    request = rest = b""

    for start in range(0, len(whole), size):
        more, rest = head.split(whole[start : start + size])
        request += more
        if request.endswith(b"\r\n\r\n"):
            break

    assert request == b"GET / HTTP/1.1\r\nA: b\r\n\r\n"
    assert whole.startswith(request + rest)
    assert head.size_bytes == len(request)
