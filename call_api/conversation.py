"""One client: requests in; their answers out, then the notifications of what they started."""

import asyncio
import logging
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import msgspec

from call_api import jsonrpc
from call_api.access.own_calls import as_allowed
from call_api.access.owners import Owners
from call_api.access.scopes import name_of
from call_api.access.standing import Standing
from call_api.asked_commands import AskedCommand, Client
from call_api.attachments import Attachments
from call_api.backends.base import Backend
from call_api.commands.base import Query
from call_api.commands.params import Order, read
from call_api.errors import (
    CallApiError,
    CommandTimeout,
    InternalError,
    InvalidRequest,
    ParseError,
    TooManyRequests,
)
from call_api.journal import Journal
from call_api.logs import SUBJECT
from call_api.model import CallId, DialectName
from call_api.random_ids import RandomIds
from call_api.record import Record
from call_api.replies import Answered, Batch, Reply, Then, error_text
from call_api.runner import Runner
from call_api.watches import Watchers, Watches

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one client may ask for.

    Attributes:
        ceiling: Seconds a command or a query may take; the longest ``timeout``.
        batch: Requests in one batch.
        unanswered: Requests that wait for their answers.
        followed: Running commands whose notifications the client gets.
        watched: Calls that it watches one by one.
    """

    ceiling: float = 180.0
    batch: int = 100
    unanswered: int = 1000
    followed: int = 1000
    watched: int = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Api:
    """What all clients share.

    Attributes:
        owners: Whose the calls are; None: all of them are everybody's.
    """

    journal: Journal
    runner: Runner
    backend: Backend
    watchers: Watchers
    limits: Limits = Limits()
    ids: RandomIds = field(default_factory=RandomIds)
    owners: Owners | None = None


class Conversation(Answered):
    """Talks JSON-RPC 2.0 with one client, without a socket.

    Args:
        dialect: How notifications are worded and numbered.
        send: Takes one text for the client. Must not wait and not raise.
        peer: Who it is, for the log.
        standing: What it may ask; by default anything.
    """

    def __init__(
        self,
        *,
        dialect: DialectName,
        api: Api,
        send: Callable[[bytes], None],
        peer: str,
        standing: Standing | None = None,
    ) -> None:
        self._dialect = dialect
        self._is_v1 = dialect == "v1"
        self._api = api
        self._runner = api.runner
        self._most_in_batch = api.limits.batch
        self._most_unanswered = api.limits.unanswered
        self._send = send
        self._is_wire_logged = logger.isEnabledFor(logging.DEBUG)
        self._notify = self._log_and_send if self._is_wire_logged else send
        self._peer = peer
        self._context = copy_context()  # that of a connection may be that of all
        self._context.run(SUBJECT.set, peer)
        standing = standing or Standing()
        self._about = {"subject": peer}  # for lines that are logged by the task of a command
        self._is_closed = False
        attachments = Attachments(
            dialect=dialect, journal=api.journal, send=self._notify, most=api.limits.followed
        )
        self._client = Client(peer, standing, attachments)
        self._backend, may_see = as_allowed(api.backend, api.owners, standing)
        self._watches = Watches(
            watchers=api.watchers, send=self._notify, most=api.limits.watched, may_see=may_see
        )

    def receive(self, text: str | bytes) -> None:
        """Take one text of the client. Never waits and never raises; the answer may come later."""
        self._context.run(self._take, text)

    def close(self) -> None:
        """Forget the client: it is gone. Nothing that it has started is changed by that."""
        self._is_closed = True
        self._client.attachments.close()
        self._watches.close()

    def _take(self, text: str | bytes) -> None:
        try:
            if self._is_wire_logged:
                logger.debug("< %r", text)
            self._receive(text)
        except Exception:
            logger.exception("failed unexpectedly")
            self.deliver(error_text(None, InternalError()), None)

    def _receive(self, text: str | bytes) -> None:
        try:
            most = self._most_in_batch
            asked = jsonrpc.parse_requests(text, version_needed=self._is_v1, most=most)
        except jsonrpc.NotJson as exc:
            logger.warning("sent no JSON: %s", exc)
            self._refuse(ParseError(), self)
            return
        if not isinstance(asked, jsonrpc.Batch):
            self._ask(asked, self)
        else:
            batch = Batch(len(asked.members), self)
            for index, member in enumerate(asked.members):
                self._ask(member, batch.member(index))

    def _refuse(self, error: CallApiError, answered: Answered) -> None:
        """Answer what is no request; it counts as one."""
        try:
            self._client.standing.admit()
        except TooManyRequests as exc:
            error = exc
        answered.deliver(error_text(None, error), None)

    def _ask(self, request: jsonrpc.Request | jsonrpc.Invalid, answered: Answered) -> None:
        if isinstance(request, jsonrpc.Invalid):
            self._refuse(InvalidRequest(request.problem), answered)
            return
        try:
            self._client.standing.admit()
            asked = read(request.method, request.params)
            if self._client.unanswered >= self._most_unanswered:
                raise TooManyRequests(retry_after=1.0)
            if isinstance(asked, Order):
                self._start(asked, request.id, answered)
            else:
                self._query(asked, Reply(request.id, answered))
        except CallApiError as error:
            logger.info("%r refused: %s %s", request.method, error, error.data or "")
            self._client.standing.tell(request.method, request.params, outcome=error)
            Reply(request.id, answered).error(error)
        except Exception:
            logger.exception("%r failed unexpectedly", request.method)
            Reply(request.id, answered).error(InternalError())

    def _start(self, order: Order, id_: bytes | None, answered: Answered) -> None:
        client = self._client
        client.standing.permit(order.method, order.command)
        client.attachments.check()
        record, refused = self._record(order), None
        try:
            client.standing.begin(order.method)
        except TooManyRequests as error:  # only what is new is refused
            refused = error
        client.unanswered += 1
        asked = AskedCommand(id_, answered, client, record, counts=refused is None)
        self._runner.submit(record, order.command, asked, backend=self._backend, refused=refused)

    def _record(self, order: Order) -> Record:
        ids, ceiling, asked = self._api.ids, self._api.limits.ceiling, order.timeout
        return Record(
            cmd_id=order.cmd_id or ids.cmd_id(),
            method=order.method,
            params=_canonical(order.command.to_params()),
            token=self._client.standing.name,
            callid=ids.callid(),
            proxy="",
            timeout=ceiling if asked is None or asked > ceiling else float(asked),
            started=self._api.journal.wall(),
        )

    def _query(self, query: Query, reply: Reply) -> None:
        method = name_of(query)
        self._client.standing.permit(method, query)
        self._runner.spawn(self._queried(method, query, reply), f"query of {self._peer}")
        self._client.unanswered += 1

    async def _queried(self, method: str, query: Query, reply: Reply) -> None:
        """Answer a query, in its own task."""
        SUBJECT.set(self._peer)
        asking = _Asking(
            backend=self._backend,
            journal=self._api.journal,
            token=self._client.standing.whose(method),
            dialect=self._dialect,
            attachments=self._client.attachments,
            watches=self._watches,
        )
        began = self._client.standing.now()
        problem: CallApiError | None = None
        try:
            result = await self._answer(query, asking)
        except CallApiError as error:
            problem = error
            reply.error(error)
        else:
            reply.result(result, asking.then)
        finally:
            self._client.unanswered -= 1
        self._client.standing.tell(method, query.to_params(), began=began, outcome=problem or "ok")

    async def _answer(self, query: Query, asking: "_Asking") -> bytes:
        """Return the answer to a query.

        Raises:
            CallApiError: There is none.
        """
        ceiling = self._api.limits.ceiling
        try:
            async with asyncio.timeout(ceiling):
                return _encode(await query.answer(asking))
        except TimeoutError:
            raise CommandTimeout(ceiling) from None
        except CallApiError:
            raise
        except Exception as exc:
            logger.exception("failed unexpectedly")
            raise InternalError from exc

    def deliver(self, answer: bytes | None, then: Then | None) -> None:
        """Send an answer, then do the rest; what goes wrong must not harm who runs the command."""
        if self._is_closed:
            return
        try:
            if answer is not None:
                self._notify(answer)
            if then is not None:
                then()
        except Exception:
            logger.exception("could not be answered", extra=self._about)

    def _log_and_send(self, text: bytes) -> None:
        logger.debug("> %r", text, extra=self._about)
        self._send(text)


@dataclass(kw_only=True, slots=True)
class _Asking:
    """One client that asks one query."""

    backend: Backend
    journal: Journal
    token: str | None
    dialect: DialectName
    attachments: Attachments
    watches: Watches
    then: Then | None = None

    def attach(self, record: Record, after: int) -> None:
        self.attachments.check()
        self.then = self.attachments.attach(record, after)

    def watch(self, callid: CallId | None) -> None:
        self.watches.ask_for(callid)
        self.then = partial(self.watches.begin, callid)

    def unwatch(self, callid: CallId | None) -> None:
        self.watches.end(callid)


_encode: Final = msgspec.json.Encoder().encode

_canonical: Final = msgspec.json.Encoder(order="deterministic").encode
"""One text for all that means the same: fields in their order, the members of Echo sorted."""
