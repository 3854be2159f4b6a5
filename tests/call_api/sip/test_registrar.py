import pytest

from call_api.sip.message import Request
from call_api.sip.parser import parse_message
from call_api.sip.registrar import Binding, Registered, Registrar
from call_api.sip.uri import Uri
from tests.fakes.torture_messages import request

PHONE = "<sip:alice@192.0.2.1:5070>"
TABLET = "<sip:alice@192.0.2.2:5071;transport=tcp>"


def register(
    *contacts: str,
    expires: str | None = None,
    cseq: int = 1,
    callid: str = "c1",
    to: str = "sip:alice@example.com",
) -> Request:
    lines = [f"Contact: {contact}" for contact in contacts]
    lines += [f"To: <{to}>", f"Call-ID: {callid}", f"CSeq: {cseq} REGISTER"]
    if expires is not None:
        lines.append(f"Expires: {expires}")
    parsed = parse_message(request("REGISTER sip:example.com SIP/2.0", *lines))
    assert isinstance(parsed, Request)
    return parsed


def make_registrar(max_per_user: int = 10, max_bindings: int = 100) -> Registrar:
    return Registrar(
        ["Example.com", "[::1]"],
        min_expires=60,
        max_expires=600,
        max_per_user=max_per_user,
        max_bindings=max_bindings,
    )


def listed(answer: Registered) -> list[str]:
    assert answer.status == 200
    return [value for name, value in answer.headers if name == "Contact"]


def uris(bindings: list[Binding]) -> list[str]:
    return [str(binding.uri) for binding in bindings]


@pytest.mark.parametrize(
    ("uri", "user"),
    [
        ("sip:alice@example.com", "alice"),
        ("sip:%61lice@EXAMPLE.com:5080;x", "alice"),
        ("sips:alice@example.com", None),
        ("sip:alice@[0:0::1]", "alice"),
        ("sip:alice@elsewhere.com", None),
        ("sip:example.com", None),
        ("tel:+1", None),
    ],
)
def test_a_user_is_named_by_a_uri_in_one_of_the_domains(uri: str, user: str | None) -> None:
    assert make_registrar().user_of(Uri.parse(uri)) == user
    assert make_registrar().serves(Uri.parse("sip:example.com"))


def test_a_user_of_another_domain_is_not_found() -> None:
    answer = make_registrar().register(register(PHONE, to="sip:alice@elsewhere.com"), "f", now=0.0)

    assert (answer.status, answer.bound) == (404, ())


# Adding, refreshing, removing.


def test_a_binding_keeps_where_it_came_from() -> None:
    registrar = make_registrar()

    answer = registrar.register(register(f'"Al" {PHONE};q=0.5;x="y"', cseq=7), "flow", now=100.0)

    [binding] = registrar.contacts("alice")
    assert (binding.user, str(binding.uri)) == ("alice", "sip:alice@192.0.2.1:5070")
    assert (binding.q, binding.flow, binding.expires_at) == (0.5, "flow", 700.0)
    assert (binding.callid, binding.cseq) == ("c1", 7)
    assert listed(answer) == [f'{PHONE};q=0.5;x="y";expires=600']
    assert (list(answer.bound), list(answer.unbound)) == ([binding], [])


def test_the_answer_lists_all_bindings_with_the_time_they_have_left() -> None:
    registrar = make_registrar()
    registrar.register(register(PHONE, expires="300"), "f1", now=0.0)

    answer = registrar.register(register(TABLET, expires="300", callid="c2"), "f2", now=100.5)

    assert listed(answer) == [f"{PHONE};expires=200", f"{TABLET};expires=300"]
    assert uris(list(answer.bound)) == ["sip:alice@192.0.2.2:5071;transport=tcp"]


def test_a_register_without_contact_asks_only() -> None:
    registrar = make_registrar()
    registrar.register(register(PHONE), "f", now=0.0)

    answer = registrar.register(register(cseq=1), "f", now=1.0)

    assert listed(answer) == [f"{PHONE};expires=599"]
    assert (list(answer.bound), list(answer.unbound)) == ([], [])


def test_contacts_are_ordered_by_preference() -> None:
    registrar = make_registrar()
    registrar.register(
        register("<sip:a@h1>;q=0.1, <sip:a@h2>, <sip:a@h3>;q=0.7", "<sip:a@h4>;q=0"), "f", now=0.0
    )

    assert uris(registrar.contacts("alice")) == ["sip:a@h2", "sip:a@h3", "sip:a@h1", "sip:a@h4"]
    assert registrar.contacts("bob") == []


def test_a_refresh_replaces_what_means_the_same() -> None:
    registrar = make_registrar()
    registrar.register(register("<sip:al%69ce@HOST;ob>"), "f1", now=0.0)

    answer = registrar.register(register("<sip:alice@host>", cseq=2), "f2", now=100.0)

    [binding] = registrar.contacts("alice")
    assert (binding.flow, binding.expires_at) == ("f2", 700.0)
    assert (answer.bound, answer.unbound) == ([binding], [])


@pytest.mark.parametrize(
    ("contact", "expires", "granted"),
    [
        (PHONE, None, 600),
        (PHONE, "120", 120),
        (f"{PHONE};expires=90", "120", 90),
        (f"{PHONE};expires", "120", 120),
        (f"{PHONE};expires=soon", "120", 600),
        (PHONE, "soon", 600),
        (PHONE, "", 600),
        (PHONE, "4294967296", 600),
        (PHONE, "9" * 5000, 600),
        (f"{PHONE};expires=280297596632815", "0", 600),
        (PHONE, "60", 60),
    ],
)
def test_the_interval_is_the_contacts_or_the_headers_or_the_usual_one(
    contact: str, expires: str | None, granted: int
) -> None:
    answer = make_registrar().register(register(contact, expires=expires), "f", now=0.0)

    assert listed(answer) == [f"{PHONE};expires={granted}"]


@pytest.mark.parametrize("contact", [f"{PHONE};expires=59", PHONE])
def test_a_too_short_interval_is_refused_with_the_shortest(contact: str) -> None:
    registrar = make_registrar()

    answer = registrar.register(register(TABLET, contact, expires="59"), "f", now=0.0)

    assert (answer.status, answer.headers) == (423, [("Min-Expires", "60")])
    assert registrar.contacts("alice") == []


def test_an_hour_is_never_too_short() -> None:
    """RFC 3261, section 10.3, step 7."""
    registrar = Registrar(["example.com"], min_expires=7200, max_expires=9000)

    assert registrar.register(register(PHONE, expires="3600"), "f", now=0.0).status == 200
    assert registrar.register(register(PHONE, expires="3599", cseq=2), "f", now=0.0).status == 423


def test_zero_removes_one_binding() -> None:
    registrar = make_registrar()
    registrar.register(register(PHONE, TABLET), "f", now=0.0)

    answer = registrar.register(register(f"{PHONE};expires=0", cseq=2), "f", now=1.0)

    assert listed(answer) == [f"{TABLET};expires=599"]
    assert uris(list(answer.unbound)) == ["sip:alice@192.0.2.1:5070"]


def test_one_register_may_name_a_contact_twice() -> None:
    answer = make_registrar().register(register(f"{PHONE};expires=0", PHONE, PHONE), "f", now=0.0)

    assert listed(answer) == [f"{PHONE};expires=600"]


def test_a_star_removes_all_bindings_of_the_user() -> None:
    registrar = make_registrar()
    registrar.register(register(PHONE, TABLET), "f", now=0.0)
    registrar.register(register("<sip:bob@h>", to="sip:bob@example.com"), "f", now=0.0)

    answer = registrar.register(register("*", expires="0", cseq=2), "f", now=1.0)

    assert listed(answer) == []
    assert len(answer.unbound) == 2
    assert (registrar.contacts("alice"), len(registrar.contacts("bob"))) == ([], 1)


@pytest.mark.parametrize(
    ("contacts", "expires"), [(["*"], None), (["*"], "60"), (["*"], "x"), (["*", PHONE], "0")]
)
def test_a_star_that_is_not_meant_so_is_refused(contacts: list[str], expires: str | None) -> None:
    registrar = make_registrar()
    registrar.register(register(PHONE), "f", now=0.0)

    answer = registrar.register(register(*contacts, expires=expires, cseq=2), "f", now=1.0)

    assert answer.status == 400
    assert len(registrar.contacts("alice")) == 1


@pytest.mark.parametrize("contact", [PHONE, f"{PHONE};expires=0", "*"])
@pytest.mark.parametrize("cseq", [4, 5])
def test_an_older_register_changes_nothing(contact: str, cseq: int) -> None:
    registrar = make_registrar()
    registrar.register(register(PHONE, TABLET, cseq=5), "f", now=0.0)
    before = registrar.contacts("alice")

    answer = registrar.register(register(contact, expires="0", cseq=cseq), "late", now=1.0)

    assert answer.status == 400
    assert registrar.contacts("alice") == before


def test_a_restarted_phone_counts_anew_under_another_call_id() -> None:
    registrar = make_registrar()
    registrar.register(register(PHONE, cseq=5), "f", now=0.0)

    assert listed(registrar.register(register(PHONE, cseq=1, callid="c2"), "f", now=1.0))


@pytest.mark.parametrize(
    "contact",
    ["<tel:+1>", f"{PHONE};q=2", f"{PHONE};q", f"{PHONE};q=0.1234", f"{PHONE};x={'y' * 1024}"],
)
def test_a_contact_that_cannot_be_used_is_refused_with_all_others(contact: str) -> None:
    registrar = make_registrar()

    assert registrar.register(register(TABLET, contact), "f", now=0.0).status == 400
    assert registrar.contacts("alice") == []


def test_headers_in_a_contact_are_left_out_of_the_request_uri() -> None:
    registrar = make_registrar()
    registrar.register(register("<sip:alice@h?Subject=x>"), "f", now=0.0)

    assert uris(registrar.contacts("alice")) == ["sip:alice@h"]


# Bounds.


def test_a_user_has_not_more_bindings_than_allowed() -> None:
    registrar = make_registrar(max_per_user=2)
    registrar.register(register("<sip:a@h1>", "<sip:a@h2>"), "f", now=0.0)

    more = registrar.register(register("<sip:a@h3>", cseq=2), "f", now=1.0)
    instead = registrar.register(register("<sip:a@h3>, <sip:a@h1>;expires=0", cseq=3), "f", now=1.0)

    assert (more.status, more.headers) == (503, [("Retry-After", "599")])
    assert instead.status == 200
    assert uris(registrar.contacts("alice")) == ["sip:a@h2", "sip:a@h3"]


def test_there_are_not_more_bindings_than_allowed() -> None:
    registrar = make_registrar(max_bindings=1)
    registrar.register(register(PHONE), "f", now=0.0)
    bob = register("<sip:bob@h>", to="sip:bob@example.com")

    full = registrar.register(bob, "f", now=1.0)
    refreshed = registrar.register(register(PHONE, cseq=2), "f", now=1.0)
    registrar.register(register("*", expires="0", cseq=3), "f", now=2.0)

    assert (full.status, full.headers) == (503, [("Retry-After", "60")])
    assert refreshed.status == 200
    assert registrar.register(bob, "f", now=3.0).status == 200


# Time and flows.


def test_bindings_end_when_their_time_is_over() -> None:
    registrar = make_registrar()
    assert registrar.next_timer() is None
    registrar.register(register(PHONE, expires="100"), "f", now=0.0)
    registrar.register(register(TABLET, expires="200", callid="c2"), "f", now=0.0)

    assert registrar.next_timer() == 100.0
    assert registrar.handle_timer(now=99.9) == []
    assert uris(registrar.handle_timer(now=100.0)) == ["sip:alice@192.0.2.1:5070"]
    assert registrar.next_timer() == 200.0
    assert uris(registrar.handle_timer(now=500.0)) == ["sip:alice@192.0.2.2:5071;transport=tcp"]
    assert registrar.contacts("alice") == []
    assert registrar.next_timer() is None


def test_a_refresh_moves_the_end() -> None:
    registrar = make_registrar()
    registrar.register(register(PHONE, expires="100"), "f", now=0.0)
    registrar.register(register(PHONE, expires="100", cseq=2), "f", now=50.0)

    assert (registrar.handle_timer(now=100.0), registrar.next_timer()) == ([], 150.0)
    assert len(registrar.handle_timer(now=150.0)) == 1


def test_what_has_ended_counts_no_more_even_before_the_timer_is_handled() -> None:
    registrar = make_registrar()
    registrar.register(register(PHONE, expires="100", cseq=5), "f", now=0.0)

    answer = registrar.register(register(TABLET, cseq=1), "f", now=100.0)

    assert listed(answer) == [f"{TABLET};expires=600"]
    assert uris(list(answer.unbound)) == ["sip:alice@192.0.2.1:5070"]


def test_the_bindings_of_a_lost_flow_go_with_it() -> None:
    registrar = make_registrar()
    registrar.register(register(PHONE), "f1", now=0.0)
    registrar.register(register(TABLET, callid="c2"), "f2", now=0.0)
    registrar.register(register("<sip:bob@h>", to="sip:bob@example.com"), "f1", now=0.0)

    lost = registrar.lose_flow("f1")

    assert sorted(binding.user for binding in lost) == ["alice", "bob"]
    assert uris(registrar.contacts("alice")) == ["sip:alice@192.0.2.2:5071;transport=tcp"]
    assert registrar.contacts("bob") == []
    assert registrar.lose_flow("f1") == []
    assert registrar.lose_flow("never seen") == []


def test_a_flow_that_a_phone_has_left_takes_nothing_with_it() -> None:
    registrar = make_registrar()
    registrar.register(register(PHONE, cseq=1), "f1", now=0.0)
    registrar.register(register(PHONE, cseq=2), "f2", now=1.0)

    assert registrar.lose_flow("f1") == []
    assert len(registrar.contacts("alice")) == 1


def test_a_phone_that_refreshes_all_the_time_leaves_no_heap_of_timers() -> None:
    registrar = make_registrar()
    for cseq in range(1000):
        registrar.register(register(PHONE, cseq=cseq), "f", now=float(cseq))

    timers = 0
    while (timer := registrar.next_timer()) is not None:
        timers += 1
        registrar.handle_timer(timer)
    assert timers < 200
