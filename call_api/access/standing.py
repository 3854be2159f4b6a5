"""One client's standing: what it may ask, and whether it asks too much. No I/O."""

from collections.abc import Callable, Sequence
from typing import Unpack

from call_api.access.audit import Audit, Told
from call_api.access.identity import ANYBODY, Identity, Pattern
from call_api.access.meters import Meter
from call_api.commands.base import Method
from call_api.commands.call_attended_transfer import CallAttendedTransfer
from call_api.commands.call_blind_transfer import CallBlindTransfer
from call_api.commands.call_start import CallStart
from call_api.errors import Forbidden, TooManyRequests


class Standing:
    """What is asked of every request of one client, before anything is done for it.

    Args:
        meters: Those of its token and of its address; it is among their connections.
        clock: Returns seconds, monotonic.
        on_leave: Is told once when the client leaves.
        audit: Where it is written down what the client does; None: nowhere.

    Attributes:
        peer: Its address and port, once it is there.
        is_noted: Whether anything that it does is counted or written down.
        dismiss: Sends the client away, and tells it why.
    """

    __slots__ = (
        "_audit",
        "_clock",
        "_entered",
        "_identity",
        "_may_name_all",
        "_meters",
        "_methods",
        "_on_leave",
        "dismiss",
        "is_noted",
        "peer",
    )

    def __init__(
        self,
        identity: Identity = ANYBODY,
        *,
        meters: Sequence[Meter] = (),
        clock: Callable[[], float] = lambda: 0.0,
        on_leave: Callable[["Standing"], None] | None = None,
        audit: Audit | None = None,
    ) -> None:
        self.peer = ""
        self._entered: float | None = None
        self._audit = audit
        self.identity = identity
        self.dismiss: Callable[[str], None] = _nobody
        self._meters = tuple(meters)
        self.is_noted = bool(meters) or audit is not None
        self._clock = clock
        self._on_leave = on_leave

    @property
    def identity(self) -> Identity:
        """Who it is; replaced when the settings are read anew."""
        return self._identity

    @identity.setter
    def identity(self, identity: Identity) -> None:
        self._identity = identity
        self._methods = identity.scopes.methods
        self._may_name_all = identity.callers is None and identity.callees is None

    @property
    def name(self) -> str:
        """The name that its calls and commands belong to."""
        return self._identity.name

    def whose(self, method: str) -> str | None:
        """Return whose commands a method may be about; None: everybody's."""
        return None if method in self._identity.scopes.of_all else self._identity.name

    def enter(self, peer: str, dismiss: Callable[[str], None]) -> None:
        """Take note that the client is there.

        Args:
            dismiss: Sends it away, and tells it why.
        """
        self.peer = peer
        self.dismiss = dismiss
        self._entered = self._clock()
        self.tell("connect")

    def leave(self) -> None:
        """Count the connection no more: the client has left. Does no harm a second time."""
        on_leave, self._on_leave = self._on_leave, None
        entered, self._entered = self._entered, None
        if entered is not None:
            self.tell("leave", began=entered)
        if on_leave is not None:
            on_leave(self)
            for meter in self._meters:
                meter.connected -= 1

    def admit(self) -> None:
        """Count a request.

        Raises:
            TooManyRequests: They come too fast.
        """
        if not self._meters:
            return
        now = self._clock()
        for at, meter in enumerate(self._meters):
            if meter.requests is not None and (wait := meter.requests.take(now)):
                for counted in self._meters[:at]:
                    if counted.requests is not None:
                        counted.requests.give_back()
                raise TooManyRequests(wait, f"{meter.name}.per_second")

    def permit(self, method: str, asked: Method) -> None:
        """Return if the client may ask this.

        Args:
            method: As dialect v2 spells it.

        Raises:
            Forbidden: It may not.
        """
        if method not in self._methods:
            raise Forbidden(f"the token's scopes do not cover {method}")
        if self._may_name_all:
            return
        identity = self._identity
        if isinstance(asked, CallStart):
            _check("caller", asked.caller, identity.callers)
            _check("callee", asked.callee, identity.callees)
        elif isinstance(asked, CallBlindTransfer | CallAttendedTransfer):
            _check("destination", asked.destination, identity.callees)

    def begin(self, method: str) -> None:
        """Count a command that is about to run; `end` takes it back.

        Raises:
            TooManyRequests: Too many run, or it is a call and these come too fast.
        """
        if not self._meters:
            return
        now, is_call = self._clock(), method == "CallStart"
        for at, meter in enumerate(self._meters):
            try:
                meter.begin(now, is_call=is_call)
            except TooManyRequests:
                for counted in self._meters[:at]:
                    counted.end(is_call=is_call)
                raise

    def end(self, method: str, *, has_run: bool = True) -> None:
        """Count a command no more.

        Args:
            has_run: False: it was refused, or it was a retry and is no command of its own.
        """
        is_call = not has_run and method == "CallStart"
        for meter in self._meters:
            meter.end(is_call=is_call)

    def now(self) -> float:
        """Return the time, for `tell`."""
        return self._clock()

    def tell(self, did: str, params: object = None, **more: Unpack[Told]) -> None:
        """Write down in the audit log, if there is one, what the client did (`Audit.tell`)."""
        if self._audit is not None:
            self._audit.tell((self._identity.name, self.peer), did, params, **more)


def _nobody(reason: str) -> None:
    """There is no connection yet, or none any more."""


def _check(param: str, uri: str | None, allowed: tuple[Pattern, ...] | None) -> None:
    if uri is None or allowed is None or any(pattern.covers(uri) for pattern in allowed):
        return
    raise Forbidden(f"the token may not name this {param}")
