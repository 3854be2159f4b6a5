"""Events as OpenSIPS sends them."""

import json

from call_api.backends.opensips.events import STATE

# As recorded from OpenSIPS 4.1.
START = (
    b'{"jsonrpc":"2.0","method":"E_CALL_TRANSFER","params":{"callid":"7Vr0","leg":"6voi",'
    b'"transfer_callid":"6voi","destination":"sip:cindy@127.0.0.1:5073;ob","state":"start","status":""}}'
)
LATE = (
    b'{"jsonrpc":"2.0","method":"E_CALL_TRANSFER","params":{"callid":"7Vr0","leg":null,'
    b'"transfer_callid":"6voi","destination":"","state":"notify","status":"486 Busy Here"}}'
)
HELD = (
    b'{"jsonrpc":"2.0","method":"E_CALL_HOLD",'
    b'"params":{"callid":"7Vr0","leg":"caller","action":"hold","state":"ok"}}'
)
REFUSED = (
    b'{"jsonrpc":"2.0","method":"E_REFER_REJECTED",'
    b'"params":{"reason":"Decline","code":603,"callid":"7Vr0"}}'
)


def state_changed(callid: str, new_state: int) -> bytes:
    params = {"id": "1.2", "callid": callid, "old_state": new_state - 1, "new_state": new_state}
    return json.dumps({"jsonrpc": "2.0", "method": STATE, "params": params}).encode()
