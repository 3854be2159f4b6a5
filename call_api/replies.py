"""The answers that a client is owed: one for each request, one text for a batch."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeAlias

from call_api import jsonrpc
from call_api.errors import CallApiError

Then: TypeAlias = Callable[[], None]
"""What may happen once the answer is out."""

_NULL = b"null"


class Answered(ABC):
    """Whoever is owed an answer. A class, for a call of its method takes less than a callback."""

    @abstractmethod
    def deliver(self, answer: bytes | None, then: Then | None) -> None:
        """Send the text of an answer, if there is one, and then do the rest."""


class Reply:
    """The answer to one request, to be given once.

    Args:
        id_: The JSON text of the request's id; None: nobody wants to be answered.
    """

    __slots__ = ("_answered", "_id")

    def __init__(self, id_: bytes | None, answered: Answered) -> None:
        self._id = id_
        self._answered = answered

    def result(self, result: bytes, then: Then | None = None) -> None:
        """Answer with a result, given as JSON text."""
        text = None if self._id is None else jsonrpc.encode_result(self._id, result)
        self._answered.deliver(text, then)

    def error(self, error: CallApiError) -> None:
        """Answer that the request failed."""
        self._answered.deliver(None if self._id is None else error_text(self._id, error), None)


class Batch:
    """The answers to the members of one batch: sent as one text when the last one is known.

    Args:
        size: How many members it has, those that are no requests included.
    """

    def __init__(self, size: int, answered: Answered) -> None:
        self._answers: list[bytes | None] = [None] * size
        self._thens: list[Then] = []
        self._missing = size
        self._answered = answered

    def member(self, index: int) -> Answered:
        """Return who takes the answer to one member."""
        return _Member(self, index)

    def take(self, index: int, answer: bytes | None, then: Then | None) -> None:
        """Take the answer to one member; None: it gets none."""
        self._answers[index] = answer
        if then is not None:
            self._thens.append(then)
        self._missing -= 1
        if self._missing:
            return
        answers = [answer for answer in self._answers if answer is not None]
        self._answered.deliver(jsonrpc.encode_batch(answers) if answers else None, None)
        for then in self._thens:
            self._answered.deliver(None, then)


class _Member(Answered):
    """One member of a batch."""

    __slots__ = ("_batch", "_index")

    def __init__(self, batch: Batch, index: int) -> None:
        self._batch = batch
        self._index = index

    def deliver(self, answer: bytes | None, then: Then | None) -> None:
        self._batch.take(self._index, answer, then)


def error_text(id_: bytes | None, error: CallApiError) -> bytes:
    """Return the text of an answer that a request failed.

    Args:
        id_: The JSON text of its id; None when it could not be read.
    """
    id_ = _NULL if id_ is None else id_
    return jsonrpc.encode_error(id_, error.code, str(error), error.data or None)
