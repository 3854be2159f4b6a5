"""Where the daemon is: from the command line and the configuration to one URL."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from call_api.options import Complaint, Decorated, option
from call_api_client.terminal import escape
from call_api_client.urls import dialect_of, with_dialect

if TYPE_CHECKING:
    from call_api.config import CmdConfig, CmdWsServer, Config, WsServer
    from call_api.config_types import Section

T = TypeVar("T", bound="Section")

WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "localhost"}  # noqa: S104  (nothing is bound here)
"""Where a client finds a daemon that listens everywhere: call-api.yml says how it listens."""


class BadCommandLine(Complaint):
    """The command line, or the configuration, is wrong."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(escape(message))


@dataclass
class Target:
    """What the command line says about the daemon. None: nothing.

    Attributes:
        config: The configuration file.
        timeout: Seconds.
        token_file: What says to the daemon who we are.
        ca_file: Whom to trust.
    """

    url: str | None = None
    wshost: str | None = None
    wsport: int | None = None
    dialect: str | None = None
    config: Path | None = None
    timeout: float | None = None
    token_file: Path | None = None
    ca_file: Path | None = None

    @classmethod
    def of(cls, ctx: click.Context) -> "Target":
        """Return what the command and the groups above it were told."""
        target: Target = ctx.meta.setdefault(__name__, cls())
        return target

    @property
    def words(self) -> str:
        """The options that another command line needs to reach the same daemon."""
        names = ("url", "wshost", "wsport", "config", "token_file", "ca_file")
        given = {name.replace("_", "-"): getattr(self, name) for name in names}
        said = [(f"-{name}", str(value)) for name, value in given.items() if value is not None]
        return shlex.join(word for pair in said for word in pair)

    def every_option(self) -> list[str]:
        """Return the words that say all of this again, on another command line."""
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        return [
            f"--{name.replace('_', '-')}={value}"
            for name, value in given.items()
            if value is not None
        ]

    def websocket_url(
        self, config: "Config | CmdConfig", default_dialect: str | None = None
    ) -> str:
        """Return the URL to connect to.

        Args:
            config: What the configuration says; with ``-url`` nothing of it counts here.
            default_dialect: The dialect to ask for when neither the command line nor ``-url``
                names one; None leaves the choice to the daemon.

        Raises:
            BadCommandLine: Two settings contradict each other, or there is no port.
        """
        if self.url is not None:
            return _with_dialect(self.url, self.dialect)
        server = config.ws_server
        host = (self.wshost or WILDCARDS.get(server.host, server.host)).strip("[]")
        port = self.wsport or server.port
        if not port:
            raise BadCommandLine("ws_server.port is 0: say with -wsport which one the daemon took")
        is_secure = self.ca_file or config.client.wants_tls or _has_certificate(server)
        scheme = "wss" if is_secure else "ws"
        url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{server.http_path}"
        return _with_dialect(url, self.dialect or default_dialect)


def _has_certificate(server: "WsServer | CmdWsServer") -> bool:
    tls = getattr(server, "tls", None)  # call-api.yml says how the daemon listens
    return tls is not None and bool(tls.certificate)


def read_settings(kind: "type[T]", path: Path | None) -> "T":
    """Return the configuration.

    Args:
        kind: Which one: `Config` or `CmdConfig`.
        path: The file to read; by default the first that is found.

    Raises:
        BadCommandLine: A setting is wrong.
    """
    from call_api.settings import ConfigError, load

    try:
        return load(kind, path).config
    except ConfigError as exc:
        raise BadCommandLine(str(exc)) from exc


def target_options(command: Decorated) -> Decorated:
    """Add the options that fill a `Target`."""
    for add in reversed(_OPTIONS):
        command = add(command)
    return command


def _with_dialect(url: str, dialect: str | None) -> str:
    named = dialect_of(url)
    if dialect is None or named == dialect:
        return url
    if named is not None:
        raise BadCommandLine(f"-dialect {dialect} contradicts -url, which ends in /{named}")
    return with_dialect(url, dialect)


def _port(text: str | int) -> int:
    if not str(text).isdecimal() or not 1 <= int(text) <= 65535:
        raise click.BadParameter(f"{text!r} is no port, 1 to 65535.")
    return int(text)


def _seconds(text: str | float) -> float:
    """Return a duration: a number, more than 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise click.BadParameter(f"{text!r} is no number of seconds, more than 0.")
    return seconds


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """The option stands before or after a subcommand; what stands last counts."""
    if value is not None and param.name is not None:
        setattr(Target.of(ctx), param.name, value)


def _option(*names: str, **attrs: Any) -> Callable[[Decorated], Decorated]:
    remember = {"expose_value": False, "callback": _remember, "section": "Connection"}
    return option(*names, **remember, **attrs)


_OPTIONS = (
    _option("--url", metavar="URL", help="The daemon, as in ws://localhost:5059/call-api."),
    _option("--wshost", "--host", "wshost", metavar="HOST", help="Its host.  [default: localhost]"),
    _option(
        "--wsport",
        "--port",
        "wsport",
        type=_port,
        metavar="PORT",
        help="Its port.  [default: 5059]",
    ),
    _option("--dialect", type=click.Choice(["v1", "v2"]), help="What to speak there."),
    _option("--config", type=Path, metavar="FILE", help="The configuration file to read."),
    _option(
        "--token-file", type=Path, metavar="FILE", help="A file with the token that lets us in."
    ),
    _option("--ca-file", type=Path, metavar="FILE", help="A PEM file: whom to trust, with wss."),
    _option("--timeout", type=_seconds, metavar="SECONDS", help="How long the whole may take."),
)
