"""What is known of a command before anything is done for it."""

from call_api.model import CallId, CmdId


class Record:
    """What a client asked for, and what belongs to it. It does not change.

    Attributes:
        method: As dialect v2 spells it.
        params: A JSON object, without ``cmd_id`` and ``timeout``; canonical: one spelling of every
            name, one order.
        token: Whose command it is, by its token's name; empty: no token was wanted.
        callid: The Call-ID that a call made for the command takes on its first leg. No other
            command has it.
        proxy: The SIP proxy it acts on; empty when there is just one.
        timeout: Its ceiling, in seconds.
        started: Seconds since 1970.
    """

    def __init__(
        self,
        *,
        cmd_id: CmdId,
        method: str,
        params: bytes,
        token: str,
        callid: CallId,
        proxy: str,
        timeout: float,
        started: float,
    ) -> None:
        self.cmd_id = cmd_id
        self.method = method
        self.params = params
        self.token = token
        self.callid = callid
        self.proxy = proxy
        self.timeout = timeout
        self.started = started

    def is_retried_by(self, other: "Record") -> bool:
        """Whether the other one, of the same ``cmd_id``, asks for the same."""
        return self.method == other.method and self.params == other.params
