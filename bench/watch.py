"""Checks every frame of a v2 connection under load against what is true of all commands."""

from collections import Counter
from dataclasses import dataclass

import msgspec


class Data(msgspec.Struct):
    callid: str | None = None


class Params(msgspec.Struct):
    cmd_id: str = ""
    seq: int = 0
    event: str = ""
    data: Data | str | None = None


class Result(msgspec.Struct):
    cmd_id: str = ""
    status: str = ""


class Frame(msgspec.Struct):
    """A response, or a notification."""

    id: int | None = None
    result: Result | None = None
    method: str = ""
    params: Params | None = None


@dataclass(slots=True)
class Running:
    """A command that was answered: when it was sent, what it has told."""

    sent_at: float
    subject: object
    seq: int = 0
    callid: str | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    subject: object
    took: float
    callid: str | None
    seq: int = 0
    failed: bool = False


class Watch:
    """Pairs requests, answers and notifications, and counts what must not happen.

    Attributes:
        faults: By name: ``refused`` (an error for an answer), ``errored`` (Error before Ended),
            ``gap`` (seq not one more), ``stranger`` (a notification before the answer, after
            Ended, or for nobody) and ``garbled`` (a frame that is none of ours).
    """

    def __init__(self) -> None:
        self.faults: Counter[str] = Counter()
        self.asked: dict[int, tuple[float, object]] = {}
        self.running: dict[str, Running] = {}
        self._decoder = msgspec.json.Decoder(Frame)

    @property
    def in_flight(self) -> int:
        return len(self.asked) + len(self.running)

    def ask(self, id_: int, subject: object, now: float) -> None:
        """Expect an answer to a request about ``subject``."""
        self.asked[id_] = (now, subject)

    def receive(self, text: bytes, now: float) -> Done | None:
        """Take a frame; return the command that ended with it."""
        try:
            frame = self._decoder.decode(text)
        except msgspec.DecodeError:
            self.faults["garbled"] += 1
            return None
        if frame.params is not None:
            return self._notified(frame.params, now)
        return self._answered(frame, now)

    def _answered(self, frame: Frame, now: float) -> Done | None:
        asked = self.asked.pop(frame.id, None) if frame.id is not None else None
        if asked is None:
            self.faults["stranger"] += 1
            return None
        sent_at, subject = asked
        if frame.result is None or frame.result.status != "Started":
            self.faults["refused"] += 1
            return Done(subject, now - sent_at, None)
        self.running[frame.result.cmd_id] = Running(sent_at, subject)
        return None

    def _notified(self, params: Params, now: float) -> Done | None:
        command = self.running.get(params.cmd_id)
        if command is None:
            self.faults["stranger"] += 1
            return None
        if params.seq != command.seq + 1:
            self.faults["gap"] += 1
        command.seq = params.seq
        if params.event == "Ended":
            del self.running[params.cmd_id]
            took = now - command.sent_at
            return Done(command.subject, took, command.callid, command.seq, command.failed)
        if command.failed or params.event == "Error":  # nothing but Ended follows an Error
            self.faults["gap" if command.failed else "errored"] += 1
            command.failed = True
        if isinstance(params.data, Data) and params.data.callid:
            command.callid = params.data.callid
        return None
