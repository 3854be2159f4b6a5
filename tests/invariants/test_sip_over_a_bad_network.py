"""Whole calls over a network that loses, doubles and reorders: each ends, and ends once."""

from collections import Counter

import pytest

from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.sip.dialog import Dialog, new_request
from call_api.sip.message import Response
from tests.fakes.lossy_link import LossyLink
from tests.fakes.manual_clock import ManualClock
from tests.fakes.sip_party import Party


class Callers:
    """Makes calls from one party to another one, which answers, and hangs them up."""

    def __init__(self, clock: ManualClock, link: LossyLink) -> None:
        self.here, self.there = Party(clock), Party(clock)
        self.flow, far = link.connect()
        self.flow.receive = self.here.agent.receive
        far.receive = self.there.agent.receive
        self.finals: Counter[tuple[str, str, int]] = Counter()
        self.acks: Counter[str] = Counter()
        self.unacked = 0
        self.there.on_request = self.answer

    def call(self, number: int) -> None:
        invite = new_request(
            "INVITE",
            "sip:bob@192.0.2.2",
            from_=f"<sip:alice@192.0.2.1>;tag=t{number}",
            to="<sip:bob@192.0.2.2>",
            callid=f"call{number}",
            headers=[("Contact", "<sip:alice@192.0.2.1>")],
        )

        def on_response(response: Response) -> None:
            if response.is_final:
                self.finals[response.callid, "INVITE", response.status] += 1
            if response.is_success:
                dialog = Dialog.from_response(invite, response)
                self.here.agent.send_ack(dialog.ack(1), self.flow)
                self.hang_up(dialog)

        self.here.agent.request(invite, self.flow, on_response, ring_for=90.0)

    def hang_up(self, dialog: Dialog) -> None:
        def on_response(response: Response) -> None:
            if response.is_final:
                self.finals[response.callid, "BYE", response.status] += 1

        self.here.agent.request(dialog.request("BYE"), self.flow, on_response)

    def answer(self, incoming: IncomingRequest) -> None:
        callid = incoming.request.callid
        if incoming.request.method == "INVITE":
            incoming.on_ack = lambda ack: self.acks.update([callid])
            incoming.respond(180)
            incoming.respond(200, headers=[("Contact", "<sip:bob@192.0.2.2>")])
        else:
            incoming.respond(200)


@pytest.mark.parametrize("seed", range(3))
def test_calls_come_about_over_a_network_that_loses_doubles_and_reorders(seed: int) -> None:
    clock = ManualClock()
    link = LossyLink(clock, loss=0.2, doubling=0.2, delay=(0.01, 0.4), seed=seed)
    callers = Callers(clock, link)

    for number in range(100):
        callers.call(number)
        clock.advance(0.05)
    clock.advance(200.0)

    assert len(callers.there.incoming) == 200
    assert callers.finals == {
        (f"call{number}", method, 200): 1 for number in range(100) for method in ("INVITE", "BYE")
    }
    assert max(callers.acks.values()) == 1
    assert callers.here.agent.transactions == callers.there.agent.transactions == 0
    assert clock.pending == 0


def test_on_a_network_that_is_down_every_call_ends_all_the_same() -> None:
    clock = ManualClock()
    callers = Callers(clock, LossyLink(clock, loss=1.0))

    for number in range(20):
        callers.call(number)
    clock.advance(32.0)

    assert callers.finals == {(f"call{number}", "INVITE", 408): 1 for number in range(20)}
    assert callers.here.agent.transactions == 0
    assert clock.pending == 0


def test_over_tcp_no_message_is_sent_twice() -> None:
    clock = ManualClock()
    link = LossyLink(clock, delay=(0.1, 0.1))
    callers = Callers(clock, link)
    callers.flow, far = link.connect(transport="TCP")
    callers.flow.receive = callers.here.agent.receive
    far.receive = callers.there.agent.receive

    callers.call(1)
    clock.advance(40.0)

    assert len(link.carried) == len(set(link.carried)) == 6
    assert callers.here.agent.transactions == callers.there.agent.transactions == 0
