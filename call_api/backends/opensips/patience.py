"""How long is waited for what the phones and the proxy do about a transfer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for what, in seconds.

    Attributes:
        ring_for: Until the destination answers, once it is asked.
        refer_within: Until the phone asks it. The proxy gives up a REFER without an answer
            after its ``fr_timeout``, of 30 s by default.
        start_within: For an event that another one has overtaken.
        truth_within: For a NOTIFY with the true status of a failure.
        challenge_within: Until a phone whose INVITE was challenged sends it again.
        refused_within: A REFER that ended later than that was not refused, but not answered.
        find_for: Until a new call must have turned up after the old one has ended.
    """

    ring_for: float = 60.0
    refer_within: float = 40.0
    start_within: float = 0.1
    truth_within: float = 0.5
    challenge_within: float = 1.0
    refused_within: float = 3.0
    find_for: float = 3.0
