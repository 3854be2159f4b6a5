"""A client's half of the wire contract: replies and notifications to the request they belong to."""

import itertools
import json
from collections.abc import Mapping

from call_api_client.messages import Answer, Step, members, parse

ATTACH = "CommandAttach"
"""The method that listens to a command which runs already."""

REMEMBERED = 500
"""Ended commands of which a connection is not told twice; as many as the daemon remembers."""

WATCH, UNWATCH = "CallWatch", "CallUnwatch"
"""The methods that begin and end to listen to calls."""


class Request:
    """One request, and what has become of it.

    Attributes:
        cmd_id: The command it started or attached to, as soon as the answer told.
        watched: The call that it watches, if it watches one.
        callid: What the call it is about is called now, as far as its events told.
        last_seq: The number of its last notification: where to attach again.
        ends_at: The number of the last notification that will come, where it is not `Ended`.
        is_answered: Whether the response is there.
        is_over: Whether nothing more will come.
    """

    def __init__(self, request_id: str, method: str, params: Mapping[str, object]) -> None:
        after = params.get("after")
        self.request_id = request_id
        self.method = method
        self.watched = params.get("callid")
        self.cmd_id: str | None = None
        self.callid: str | None = None
        self.last_seq = after if method == ATTACH and isinstance(after, int) else 0
        self.ends_at: int | None = None
        self.is_answered = False
        self.is_over = False


class Exchange:
    """Pairs what arrives on one connection with the requests that caused it.

    A notification counts once: what a request was told already, or what nobody asked for, falls
    away.
    """

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._waiting: dict[str, Request] = {}  # by request id, until answered
        self._running: dict[str, list[Request]] = {}  # by cmd_id, until Ended
        self._watching: list[Request] = []  # until taken back
        # By cmd_id, the seq after which this connection is told; then the same of those that
        # ended, in order of their end.
        self._told_after: dict[str, int] = {}
        self._ended: dict[str, int] = {}

    def request(
        self, method: str, params: Mapping[str, object], *, request_id: str | None = None
    ) -> tuple[Request, str]:
        """Return a new request, and the text to send for it.

        Raises:
            ValueError: JSON cannot say ``params``, or the id is in use.
        """
        name = str(next(self._ids)) if request_id is None else request_id
        if name in self._waiting:
            raise ValueError(f"the id {name} is in use")
        message = {"jsonrpc": "2.0", "id": name, "method": method, "params": dict(params)}
        # Not msgspec: integers beyond 64 bits are for Echo to carry.
        text = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()  # refuses a lone surrogate, with a ValueError
        request = Request(name, method, params)
        self._waiting[name] = request
        return request, text

    def has_told(self, cmd_id: str) -> bool:
        """Whether this connection was told of a command: it is not told the same again."""
        return cmd_id in self._told_after or cmd_id in self._ended

    def forget(self, request: Request) -> None:
        """Drop a request that nobody listens to any more."""
        if not request.is_over:
            request.is_over = True
            self._waiting.pop(request.request_id, None)
            self._leave(request)

    def receive(self, text: str) -> list[tuple[Request, Answer | Step]]:
        """Return what ``text`` says, and to which requests.

        Every request that watches is told of all that this connection watches; the last that it
        is told is the answer to the request that takes it back.

        Raises:
            BadReply: It is no message of this protocol.
        """
        message = parse(text)
        if isinstance(message, Answer):
            request = self._asked(message.id)
            return self._answered(request, message) if request else []
        if isinstance(message, Step):
            listening = self._running.get(message.cmd_id, ()) if message.cmd_id else self._watching
            if message.event == "Ended":
                self._note_end(message.cmd_id)
            return [(request, message) for request in listening if self._is_new(request, message)]
        return []

    def _asked(self, request_id: object) -> Request | None:
        if isinstance(request_id, str):
            return self._waiting.pop(request_id, None)
        # Null: the daemon could not read the request that it answers. Which one that was is
        # certain only while no other one waits.
        if request_id is None and len(self._waiting) == 1:
            return self._waiting.popitem()[1]
        return None

    def _answered(self, request: Request, answer: Answer) -> list[tuple[Request, Answer | Step]]:
        request.is_answered = True
        request.cmd_id = _started(request, answer.result)
        told: list[tuple[Request, Answer | Step]] = [(request, answer)]
        if request.method == WATCH and answer.failure is None:
            self._watching.append(request)
            return told
        if request.method == UNWATCH and answer.failure is None:
            told += [(one, answer) for one in self._taken_back_by(request)]
        request.is_over = request.cmd_id is None or self._has_heard_all(request, request.cmd_id)
        if request.cmd_id is not None and not request.is_over:
            self._running.setdefault(request.cmd_id, []).append(request)
        return told

    def _has_heard_all(self, request: Request, cmd_id: str) -> bool:
        """Note from where on a request is told; return whether nothing is left to be told.

        The daemon tells one connection each notification once, also if it attaches twice.
        """
        after = request.last_seq
        if request.method == ATTACH and cmd_id in self._ended:
            request.ends_at = self._ended[cmd_id]
            self._ended[cmd_id] = min(after, request.ends_at)
            return after >= request.ends_at
        self._ended.pop(cmd_id, None)
        self._told_after[cmd_id] = min(after, self._told_after.get(cmd_id, after))
        return False

    def _note_end(self, cmd_id: str) -> None:
        after = self._told_after.pop(cmd_id, None)
        if after is None:
            return
        self._ended[cmd_id] = after
        if len(self._ended) > REMEMBERED:
            del self._ended[next(iter(self._ended))]

    def _taken_back_by(self, unwatch: Request) -> list[Request]:
        over = [one for one in self._watching if one.watched == unwatch.watched]
        for one in over:
            one.is_over = True
            self._watching.remove(one)
        return over

    def _is_new(self, request: Request, step: Step) -> bool:
        """Note what a request is told; return False if it was told already."""
        if step.seq and step.seq <= request.last_seq:
            return False
        request.last_seq = step.seq or request.last_seq
        callid = step.data.get("callid")
        if isinstance(callid, str) and step.event != "Reply":
            request.callid = callid
        if step.event == "Ended" or (step.seq and step.seq == request.ends_at):
            request.is_over = True
            self._leave(request)
        return True

    def _leave(self, request: Request) -> None:
        if request in self._watching:
            self._watching.remove(request)
        if request.cmd_id is None:
            return
        others = [other for other in self._running[request.cmd_id] if other is not request]
        if others:
            self._running[request.cmd_id] = others
        else:
            del self._running[request.cmd_id]


def _started(request: Request, result: object) -> str | None:
    """Return the command whose notifications come now, or None if none do."""
    told = members(result)
    cmd_id, seq = told.get("cmd_id"), told.get("seq")
    if not isinstance(cmd_id, str):
        return None
    if "Started" in (told.get("status"), told.get("event")):
        return cmd_id
    if request.method != ATTACH:
        return None
    nothing_left = isinstance(seq, int) and seq <= request.last_seq
    return None if told.get("state") == "ended" and nothing_left else cmd_id
