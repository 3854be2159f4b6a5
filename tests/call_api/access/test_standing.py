from dataclasses import dataclass

import pytest

from call_api.access.identity import Identity
from call_api.access.meters import Meter
from call_api.access.scopes import METHODS, parse_scopes
from call_api.access.standing import Standing
from call_api.commands.base import Command
from call_api.commands.call_attended_transfer import CallAttendedTransfer
from call_api.commands.call_blind_transfer import CallBlindTransfer
from call_api.commands.call_end import CallEnd
from call_api.commands.call_start import CallStart
from call_api.config_access import Quota
from call_api.errors import Forbidden, TooManyRequests
from call_api.model import CallId, SipUri

ALICE, BOB = SipUri("sip:alice@a"), SipUri("sip:bob@b")
C = CallId("c")


@dataclass
class Only:
    uri: str

    def covers(self, uri: str) -> bool:
        return uri == self.uri


def standing(*scopes: str, meters: tuple[Meter, ...] = (), **allowed: tuple[Only]) -> Standing:
    identity = Identity(
        name="desk",
        scopes=parse_scopes(scopes or ["control"]),
        callers=allowed.get("callers"),
        callees=allowed.get("callees"),
    )
    return Standing(identity, meters=meters, clock=lambda: 10.0)


def test_without_tokens_everything_is_allowed_on_everything() -> None:
    anybody = Standing()

    anybody.admit()
    anybody.permit("CallEnd", CallEnd(callid=C))
    anybody.begin("CallStart")
    anybody.end("CallStart")
    assert anybody.name == ""
    assert all(anybody.whose(method) is None for method in METHODS)


def test_a_method_outside_the_scopes_is_forbidden() -> None:
    with pytest.raises(Forbidden) as caught:
        standing("read", "CallHold").permit("CallEnd", CallEnd(callid=C))

    assert caught.value.data == {"problem": "the token's scopes do not cover CallEnd"}


def test_a_method_is_about_what_is_the_tokens_own_unless_its_scope_says_more() -> None:
    desk = standing("control", "read:all")

    assert desk.name == desk.whose("CommandCancel") == "desk"
    assert desk.whose("CommandList") is None


@pytest.mark.parametrize(
    ("method", "asked", "param"),
    [
        ("CallStart", CallStart(caller=BOB, callee=BOB), "caller"),
        ("CallStart", CallStart(caller=ALICE, callee=ALICE), "callee"),
        ("CallBlindTransfer", CallBlindTransfer(callid=C, leg="caller", destination=ALICE), ""),
        (
            "CallAttendedTransfer",
            CallAttendedTransfer(
                callid_a=C, leg_a="caller", callid_b=C, leg_b="caller", destination=ALICE
            ),
            "",
        ),
    ],
)
def test_who_is_called_for_whom_can_be_bounded(method: str, asked: Command, param: str) -> None:
    desk = standing(callers=(Only(ALICE),), callees=(Only(BOB),))

    with pytest.raises(Forbidden, match="forbidden") as caught:
        desk.permit(method, asked)

    assert caught.value.problem == f"the token may not name this {param or 'destination'}"


def test_who_is_on_the_lists_may_be_called() -> None:
    desk = standing(callers=(Only(ALICE),), callees=(Only(BOB),))

    desk.permit("CallStart", CallStart(caller=ALICE, callee=BOB))
    desk.permit("CallEnd", CallEnd(callid=C))
    desk.permit(
        "CallAttendedTransfer",
        CallAttendedTransfer(callid_a=C, leg_a="caller", callid_b=C, leg_b="caller"),
    )
    standing(callees=(Only(BOB),)).permit("CallStart", CallStart(caller=BOB, callee=BOB))


def test_requests_that_come_too_fast_are_refused_and_not_counted() -> None:
    token = Meter("token", Quota(per_second=5), 10.0)
    address = Meter("address", Quota(per_second=4), 10.0)
    desk = standing(meters=(token, address, Meter("more", Quota(), 10.0)))
    for _ in range(8):
        desk.admit()

    for _ in range(2):
        with pytest.raises(TooManyRequests) as caught:
            desk.admit()

    assert caught.value.data == {"retry_after": 0.25, "limit": "address.per_second"}
    assert token.requests is not None
    for _ in range(2):
        assert token.requests.take(10.0) == 0, "what the address may not is not taken off the token"
    assert token.requests.wait(10.0) > 0


def test_commands_are_counted_while_they_run() -> None:
    meter = Meter("token", Quota(running=1, calls_per_minute=2), 10.0)
    desk = standing(meters=(meter, Meter("address", Quota(), 10.0)))
    desk.begin("CallStart")

    with pytest.raises(TooManyRequests):
        desk.begin("CallHold")

    desk.end("CallStart", has_run=False)
    assert meter.started == 0
    assert meter.calls is not None
    assert meter.calls.is_full(10.0), "a retry is no call"
    desk.begin("CallStart")
    desk.end("CallStart")
    desk.begin("CallHold")
    desk.end("CallHold", has_run=False)
    assert not meter.calls.is_full(10.0)


def test_who_leaves_is_counted_once() -> None:
    meter = Meter("token", Quota(), 0.0)
    meter.connected = 2
    left: list[Standing] = []
    desk = Standing(meters=(meter,), on_leave=left.append)

    desk.leave()
    desk.leave()
    desk.dismiss("there is no connection to be closed")

    assert (left, meter.connected) == ([desk], 1)
    Standing().leave()


def test_a_command_that_the_address_may_not_run_is_not_counted_for_the_token() -> None:
    token = Meter("token", Quota(calls_per_minute=60, running=9), 10.0)
    address = Meter("address", Quota(calls_per_minute=1), 10.0)
    none = Meter("none", Quota(), 10.0)
    desk = standing(meters=(none, token, address))
    desk.begin("CallStart")

    for _ in range(3):
        with pytest.raises(TooManyRequests, match="too many") as caught:
            desk.begin("CallStart")
        assert caught.value.limit == "address.calls_per_minute"

    assert (token.started, address.started) == (1, 1)
    assert token.calls is not None
    token.calls.give_back()
    assert token.calls.is_full(10.0)


def test_requests_are_counted_where_they_are_bounded() -> None:
    desk = standing(
        meters=(Meter("token", Quota(), 10.0), Meter("address", Quota(per_second=1), 10.0))
    )
    for _ in range(2):
        desk.admit()

    with pytest.raises(TooManyRequests):
        desk.admit()
