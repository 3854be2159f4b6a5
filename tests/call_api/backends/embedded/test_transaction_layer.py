import logging

import pytest

from call_api.backends.embedded.outgoing_request import OutgoingRequest
from call_api.backends.embedded.transaction_layer import TransactionLayer, peer_name, printable
from call_api.sip.timers import Timers
from tests.fakes.manual_clock import ManualClock
from tests.fakes.recording_flow import RecordingFlow
from tests.fakes.sip_messages import make_request


@pytest.fixture
def layer() -> TransactionLayer:
    return TransactionLayer(clock=ManualClock(), timers=Timers(), name="", limit=10)


def test_what_cannot_be_sent_is_said_so_and_logged_with_its_peer(
    layer: TransactionLayer, caplog: pytest.LogCaptureFixture
) -> None:
    flow = RecordingFlow()
    flow.refuses = True

    with caplog.at_level(logging.WARNING):
        assert not layer.send(b"x", flow)

    assert caplog.messages == [
        "UDP 192.0.2.1:5060: cannot be sent to: [Errno 101] Network is unreachable"
    ]


def test_the_wire_is_logged_at_debug_escaped_and_without_credentials(
    layer: TransactionLayer, caplog: pytest.LogCaptureFixture
) -> None:
    data = b"REGISTER sip:h SIP/2.0\r\nauthorization: Digest secret\r\nTo: x\x1b\r\n\r\n"

    with caplog.at_level(logging.DEBUG):
        assert layer.send(data, RecordingFlow("TCP"))

    (line,) = caplog.messages
    assert line == (
        "TCP 192.0.2.1:5060 > "
        r"REGISTER sip:h SIP/2.0\r\nauthorization: ...\r\nTo: x\x1b\r\n\r\n"
    )


def test_all_sorts_of_credentials_are_hidden() -> None:
    assert printable(b"Proxy-Authorization : a\r\nAuthorization: b") == (
        r"Proxy-Authorization : ...\r\nAuthorization: ..."
    )


def test_a_peer_is_named_by_transport_and_address() -> None:
    assert peer_name(RecordingFlow("TCP", "2001:db8::1")) == "TCP [2001:db8::1]:5060"


def test_closing_forgets_everything_and_wakes_nobody(layer: TransactionLayer) -> None:
    flow = RecordingFlow("TCP")
    request = make_request("OPTIONS")
    layer.put_via(request, flow)
    outgoing = OutgoingRequest(layer, request, flow, lambda response: pytest.fail("was told"))

    layer.close()

    assert layer.clients == {}
    assert list(layer.depending_on(flow)) == []
    assert outgoing.timer is None
