"""A phone's side of REGISTER: sent, challenged, sent again, refreshed, taken back."""

import asyncio
import logging
import secrets
from collections.abc import Callable

from call_api.backends.embedded.agent import Agent
from call_api.backends.embedded.timer_queue import Cancellable, Clock
from call_api.sip.dialog import new_callid, new_request, new_tag
from call_api.sip.digest import DigestClient
from call_api.sip.flow import Flow, contact_uri
from call_api.sip.grammar import parse_number
from call_api.sip.message import Response

logger = logging.getLogger(__name__)

EXPIRES = 300
"""Seconds that a binding is asked for."""

RETRY_AFTER = 2.0
"""Seconds after which a registration that failed is tried again, while the phone is on."""

_REFRESH_AT = 0.8  # of what was granted
_MAX_EXPIRES = 2**32 - 1


class RegistrationFailed(Exception):
    """The registrar refused the phone, or did not answer.

    Attributes:
        status: Its final response; 408 and 503 may be made up.
        reason: Its words.
    """

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(f"not registered: {status} {reason}".rstrip())


class Registration:
    """One user's binding at a registrar, kept alive until it is taken back.

    Args:
        agent: Sends the requests.
        flow: Gives the way to the registrar, over which requests come back.
        clock: The event loop.
        user: Name in the URI and in the credentials.
        domain: Of the registrar.
        expires: Seconds that a binding is asked for.

    Attributes:
        granted: Seconds that the registrar gave last; 0: not registered.
        is_registered: Whether there is a binding.
    """

    def __init__(
        self,
        agent: Agent,
        flow: Callable[[], Flow],
        clock: Clock,
        *,
        user: str,
        password: str,
        domain: str,
        expires: int = EXPIRES,
    ) -> None:
        self.granted = 0
        self._agent = agent
        self._clock = clock
        self._flow = flow
        self._user = user
        self._aor = f"<sip:{user}@{domain}>"
        self._domain = domain
        self._expires = expires
        self._digest = DigestClient(user, password, lambda: secrets.token_hex(8))
        self._callid = new_callid()
        self._tag = new_tag()
        self._cseq = 0
        self._is_wanted = False
        self._next: Cancellable | None = None
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def is_registered(self) -> bool:
        """Whether the last REGISTER made a binding."""
        return self.granted > 0

    async def register(self) -> None:
        """Register, and stay registered from then on.

        Raises:
            RegistrationFailed: The registrar refuses or does not answer. It is not tried again.
        """
        self._is_wanted = True
        try:
            await self._sent(self._expires)
        except RegistrationFailed:
            self.stop()
            raise

    async def unregister(self) -> None:
        """Take the binding back.

        Raises:
            RegistrationFailed: The registrar refuses or does not answer; the binding ends by
                itself.
        """
        self.stop()
        if self.is_registered:
            await self._sent(0)

    def stop(self) -> None:
        """Keep the binding alive no longer."""
        self._is_wanted = False
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def flow_lost(self) -> None:
        """Register anew, because the registrar cannot reach us any more."""
        if self._is_wanted:
            self._again_in(0.0)

    async def _sent(self, expires: int) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._send(expires)
        await waiter

    def _send(self, expires: int) -> None:
        self._cseq += 1
        flow = self._flow()
        uri = f"sip:{self._domain}"
        headers = [
            ("Contact", f"<{contact_uri(flow, self._user)}>;expires={expires}"),
            ("Expires", str(expires)),
        ]
        if (authorization := self._digest.authorization("REGISTER", uri)) is not None:
            headers.append(("Authorization", authorization))
        request = new_request(
            "REGISTER",
            uri,
            from_=f"{self._aor};tag={self._tag}",
            to=self._aor,
            callid=self._callid,
            cseq=self._cseq,
            headers=headers,
        )
        self._agent.request(request, flow, lambda response: self._take(response, expires))

    def _take(self, response: Response, expires: int) -> None:
        if not response.is_final:
            return
        if response.status == 401 and self._digest.accept(response.headers.all("WWW-Authenticate")):
            self._send(expires)
        elif response.is_success:
            self.granted = min(_granted(response, expires), expires)
            self._settle(None)
        else:
            self.granted = 0
            self._settle(RegistrationFailed(response.status, response.reason))

    def _settle(self, failure: RegistrationFailed | None) -> None:
        """Tell who waits, and see to the next REGISTER."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if waiter.done():  # cancelled
                continue
            if failure is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(failure)
        if failure is not None and not waiters:
            logger.warning("%s: %s", self._aor, failure)
        if self._is_wanted:
            self._again_in(self.granted * _REFRESH_AT if self.granted else RETRY_AFTER)

    def _again_in(self, seconds: float) -> None:
        if self._next is not None:
            self._next.cancel()
        when = self._clock.time() + seconds
        self._next = self._clock.call_at(when, lambda: self._send(self._expires))


def _granted(response: Response, asked: int) -> int:
    """Return the shortest time that a registrar grants any of our contacts."""
    texts = [contact.params.get("expires") or "" for contact in response.addresses("Contact")]
    texts.append(response.headers.get("Expires") or "")
    granted = [seconds for text in texts if (seconds := parse_number(text, _MAX_EXPIRES))]
    return min(granted, default=asked)
