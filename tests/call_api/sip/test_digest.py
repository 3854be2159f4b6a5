import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_api.sip.digest import (
    BadDigest,
    Challenge,
    DigestClient,
    DigestServer,
    Verdict,
    digest_response,
    digest_secret,
    parse_digest,
)

URI = "sip:example.com"
USERS = {"alice": "secret", 'j\u00f6rg "j"': "p\u00e4ss:word"}
REFUSED = Verdict("refused")
GUESSED = Verdict("refused", is_guess=True)
ALICE = Verdict("ok", "alice")
STALE = Verdict("stale")


def make_server(max_nonces: int = 100) -> DigestServer:
    return DigestServer("sip.example", USERS, b"k" * 32, nonce_for=300.0, max_nonces=max_nonces)


def cnonces() -> Iterator[str]:
    return (f"cnonce{n}" for n in itertools.count())


def make_client(user: str = "alice", password: str = "secret") -> DigestClient:
    return DigestClient(user, password, cnonces().__next__)


def answer(client: DigestClient, challenges: list[str], uri: str = URI) -> str:
    assert client.accept(challenges)
    credentials = client.authorization("REGISTER", uri)
    assert credentials is not None
    return credentials


# The computation.


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_answer_is_that_of_the_rfcs_example(algorithm: str, response: str) -> None:
    """RFC 7616, section 3.9.1."""
    secret = digest_secret(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life")

    assert response == digest_response(
        algorithm,
        secret,
        method="GET",
        uri="/dir/index.html",
        nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        count="00000001",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )


def test_without_qop_the_answer_is_that_of_rfc_2069() -> None:
    """The example of RFC 2069, section 2.4, with the response that its errata give."""
    secret = digest_secret("MD5", "Mufasa", "testrealm@host.com", "CircleOfLife")

    response = digest_response(
        "MD5",
        secret,
        method="GET",
        uri="/dir/index.html",
        nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
        count="",
        cnonce="",
    )

    assert response == "1949323746fe6a43ef61f9606e7febea"


# The server.


def test_both_algorithms_are_offered_the_stronger_one_first() -> None:
    first, second = (Challenge.parse(text) for text in make_server().challenges(now=0.0))

    assert (first.algorithm, second.algorithm) == ("SHA-256", "MD5")
    assert first.realm == second.realm == "sip.example"
    assert first.nonce == second.nonce
    assert first.opaque == second.opaque
    assert first.offers_auth
    assert not first.stale


def test_a_new_nonce_may_be_offered_as_stale() -> None:
    assert all(Challenge.parse(c).stale for c in make_server().challenges(now=0.0, stale=True))


@pytest.mark.parametrize("algorithm", [0, 1])
@pytest.mark.parametrize("user", USERS)
def test_the_right_password_is_accepted(algorithm: int, user: str) -> None:
    server = make_server()
    credentials = answer(make_client(user, USERS[user]), [server.challenges(now=0.0)[algorithm]])

    assert server.verify("REGISTER", URI, [credentials], now=1.0) == Verdict("ok", user)


def test_an_unknown_user_is_refused_like_a_wrong_password() -> None:
    server = make_server()
    wrong = answer(make_client("alice", "wrong"), server.challenges(now=0.0))
    unknown = answer(make_client("mallory", "secret"), server.challenges(now=0.0))

    assert server.verify("REGISTER", URI, [wrong], now=1.0) == GUESSED
    assert server.verify("REGISTER", URI, [unknown], now=1.0) == GUESSED


def test_a_request_counts_once_and_the_next_one_counts_up() -> None:
    server, client = make_server(), make_client()
    first = answer(client, server.challenges(now=0.0))
    second = client.authorization("REGISTER", URI)
    assert second is not None

    assert server.verify("REGISTER", URI, [first], now=1.0) == ALICE
    assert server.verify("REGISTER", URI, [first], now=1.0) == STALE
    assert server.verify("REGISTER", URI, [second], now=1.0) == ALICE


def test_an_old_nonce_is_stale_and_says_nothing_about_the_password() -> None:
    server = make_server()
    right = answer(make_client(), server.challenges(now=0.0))
    wrong = answer(make_client("alice", "wrong"), server.challenges(now=0.0))

    assert server.verify("REGISTER", URI, [right], now=300.0) == STALE
    assert server.verify("REGISTER", URI, [wrong], now=300.0) == STALE
    assert server.verify("REGISTER", URI, [wrong], now=299.0) == GUESSED


def test_a_nonce_from_before_a_restart_is_stale() -> None:
    before = DigestServer("sip.example", USERS, b"old key")
    credentials = answer(make_client(), before.challenges(now=0.0))

    assert make_server().verify("REGISTER", URI, [credentials], now=1.0) == STALE


def test_credentials_are_for_one_method_and_one_uri() -> None:
    server = make_server()
    credentials = answer(make_client(), server.challenges(now=0.0))

    assert server.verify("INVITE", URI, [credentials], now=1.0) == GUESSED
    assert server.verify("REGISTER", "sip:other.example", [credentials], now=1.0) == REFUSED
    assert server.verify("REGISTER", "no uri", [credentials], now=1.0) == REFUSED
    assert server.verify("REGISTER", "sip:EXAMPLE.com", [credentials], now=1.0) == ALICE


def test_credentials_for_other_realms_are_passed_over() -> None:
    server = make_server()
    other = DigestServer("other", USERS, b"k" * 32)
    theirs = answer(make_client(), other.challenges(now=0.0))
    ours = answer(make_client(), server.challenges(now=0.0))

    assert server.verify("REGISTER", URI, ["Basic eA==", theirs, ours], now=1.0) == ALICE
    assert server.verify("REGISTER", URI, ["Basic eA==", theirs], now=1.0) == REFUSED
    assert server.verify("REGISTER", URI, [], now=1.0) == REFUSED


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        ("qop=auth", "qop=auth-int"),
        (", qop=auth", ""),
        ("nc=00000001", "nc=1"),
        (", nc=00000001", ""),
        ("nc=00000001", "nc=00000002"),
        ("algorithm=SHA-256", "algorithm=SHA-1"),
        ("algorithm=SHA-256", "algorithm=MD5"),
        ("cnonce=", "cnoncf="),
        ("username=", "user="),
        ('response="', 'response="\u00e4'),
        ('uri="', 'uri="x'),
        ('nonce="', 'nonce="x'),
    ],
)
def test_credentials_that_were_changed_are_refused(part: str, changed: str) -> None:
    server = make_server()
    credentials = answer(make_client(), server.challenges(now=0.0))
    assert part in credentials

    verdict = server.verify("REGISTER", URI, [credentials.replace(part, changed)], now=1.0)

    assert (verdict.outcome, verdict.user) == ("stale" if part == 'nonce="' else "refused", None)


def test_upper_case_hexadecimals_and_names_are_accepted() -> None:
    server = make_server()
    given_ = parse_digest(answer(make_client(), server.challenges(now=0.0)))
    given_["response"] = given_["response"].upper()
    pairs = ",".join(f'{name.upper()}="{value}"' for name, value in given_.items())

    assert server.verify("REGISTER", URI, [f"DIGEST {pairs}"], now=1.0) == ALICE


# The client.


def test_before_a_challenge_there_is_nothing_to_send() -> None:
    assert make_client().authorization("REGISTER", URI) is None


def test_the_strongest_challenge_is_answered() -> None:
    weak, strong = 'Digest realm="r", nonce="n"', 'Digest realm="r", nonce="n", algorithm=sha-256'
    unknown = 'Digest realm="r", nonce="n", algorithm=SHA-512-256'

    for challenges in ([weak, strong], [strong, weak], [unknown, weak, strong, "Basic x"]):
        assert parse_digest(answer(make_client(), challenges))["algorithm"] == "SHA-256"
    assert parse_digest(answer(make_client(), [weak, unknown]))["algorithm"] == "MD5"


@pytest.mark.parametrize(
    "challenges",
    [
        [],
        ["Basic realm=x"],
        ['Digest realm="r"'],
        ['Digest nonce="n"'],
        ['Digest realm="r", nonce="n", algorithm=MD5-sess'],
        ['Digest realm="r", nonce="n", qop="auth-int"'],
    ],
)
def test_a_challenge_that_cannot_be_answered_is_not(challenges: list[str]) -> None:
    assert not make_client().accept(challenges)


def test_the_credentials_have_what_the_server_asked_for() -> None:
    client = make_client()
    pairs = parse_digest(
        answer(client, ['Digest realm="a \\"b\\"",nonce="n",opaque="o",qop="auth-int, auth"'])
    )

    assert pairs == {
        "username": "alice",
        "realm": 'a "b"',
        "nonce": "n",
        "uri": URI,
        "response": pairs["response"],
        "algorithm": "MD5",
        "opaque": "o",
        "qop": "auth",
        "nc": "00000001",
        "cnonce": "cnonce0",
    }
    again = parse_digest(client.authorization("REGISTER", URI) or "")
    assert (again["nc"], again["cnonce"]) == ("00000002", "cnonce1")


def test_a_server_without_qop_gets_neither_count_nor_cnonce() -> None:
    pairs = parse_digest(answer(make_client(), ['Digest realm="r", nonce="n"']))

    assert not pairs.keys() & {"qop", "nc", "cnonce", "opaque"}


def test_a_wrong_password_is_not_tried_twice() -> None:
    server, client = make_server(), make_client("alice", "wrong")
    answer(client, server.challenges(now=0.0))

    assert not client.accept(server.challenges(now=1.0))


def test_a_stale_nonce_is_renewed_once_at_a_time() -> None:
    server, client = make_server(), make_client()
    answer(client, server.challenges(now=0.0))

    credentials = answer(client, server.challenges(now=1.0, stale=True))

    assert server.verify("REGISTER", URI, [credentials], now=1.0) == ALICE
    assert not client.accept(server.challenges(now=2.0, stale=True))


def test_a_nonce_that_was_good_before_is_renewed_without_being_called_stale() -> None:
    server, client = make_server(), make_client()
    answer(client, server.challenges(now=0.0))
    client.authorization("REGISTER", URI)

    credentials = answer(client, server.challenges(now=400.0))

    assert server.verify("REGISTER", URI, [credentials], now=400.0) == ALICE
    assert not client.accept(server.challenges(now=401.0))


# The grammar.


def test_a_challenge_is_read_as_it_was_written() -> None:
    for challenge in (
        Challenge("r", "n"),
        Challenge('a "b" \\', "n", "SHA-256", 'o"', stale=True),
        Challenge("r", "n", has_qop=False),
    ):
        assert Challenge.parse(str(challenge)) == challenge


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ('digest  a=b , C="d, e"', {"a": "b", "c": "d, e"}),
        ('Digest\ta="\\"x\\\\",,b=c'.replace(",,", ","), {"a": '"x\\', "b": "c"}),
        ("Digest uri=sip:x@y;z=1", {"uri": "sip:x@y;z=1"}),
    ],
)
def test_parameters_are_read_with_or_without_quotes(text: str, pairs: dict[str, str]) -> None:
    assert parse_digest(text) == pairs


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Digest",
        "Basic a=b",
        "Digestive a=b",
        "Digest a",
        "Digest a=",
        'Digest a="b',
        "Digest a=b c=d",
        "Digest a=b,",
        "Digest a=b, A=c",
    ],
)
def test_parameters_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(BadDigest) as caught:
        parse_digest(text)

    assert caught.value.problem


@given(st.one_of(st.text(), st.text('a=", \\\n').map(lambda text: f"Digest {text}")))
def test_any_text_is_credentials_or_is_refused(text: str) -> None:
    assert make_server().verify("REGISTER", URI, [text], now=1.0) == REFUSED
    assert not make_client().accept([text])
