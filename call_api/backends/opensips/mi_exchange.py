"""Pairs what the proxy answers with what it was asked."""

import re
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET

from call_api.backends.opensips.mi import (
    Answer,
    MiError,
    Reply,
    Request,
    decode_answer,
    encode_request,
)

Params: TypeAlias = dict[str, Any]

MAX_ID: Final = 2**31 - 1  # a larger one comes back as this one
_PLAIN = re.compile(rb"([1-6][0-9]{2}) ([!-~][ -~]{0,200})\s*")
_UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeError)


class MiExchange:
    """Pairs MI replies with the requests that caused them.

    A reply counts only while its request waits, so late and doubled ones fall away. A request
    that nobody answers is given up, so none waits for ever.
    """

    def __init__(self) -> None:
        self._last_id = 0
        # Deadlines by request id, oldest first; one table for each length of waiting.
        self._deadlines: dict[float, dict[int, float]] = {}
        self._waiting: dict[int, dict[int, float]] = {}  # which table a request is in, by its id

    @property
    def waiting(self) -> int:
        """The number of requests without an answer yet."""
        return len(self._waiting)

    def request(self, method: str, params: Params, now: float, within: float) -> tuple[int, bytes]:
        """Register a request; return its id and the datagram to send.

        Args:
            within: Seconds the proxy has to answer.
        """
        request_id = self._last_id % MAX_ID + 1
        while request_id in self._waiting:  # one waits since the last time around
            request_id = request_id % MAX_ID + 1
        self._last_id = request_id
        group = self._deadlines.get(within)
        if group is None:
            group = self._deadlines[within] = {}
        group[request_id] = now + within
        self._waiting[request_id] = group
        return request_id, encode_request(Request("2.0", request_id, method, params))

    def receive(self, data: bytes) -> tuple[int, Reply] | None:
        """Return the reply in ``data`` and the id of its request, or None if none waits for it.

        What OpenSIPS cannot put into JSON it says in plain words and without an id
        (``500 Internal Server Error``): they are meant for the only request that waits.
        """
        try:
            answer = decode_answer(data)
        except _UNREADABLE:
            return self._receive_odd(data)
        reply = _reply(answer)
        return (answer.id, reply) if reply is not None and self.forget(answer.id) else None

    def forget(self, request_id: int) -> bool:
        """Stop waiting for a reply; return whether the request did wait."""
        group = self._waiting.pop(request_id, None)
        if group is None:
            return False
        del group[request_id]
        return True

    def next_timer(self) -> float | None:
        """Return when `handle_timer` is due, on the clock given to `request`."""
        firsts = [next(iter(group.values())) for group in self._deadlines.values() if group]
        return min(firsts, default=None)

    def handle_timer(self, now: float) -> list[int]:
        """Give up every request that is overdue at ``now``; return their ids."""
        overdue = []
        for group in self._deadlines.values():
            for request_id, deadline in group.items():
                if deadline > now:
                    break
                overdue.append(request_id)
        for request_id in overdue:
            self.forget(request_id)
        return overdue

    def _receive_odd(self, data: bytes) -> tuple[int, Reply] | None:
        plain = _PLAIN.fullmatch(data)
        if plain is None:
            return self._receive_garbled(data)
        if len(self._waiting) != 1:
            return None
        (request_id,) = self._waiting
        self.forget(request_id)
        return request_id, Reply(error=MiError(int(plain[1]), plain[2].decode("ascii").rstrip()))

    def _receive_garbled(self, data: bytes) -> tuple[int, Reply] | None:
        """A phone may put bytes into its headers that are no UTF-8; the proxy passes them on."""
        text = data.decode("utf-8", errors="replace")
        return None if text.encode() == data else self.receive(text.encode())


def _reply(answer: Answer) -> Reply | None:
    """Return what a message answers; None: it is no answer (JSON-RPC 2.0, section 5)."""
    error = answer.error
    if error is None:
        return None if answer.result is UNSET else Reply(answer.result)
    reason = f"{error.message}: {error.data}" if isinstance(error.data, str) else error.message
    return Reply(error=MiError(error.code, reason))
