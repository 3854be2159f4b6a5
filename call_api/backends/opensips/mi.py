"""What is said over the management interface of OpenSIPS: JSON-RPC 2.0, as that proxy speaks it."""

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType


class MiError(Struct, frozen=True, gc=False):
    """Why the proxy did not do what it was asked.

    Attributes:
        code: Like a SIP status, or one of JSON-RPC's own codes.
        reason: Its words, with what it says of the parameters.
    """

    code: int
    reason: str


class Reply(Struct, frozen=True, gc=False):
    """What came of a request: a result, an error, or nothing at all.

    Attributes:
        silence: Why there was no answer; None when there was one.
    """

    result: Any = None
    error: MiError | None = None
    silence: str | None = None

    @property
    def is_answer(self) -> bool:
        """Whether the proxy said anything."""
        return self.silence is None


class MiRequest(Struct, frozen=True, gc=False):
    """A method of the proxy's and its parameters."""

    method: str
    params: dict[str, Any]


class Request(Struct, frozen=True, gc=False):
    """A request as it is sent: always one object, for an array kills OpenSIPS 4."""

    jsonrpc: str
    id: int
    method: str
    params: dict[str, Any]


class ErrorObject(Struct, frozen=True, gc=False):
    """An error as JSON-RPC 2.0 has it (section 5.1)."""

    code: int
    message: str
    data: Any = None


class Answer(Struct, frozen=True, gc=False):
    """A message that may be the answer to a request."""

    id: int
    result: Any = UNSET
    error: ErrorObject | None = None
    method: UnsetType = UNSET  # what has one is no answer


encode_request = msgspec.json.Encoder().encode
decode_answer = msgspec.json.Decoder(Answer).decode
