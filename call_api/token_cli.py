"""call-api token: makes, lists and revokes the tokens that clients need."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from call_api.options import Complaint, Decorated, Group, option

if TYPE_CHECKING:
    from call_api.config_access import Auth, Token

HELP = """Make, list and revoke tokens.

They are kept in the file that auth.token_file names, as digests: a token itself is printed once,
when it is made. A daemon that runs takes note of changes on SIGHUP.
"""

NEW = """Make the token NAME, and print it: it can never be seen again.

NAME says whose the calls and commands are that it starts. SCOPE is a method, read, control or all;
PATTERN is user@host, with * for any characters. These options may be repeated.
"""

_UNITS: Final = {"m": 60, "h": 3600, "d": 86400}


class WrongUse(Complaint):
    """An argument or a setting is wrong: one line on stderr, exit status 2."""

    exit_code = 2


def _shared(command: Decorated) -> Decorated:
    file, config = (
        option(
            "--file",
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="The file of the tokens, instead of auth.token_file.",
        ),
        option(
            "--config",
            "config_path",
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="Read these settings instead of those that are found.",
        ),
    )
    return file(config(command))


@click.group("token", cls=Group, help=HELP, short_help="Make, list and revoke tokens.")
def token() -> None:
    """Make, list and revoke tokens."""


@token.command("new", help=NEW, short_help="Make a token, and print it.")
@click.argument("name")
@option("--scope", multiple=True, metavar="SCOPE", help="What it may do; control by default.")
@option("--expires", default="", metavar="WHEN", help="When it ends: 2027-01-31, 30d, 12h.")
@option("--caller", multiple=True, metavar="PATTERN", help="Who may be made to call.")
@option("--callee", multiple=True, metavar="PATTERN", help="Who may be called.")
@_shared
@click.pass_obj
def new(
    before: Path | None,
    /,
    config_path: Path | None,
    file: Path | None,
    name: str,
    expires: str,
    **lists: tuple[str, ...],
) -> int:
    """Make a token."""
    import secrets

    from call_api.access.tokens import TOKEN_BYTES, new_token

    auth, path = _place(config_path or before, file)
    made = new_token(secrets.token_bytes(TOKEN_BYTES))
    kept = _token(name, made, expires, lists)
    if name in auth.tokens:
        raise Complaint(f"{name}: auth.tokens has one of this name")
    with _editing(path) as tokens:
        if name in tokens:
            raise Complaint(f"{name}: {path} has one of this name; revoke it first")
        tokens[name] = kept
    click.echo(made)
    _advise(f"{name} is in {path}", auth, path)
    return 0


@token.command("list", short_help="List the tokens.")
@option("--json", "as_json", is_flag=True, help="Print one JSON object a token, for scripts.")
@_shared
@click.pass_obj
def list_(before: Path | None, config_path: Path | None, file: Path | None, as_json: bool) -> int:
    """List the tokens: what each may do, whom it may call, and when it ends."""
    from call_api.access.token_file import BadTokenFile, read_tokens

    auth = _auth(config_path or before)
    path = file or (Path(auth.token_file) if auth.token_file else None)
    try:
        tokens = {**auth.tokens, **(read_tokens(path) if path else {})}
    except BadTokenFile as exc:
        raise Complaint(str(exc)) from exc
    for line in _lines(tokens, as_json=as_json):
        click.echo(line)
    if not tokens:
        click.echo("no tokens", err=True)
    return 0


@token.command("revoke", short_help="Take tokens back.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@_shared
@click.pass_obj
def revoke(
    before: Path | None, config_path: Path | None, file: Path | None, names: tuple[str, ...]
) -> int:
    """Take tokens back. The daemon closes their connections as soon as it takes note."""
    auth, path = _place(config_path or before, file)
    with _editing(path) as tokens:
        for name in names:
            if name in auth.tokens:
                raise Complaint(f"{name}: it is in auth.tokens of call-api.yml: take it out there")
            if tokens.pop(name, None) is None:
                raise Complaint(f"{name}: no such token in {path}")
    _advise(f"{', '.join(names)}: no more in {path}", auth, path)
    return 0


def _auth(config_path: Path | None) -> "Auth":
    from call_api.config import Config
    from call_api.settings import ConfigError, load

    try:
        return load(Config, config_path).config.auth
    except ConfigError as exc:
        raise WrongUse(str(exc)) from exc


def _place(config_path: Path | None, file: Path | None) -> "tuple[Auth, Path]":
    """Return the settings, and the file that is to be edited."""
    auth = _auth(config_path)
    if file is None and not auth.token_file:
        raise WrongUse("no file for tokens: name one by auth.token_file in call-api.yml, or --file")
    return auth, file or Path(auth.token_file)


@contextmanager
def _editing(path: Path) -> "Iterator[dict[str, Token]]":
    from call_api.access.token_file import BadTokenFile, editing

    try:
        with editing(path) as tokens:
            yield tokens
    except BadTokenFile as exc:
        raise Complaint(str(exc)) from exc


def _token(name: str, made: str, expires: str, lists: Mapping[str, tuple[str, ...]]) -> "Token":
    """Return what is kept of a token.

    Raises:
        WrongUse: It would be none.
    """
    from call_api.access.tokens import digest_of, identity_of
    from call_api.config_access import Token, TokenName, UriPattern, When

    kept = Token(
        sha256=digest_of(made),
        scopes=lists["scope"] or ("control",),
        expires=_until(expires),
        callers=lists["caller"],
        callees=lists["callee"],
    )
    _check("NAME", TokenName, name)
    _check("--expires", When, kept.expires)
    _check("--caller", UriPattern, *kept.callers)
    _check("--callee", UriPattern, *kept.callees)
    try:
        identity = identity_of(name, kept)
    except ValueError as exc:
        raise WrongUse(str(exc)) from exc
    if identity.expires <= time.time():
        raise WrongUse(f"--expires: expected a time to come, not {expires!a}")
    return kept


def _check(what: str, wanted: object, *values: str) -> None:
    import msgspec

    from call_api.setting_types import words

    for value in values:
        try:
            msgspec.convert(value, wanted)
        except msgspec.ValidationError:
            raise WrongUse(f"{what}: expected {words(wanted)}, not {value!a}") from None


def _until(expires: str) -> str:
    """Return the time after a while, as in ``30d``; anything else as it is."""
    from datetime import UTC, datetime, timedelta

    found = re.fullmatch(r"([0-9]{1,6})([mhd])", expires)
    if not found:
        return expires
    end = datetime.now(UTC) + timedelta(seconds=int(found[1]) * _UNITS[found[2]])
    return end.strftime("%Y-%m-%dT%H:%M:%SZ")


def _advise(done: str, auth: "Auth", path: Path) -> None:
    read = auth.token_file and Path(auth.token_file).absolute() == path.absolute()
    then = "SIGHUP makes a daemon read it" if read else "auth.token_file has to name it"
    click.echo(f"{done}; {then}", err=True)


def _lines(tokens: "Mapping[str, Token]", *, as_json: bool) -> Iterator[str]:
    from call_api.access.tokens import identity_of

    width = max(map(len, tokens), default=0)
    for name, its in sorted(tokens.items()):
        lists = {"scopes": its.scopes, "callers": its.callers, "callees": its.callees}
        if as_json:
            yield json.dumps({"name": name, "expires": its.expires or None, **lists})
            continue
        said = [f"{what} {' '.join(words)}" for what, words in lists.items() if words]
        is_over = identity_of(name, its).expires <= time.time()
        until = f"{'ended' if is_over else 'until'} {its.expires}"
        end = until if its.expires else "for ever"
        yield f"{name:{width}}  {end:26}  {', '.join(said)}"
