"""Every word of SIP in any order: nothing is told twice, nothing hangs, nothing is left."""

import logging
import random

import pytest

from call_api.backends.embedded.outgoing_request import OutgoingRequest
from call_api.sip.flow import Transport
from call_api.sip.message import Request
from tests.fakes.manual_clock import ManualClock
from tests.fakes.recording_flow import RecordingFlow
from tests.fakes.sip_messages import make_request
from tests.fakes.sip_party import Party


class Chaos:
    """A party, and a peer that knows the words of SIP but not its rules."""

    def __init__(self, seed: int, transport: Transport) -> None:
        self.chance = random.Random(seed)
        self.clock = ManualClock()
        self.flow = RecordingFlow(transport)
        self.party = Party(self.clock)
        self.outgoing: list[OutgoingRequest] = []
        self.asked: list[Request] = []

    def step(self) -> None:
        peer = [self.request] * 3 + [self.respond] * 3
        ours = [self.answer] * 2 + [self.send, self.cancel]
        self.chance.choice([*peer, *ours, self.lose, self.fail, self.wait, self.wait])()

    def request(self) -> None:
        tags = [
            ";tag=b1",
            "",
            *(f";tag={incoming.to_tag}" for incoming in self.party.incoming[-3:]),
        ]
        made = make_request(
            self.chance.choice(["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"]),
            to=f"<sip:bob@h>{self.chance.choice(tags)}",
            branch=f"z9hG4bK{self.chance.randrange(6)}",
            number=self.chance.randrange(1, 4),
        )
        self.party.agent.receive(made.encode(), self.flow)

    def respond(self) -> None:
        for made in self.asked[-5:]:
            status = self.chance.choice([100, 180, 200, 200, 302, 486, 487, 503])
            response = made.response(status, to_tag=f"r{self.chance.randrange(3)}")
            self.party.agent.receive(response.encode(), self.flow)

    def answer(self) -> None:
        for incoming in self.party.incoming[-3:]:
            incoming.respond(self.chance.choice([100, 180, 200, 404, 486]))

    def send(self) -> None:
        method = self.chance.choice(["INVITE", "OPTIONS", "BYE"])
        made = make_request(method, number=len(self.asked) + 1)
        ring_for = self.chance.choice([None, 3.0, 60.0])
        self.outgoing.append(self.party.send(made, self.flow, ring_for=ring_for))
        self.asked.append(made)

    def cancel(self) -> None:
        for outgoing in self.outgoing[-2:]:
            outgoing.cancel()

    def lose(self) -> None:
        self.party.agent.flow_lost(self.flow)

    def fail(self) -> None:
        self.flow.refuses = not self.flow.refuses

    def wait(self) -> None:
        self.clock.advance(self.chance.choice([0.0, 0.1, 1.0, 10.0]))

    def finish(self) -> None:
        """Do what every user does in the end: answer all, and give up what rings for ever."""
        self.flow.refuses = False
        for incoming in self.party.incoming:
            incoming.respond(500)
        for outgoing in self.outgoing:
            outgoing.cancel()
        self.clock.advance(70.0)


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
@pytest.mark.parametrize("seed", range(10))
def test_any_messages_in_any_order_are_survived_and_forgotten(
    seed: int, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    chaos = Chaos(seed, transport)

    with caplog.at_level(logging.ERROR):
        for _ in range(400):
            chaos.step()
        chaos.finish()

    assert caplog.messages == []
    finals = [status for status in chaos.party.told if status >= 200]
    assert len(finals) == len(chaos.outgoing) > 5
    assert all(outgoing.is_done for outgoing in chaos.outgoing)
    assert chaos.party.agent.transactions == 0
    assert chaos.clock.pending == 0
