"""A proxy without sockets: answers MI requests as a test wants, and raises events."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from call_api.backends.base import ACTING
from call_api.backends.opensips.client import MiChannel, ProxyClient
from call_api.backends.opensips.event_table import EventTable
from call_api.backends.opensips.keeper import Keeper
from call_api.backends.opensips.mi import MiError
from call_api.backends.opensips.patience import Patience
from call_api.backends.opensips.proxies import Proxies
from call_api.backends.opensips.recent_dialogs import RecentDialogs
from call_api.backends.opensips.shared import Shared
from call_api.errors import CallApiError
from call_api.model import CallId, SipUri
from call_api.spare_timers import SpareTimers

SILENCE = object()
"""No answer at all."""


class Later:
    """An answer that the test gives when it wants to."""

    def __init__(self) -> None:
        self.answer: Callable[[object], None] = lambda _: None


Answer: TypeAlias = Any
"""A result, a `MiError`, `SILENCE`, a `Later`, or a function of the parameters that gives one."""


class ScriptedProxy:
    """A channel to a proxy that does what the test says.

    Attributes:
        asked: Every request, as method and parameters.
        ids: Their ids.
        forgotten: The ids of requests that were given up.
        is_there: Whether it can be connected to.
    """

    def __init__(self, table: EventTable | None = None) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.ids: list[int] = []
        self.forgotten: list[int] = []
        self.is_there = True
        self.is_closed = False
        self._table = EventTable() if table is None else table
        self._answers: dict[str, list[Answer]] = defaultdict(list)
        self._client: ProxyClient | None = None
        self.answers("uptime", {"Up since": "yesterday"})
        self.answers("event_subscribe", "OK")

    local_host = "127.0.0.1"
    peer_host = "127.0.0.2"

    async def connect(self, client: ProxyClient) -> MiChannel:
        """As `ProxyClient` wants it."""
        if not self.is_there:
            raise ConnectionRefusedError(111, "Connection refused")
        self._client = client
        return self

    def answers(self, method: str, *answers: Answer) -> None:
        """Answer this method so from now on: one after the other, the last one for good."""
        self._answers[method] = list(answers)

    def raises(self, name: str, **params: object) -> None:
        """Raise an event."""
        data = {"jsonrpc": "2.0", "method": name, "params": params}
        self._table.receive(json.dumps(data).encode())

    def methods(self) -> list[str]:
        """What was asked, without the daemon's own questions."""
        return [name for name, _ in self.asked if name not in ("uptime", "event_subscribe")]

    def send(self, request_id: int, data: bytes) -> None:
        request = json.loads(data)
        method, params = request["method"], request["params"]
        self.asked.append((method, params))
        self.ids.append(request_id)
        answers = self._answers[method]
        if not answers:
            raise AssertionError(f"the test has no answer to {method} {params}")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self._give(request_id, answer(params) if callable(answer) else answer)

    def forget(self, request_id: int) -> None:
        self.forgotten.append(request_id)

    def close(self) -> None:
        self.is_closed = True

    def die(self) -> None:
        """Be gone, as a socket tells it."""
        assert self._client is not None
        self._client.fail(None, "Connection refused")

    def _give(self, request_id: int, answer: Answer) -> None:
        if answer is SILENCE:
            return
        if isinstance(answer, Later):
            answer.answer = lambda given: self._give(request_id, given)
            return
        reply: dict[str, object] = {"jsonrpc": "2.0", "id": request_id}
        if isinstance(answer, MiError):
            reply["error"] = {"code": answer.code, "message": answer.reason}
        else:
            reply["result"] = answer
        assert self._client is not None
        loop = asyncio.get_running_loop()
        loop.call_soon(self._client.receive, json.dumps(reply).encode())


class Acting:
    """The right of a command to act; counts how often it was asked for."""

    def __init__(self, callid: str = "first-leg") -> None:
        self.callid = CallId(callid)
        self.times = 0

    async def may_act(self) -> None:
        self.times += 1


class NoEvents:
    """Where events come in, for a client that nobody subscribes for."""

    def __init__(self) -> None:
        self.expected: set[str] = set()

    def socket(self, local_host: str) -> str:
        return f"udp:{local_host}:9"

    def expect(self, host: str) -> None:
        self.expected.add(host)


def proxy_client(proxy: ScriptedProxy, name: str = "proxy", **settings: Any) -> ProxyClient:
    """A client of a scripted proxy that nobody has looked after yet."""
    uri = SipUri(f"sip:{name}:5060")
    return ProxyClient(name=name, sip_uri=uri, connect=proxy.connect, **settings)


@asynccontextmanager
async def shared_with(
    count: int = 1, *, patience: Patience | None = None, **settings: Any
) -> AsyncIterator[tuple[Shared, list[ScriptedProxy]]]:
    """What flows share, and the scripted proxies behind it, ready; `ACTING` is set."""
    ACTING.set(Acting())
    table, recent = EventTable(), RecentDialogs(asyncio.get_running_loop().time)
    table.listen_to_all(recent.receive)
    proxies = [ScriptedProxy(table) for _ in range(count)]
    clients = [
        proxy_client(proxy, f"proxy{number}", **settings) for number, proxy in enumerate(proxies)
    ]
    async with Keeper() as keeper:
        for client in clients:
            await client.look(NoEvents(), renew=True)
        yield (
            Shared(
                proxies=Proxies(clients),
                table=table,
                recent=recent,
                keeper=keeper,
                patience=patience or Patience(),
                timers=SpareTimers(asyncio.get_running_loop()),
            ),
            proxies,
        )
        await keeper.finish_all()


def listed(callid: str, state: int = 4, **values: Any) -> dict[str, Any]:
    """The answer to a question for one dialog."""
    return {"Dialog": entry(callid, state, **values)}


def entry(callid: str, state: int = 4, **values: Any) -> dict[str, Any]:
    """A dialog as it is listed, with what callops has noted on it."""
    return {
        "ID": f"id-{callid}",
        "state": state,
        "timestart": 1795391377,
        "callid": callid,
        "from_uri": "sip:alice@127.0.0.1",
        "to_uri": "sip:bob@127.0.0.1",
        "caller_tag": "tag-1",
        "CALLEES": [{"callee_tag": "tag-2", "caller_cseq": "258"}],
        "context": {"values": [{name: value} for name, value in values.items()]},
    }


async def steps_of(stream: Any) -> tuple[list[str], CallApiError | None]:
    """Run a stream to its end: its steps in short, and how it failed."""
    told = []
    try:
        async with stream as steps:
            async for step in steps:
                leg = f"{step.leg} " if hasattr(step, "leg") else ""
                told.append(leg + (getattr(step, "status", "") or step.state))
    except CallApiError as failed:
        return told, failed
    return told, None
