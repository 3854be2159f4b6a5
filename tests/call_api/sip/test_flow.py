from call_api.sip.flow import Address, Flow, contact_uri, host_port
from tests.fakes.lossy_link import LossyLink
from tests.fakes.manual_clock import ManualClock


def flows(names: tuple[str, str] = ("192.0.2.1", "192.0.2.2")) -> tuple[Flow, Flow]:
    link = LossyLink(ManualClock())
    return link.connect(names)[0], link.connect(names, "TCP")[0]


def test_an_ipv6_address_stands_in_brackets() -> None:
    four: Address = ("192.0.2.1", 5060)
    six: Address = ("2001:db8::1", 5060)

    assert host_port(four) == "192.0.2.1:5060"
    assert host_port(six) == "[2001:db8::1]:5060"


def test_a_contact_says_where_we_are_and_over_tcp_says_so() -> None:
    udp, tcp = flows()

    assert contact_uri(udp, "alice") == "sip:alice@192.0.2.1:5060"
    assert contact_uri(tcp, "alice") == "sip:alice@192.0.2.1:5060;transport=tcp"


def test_a_contact_may_name_nobody() -> None:
    udp, tcp = flows(("2001:db8::1", "2001:db8::2"))

    assert contact_uri(udp) == "sip:[2001:db8::1]:5060"
    assert contact_uri(tcp) == "sip:[2001:db8::1]:5060;transport=tcp"
