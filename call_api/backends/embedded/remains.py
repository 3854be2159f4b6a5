"""What is left of the calls of a daemon that died: here, nobody can tell.

Its dialogs died with it. A phone learns that from the 481 to whatever it says in one, and from a
BYE when it answers a call that is none any more (`orphaned_answer`).
"""

from call_api.backends.base import Remains
from call_api.backends.embedded.operation import Calls
from call_api.errors import UnknownCall
from call_api.model import CallId


def remains(calls: Calls, callid: CallId) -> Remains:
    """Return what is left of a call."""
    try:
        call = calls.find(callid)
    except UnknownCall:
        return Remains(callid=callid, call="unknown")
    if call.state != "answered":
        return Remains(callid=callid, call="ringing")
    return Remains(callid=callid, call="up", held=call.on_hold())
