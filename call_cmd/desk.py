"""Where every subcommand goes: configuration read, daemon called, its words shown."""

import sys
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from call_api.config import CmdConfig, Log
from call_api_client.client import Client
from call_api_client.keys import read_keys
from call_api_client.messages import Answer, Step
from call_api_client.session import Connect, Session
from call_api_client.statuses import Status
from call_api_client.target import BadCommandLine, Target, read_settings
from call_api_client.terminal import Screen, is_dumb
from call_cmd.callids import AmbiguousCallId, shortened, whole
from call_cmd.names import PhoneBook
from call_cmd.options import TOOL, is_direct, wants_json
from call_cmd.render import Narrator

if TYPE_CHECKING:
    from call_cmd.watching import Wanted

GRACE = 5.0
"""Seconds beyond ``-timeout`` that a command has to tell that it has timed out."""

CALLIDS = ("callid", "callid_a", "callid_b", "callidA", "callidB")
"""Parameters that name a call."""


class Desk:
    """Serves one run of call-cmd.

    Attributes:
        book: Knows who is meant by a name.
        is_json: Whether a program reads stdout.
        out: Stdout.
        errors: Stderr.
        draws: Whether a person sits before a terminal whose whole screen can be drawn.

    Raises:
        BadCommandLine: A setting is wrong.
    """

    def __init__(self, ctx: click.Context) -> None:
        self._target = Target.of(ctx)
        config = read_settings(CmdConfig, self._target.config)
        _log_as(config.log)
        self._direct = _without_a_daemon(config) if is_direct(ctx) else None
        self._url = self._target.websocket_url(config, "v2")
        self._keys = read_keys(self._target, config.client)
        self._again = f"{TOOL} {self._target.words}".strip()
        self.book = PhoneBook(config.sip.domain, config.contacts)
        self.is_json = wants_json(ctx)
        self.out = Screen(sys.stdout)
        self.errors = Screen(sys.stderr)
        self.draws = self.out.is_terminal and not self.is_json and not is_dumb()

    def command(self, method: str, params: Mapping[str, object]) -> Status:
        """Run a command of the API to its end, and tell its story.

        Args:
            params: Those that are None are left out. For people Call-IDs may be shortened.
        """
        given = {name: value for name, value in params.items() if value is not None}
        given.setdefault("cmd_id", str(uuid.uuid4()))
        timeout = self._target.timeout
        if timeout is not None:
            given.setdefault("timeout", timeout)
        session = self._session(None if timeout is None else timeout + GRACE)

        async def story(client: Client) -> Status:
            try:
                wanted = given if self.is_json else await _with_whole_callids(client, given)
            except AmbiguousCallId as exc:
                return self._ask_for_more(session, exc)
            return await self._follow(session, client, method, wanted)

        return session.run(story)

    def follow(self, method: str, params: Mapping[str, object]) -> Status:
        """Send a request that starts nothing, and tell the story of the command it follows."""
        session = self._session(self._target.timeout)
        return session.run(lambda client: self._follow(session, client, method, params))

    def watch(self, wanted: "Wanted") -> Status:
        """Show what happens to calls. For people the Call-ID may be shortened."""
        session = self._session(self._target.timeout)

        async def story(client: Client) -> Status:
            try:
                callid = wanted.callid
                if callid is not None and not self.is_json:
                    callid = await whole(client, callid)
                return await self._watch(session, client, replace(wanted, callid=callid))
            except AmbiguousCallId as exc:
                return self._ask_for_more(session, exc)

        return session.run(story)

    def ask(self, story: Callable[[Client], Awaitable[Status]]) -> Status:
        """Connect and do what ``story`` does."""
        return self._session(self._target.timeout).run(story)

    async def _watch(self, session: Session, client: Client, wanted: "Wanted") -> Status:
        if self.draws and not wanted.is_plain:
            from call_cmd.watching_live import COME_BACK_WITHIN, draw

            return await draw(self, session.link(COME_BACK_WITHIN), wanted)
        from call_cmd.watching import tell

        return await tell(self, client, wanted)

    def _ask_for_more(self, session: Session, exc: AmbiguousCallId) -> Status:
        session.complain(str(exc))
        for callid in exc.callids:
            self.errors.line((f"  {callid}", "bold"))
        return Status.USAGE

    def _session(self, within: float | None) -> Session:
        return Session(
            TOOL,
            self._url,
            within=within,
            errors=self.errors,
            to_attach=f"{self._again} attach ",
            to_cancel=f"{self._again} cancel ",
            keys=self._keys,
            direct=self._direct,
        )

    async def _follow(
        self, session: Session, client: Client, method: str, params: Mapping[str, object]
    ) -> Status:
        narrator = Narrator(method, params, self.book)

        def show(message: Answer | Step) -> None:
            if self.is_json:
                self.out.json(narrator.json(message))
                return
            for line in narrator.lines(message):
                self.out.line(*line)
            if message.failure is not None:
                session.refuse(message.failure)

        try:
            replies = client.request(method, params)
        except ValueError as exc:
            session.complain(f"JSON cannot say these parameters: {exc}")
            return Status.USAGE
        status = await session.follow(replies, show, _text(params.get("cmd_id")))
        if status is Status.OK and method == "CallStart":
            self._advise(replies.request.callid)
        return status

    def _advise(self, callid: str | None) -> None:
        """Tell a person what to do with the call that was made. Programs know."""
        if callid is None or self.is_json or not self.out.is_terminal:
            return
        if self.errors.is_terminal:
            self.errors.line(
                (f"hold, transfer or end it: {self._again} hold {shortened(callid)}", "dim")
            )


def _without_a_daemon(config: CmdConfig) -> Connect:
    from call_cmd.direct import connector

    return connector(config)


def _log_as(settings: Log) -> None:
    """Log as the settings say; without a word of them Python shows warnings on stderr."""
    if settings == CmdConfig().log:
        return
    from call_api.logs import set_up

    try:
        set_up(settings)
    except OSError as exc:
        raise BadCommandLine(f"log.file_path: {settings.file_path}: {exc.strerror}") from exc


async def _with_whole_callids(client: Client, params: Mapping[str, object]) -> Mapping[str, object]:
    """Return the parameters with every shortened Call-ID in full."""
    typed = {name: value for name, value in params.items() if name in CALLIDS}
    found = {
        name: await whole(client, value) for name, value in typed.items() if isinstance(value, str)
    }
    return {**params, **found}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
