from collections.abc import Hashable
from typing import cast

import pytest

from call_api.backends.embedded.routing import Directory, Incoming, Refuse, Ring, Target
from call_api.sip.registrar import Registrar
from call_api.sip.uri import Uri
from tests.fakes.manual_clock import ManualClock
from tests.fakes.recording_flow import RecordingFlow
from tests.fakes.sip_messages import make_request

BOB = "sip:bob@localhost"


class Scene:
    def __init__(self, users: tuple[str, ...] = ()) -> None:
        self.clock = ManualClock()
        self.registrar = Registrar(["localhost"])
        self.directory = Directory(self.registrar, users, self.clock, ring_for=60.0)

    def register(self, contact: str) -> RecordingFlow:
        flow = RecordingFlow()
        request = make_request("REGISTER", to=f"<{BOB}>", headers=(("Expires", "60"),))
        request.headers.set("Contact", f"<{contact}>")
        request.headers.set("Call-ID", contact)
        done = self.registrar.register(request, cast("Hashable", flow), self.clock.time())
        assert done.status == 200
        return flow

    def decide(self, callee: str) -> Ring | Refuse:
        return self.directory.decide(Incoming(caller="sip:a@b", callee=Uri.parse(callee)))


def test_every_phone_of_the_callee_rings() -> None:
    scene = Scene()
    desk, mobile = scene.register("sip:bob@192.0.2.1"), scene.register("sip:bob@192.0.2.3")

    assert scene.decide("sip:bob@LOCALHOST;transport=tcp") == Ring(
        [Target("sip:bob@192.0.2.1", desk), Target("sip:bob@192.0.2.3", mobile)], 60.0
    )
    assert [t.flow for t in scene.directory.phones_of_uri(BOB)] == [desk, mobile]


def test_a_phone_whose_time_is_over_or_whose_connection_is_gone_does_not_ring() -> None:
    scene = Scene()
    flow = scene.register("sip:bob@192.0.2.1")
    scene.clock.advance(30.0)
    closed = scene.register("sip:bob@192.0.2.3")
    closed.is_open = False

    assert [t.flow for t in scene.directory.phones_of("bob")] == [flow]
    scene.clock.advance(30.0)
    assert scene.directory.phones_of("bob") == []


@pytest.mark.parametrize(
    ("callee", "status"),
    [(BOB, 480), ("sip:nobody@localhost", 404), ("sip:bob@elsewhere", 404), ("tel:1", 404)],
)
def test_who_has_no_phone_is_away_or_unknown(callee: str, status: int) -> None:
    assert Scene(users=("bob",)).decide(callee) == Refuse(status)
    assert Scene().directory.phones_of_uri("sip:x@elsewhere") == []
