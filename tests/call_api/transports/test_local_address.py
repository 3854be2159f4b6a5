from call_api.transports import local_address
from call_api.transports.local_address import LocalAddress


def test_a_bound_address_is_the_one_that_every_peer_reaches() -> None:
    local = LocalAddress("192.0.2.1", 5060)

    assert local.toward("127.0.0.1") == ("192.0.2.1", 5060)
    assert local.toward("203.0.113.9") == ("192.0.2.1", 5060)


def test_for_all_addresses_the_routing_table_decides() -> None:
    assert LocalAddress("0.0.0.0", 5060).toward("127.0.0.9")[1] == 5060
    assert LocalAddress("0.0.0.0", 5060).toward("127.0.0.9")[0].startswith("127.")
    assert LocalAddress("::", 5060).toward("::1") == ("::1", 5060)


def test_a_peer_without_a_route_gets_the_address_that_was_bound() -> None:
    assert LocalAddress("::", 5060).toward("fe80::1%nowhere") == ("::", 5060)


def test_only_so_many_peers_are_remembered() -> None:
    local = LocalAddress("0.0.0.0", 5060)

    for number in range(local_address.MAX_REMEMBERED + 10):
        local.toward(f"127.0.{number // 250}.{number % 250 + 1}")

    assert len(local) == local_address.MAX_REMEMBERED
