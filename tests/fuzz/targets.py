"""Every parser of bytes from outside, as a function that fails when it breaks its promise.

Each takes any bytes, asserts what is true of the parser whatever they are, and raises nothing
else. `python -m tests.fuzz` gives them bytes that are guided by coverage, `test_generated`
gives them what Hypothesis makes up, and `test_corpus` what these two have found interesting.
"""

from collections.abc import Callable
from typing import TypeAlias

from tests.fuzz import conversation, frames, json_rpc, mi, settings, sip

Target: TypeAlias = Callable[[bytes], None]

TARGETS: dict[str, Target] = {
    "frames": frames.connection,
    "conversation": conversation.conversation,
    "json_rpc": json_rpc.request,
    "json_rpc_reply": json_rpc.reply,
    "sip_message": sip.message,
    "sip_stream": sip.stream,
    "sip_value": sip.value,
    "sip_digest": sip.digest,
    "sdp": sip.description,
    "mi_reply": mi.reply,
    "mi_event": mi.event,
    "mi_http": mi.http,
    "settings": settings.text,
}
