"""A subcommand of every method of the API, made from its class."""

import inspect
import json

import click
import msgspec

from call_api.commands import COMMANDS, QUERIES
from call_api.commands.base import Method
from call_api.model import SipUri
from call_api.options import Command
from call_api_client.client import Client
from call_api_client.exchange import ATTACH, WATCH
from call_api_client.params import BadParams, read_words
from call_api_client.statuses import Status
from call_cmd.desk import Desk
from call_cmd.names import PhoneBook
from call_cmd.options import common_options
from call_cmd.watching import Wanted

METHODS: dict[str, type[Method]] = {**COMMANDS, **QUERIES}


def method_command(name: str) -> click.Command | None:
    """Return the subcommand for a method in any of its spellings, or None if there is none."""
    for method, kind in METHODS.items():
        if name == method or name in kind.aliases:
            return _make(method, kind)
    return None


def parameters_of(kind: type[Method]) -> dict[str, str]:
    """Return the parameters of a method, and how help writes them: optional ones in brackets."""
    if kind.takes_anything:
        return {}
    fields = msgspec.structs.fields(kind)
    return {field.name: field.name if field.required else f"[{field.name}]" for field in fields}


def _make(method: str, kind: type[Method]) -> click.Command:
    @click.command(method, cls=Command, help=_help(method, kind))
    @common_options
    @click.argument("words", nargs=-1, metavar="[KEY=VALUE]...")
    @click.pass_context
    def command(ctx: click.Context, words: tuple[str, ...]) -> int:
        try:
            params = read_words(words)
        except BadParams as exc:
            raise click.UsageError(str(exc), ctx) from exc
        desk = Desk(ctx)
        wanted = _typed(kind, params, desk.book)
        if method in COMMANDS:
            return desk.command(method, wanted)
        if method == ATTACH:
            return desk.follow(method, wanted)
        if method == WATCH and (watched := _watched(wanted)) is not None:
            return desk.watch(watched)
        return desk.ask(lambda client: _ask(desk, client, method, wanted))

    return command


def _watched(params: dict[str, object]) -> Wanted | None:
    """Return what a CallWatch with good parameters shows; of others the daemon says more."""
    callid = params.get("callid", "")
    if params.keys() - {"callid"} or not isinstance(callid, str):
        return None
    return Wanted(callid=callid if "callid" in params else None, is_plain=True)


async def _ask(desk: Desk, client: Client, method: str, params: dict[str, object]) -> Status:
    result = await client.ask(method, **params)
    if desk.is_json:
        desk.out.json(json.dumps(result, ensure_ascii=False))
    else:
        for line in json.dumps(result, ensure_ascii=False, indent=2).split("\n"):
            desk.out.line((line, ""))
    return Status.OK


def _typed(kind: type[Method], params: dict[str, object], book: PhoneBook) -> dict[str, object]:
    """Return what was typed as the method wants it: names as URIs, digits as numbers."""
    typed = dict(params)
    for field in msgspec.structs.fields(kind):
        value = params.get(field.name)
        if not isinstance(value, str):
            continue
        if field.type in (SipUri, SipUri | None):
            typed[field.name] = book.uri(value)
        elif isinstance(field.default, int) and value.isdecimal():
            typed[field.name] = int(value)
    return typed


def _help(method: str, kind: type[Method]) -> str:
    sentence = (inspect.getdoc(kind) or "").partition("\n\n")[0]
    words = parameters_of(kind)
    given = " ".join(f"{name}=..." for name, word in words.items() if name == word)
    parameters = " ".join(words.values()) or ("anything" if kind.takes_anything else "none")
    return (
        f"{sentence}\n\nKEY=VALUE is a parameter that is text, KEY:=VALUE one that is JSON.\n\n"
        f"\b\nParameters: {parameters}\nExample:    call-cmd {method} {given}".rstrip()
    )
