import socket

from call_api.backends.opensips.examination import examine_proxies
from call_api.config import Config, Events, Mi, Sip


def port_of_nobody() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def settings(*ports: int, events: str = "udp") -> Config:
    return Config(
        mi=Mi(url=tuple(f"127.0.0.1:{port}" for port in ports), reply_within=0.2),
        sip=Sip(uri=tuple("sip:127.0.0.1:5060" for _ in ports)),
        events=Events(url=events),
    )


async def test_every_proxy_is_examined_also_if_one_is_not_there() -> None:
    ports = [port_of_nobody(), port_of_nobody()]

    findings = await examine_proxies(settings(*ports))

    assert [finding.proxy for finding in findings] == [f"127.0.0.1:{port}" for port in ports]
    assert {(finding.check, finding.state) for finding in findings} == {("reachable", "wrong")}


async def test_a_proxy_that_cannot_be_reached_at_all_is_told_as_such() -> None:
    config = Config(mi=Mi(url="unix:/nowhere/at/all.sock", reply_within=0.2))

    (finding,) = await examine_proxies(config)

    assert (finding.check, finding.state) == ("reachable", "wrong")
    assert finding.remedy


async def test_a_daemon_that_has_the_port_for_events_does_no_harm() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        url = f"udp:127.0.0.1:{daemon.getsockname()[1]}"

        findings = await examine_proxies(settings(port_of_nobody(), events=url))

    assert len(findings) == 1
