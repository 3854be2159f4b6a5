"""``call-api --check``: what the daemon would do with these settings."""

import errno
import os
import re
from contextlib import ExitStack
from pathlib import Path

from call_api.config import Config
from call_api.settings import Settings
from call_api.transports.listener import CannotListen, authority, open_sockets
from call_api.transports.tls import server_context


def explain(settings: Settings[Config], config: Config, *, demo: bool) -> str:
    """Return it in words, without any password.

    Args:
        settings: Where the settings come from.
        config: What they are, after the command line has had its say.
        demo: Whether demo phones would register.
    """
    lines = {
        "settings": _sources(settings),
        "clients": _clients(config),
        "access": _access(config),
        "back end": _backend(config),
        "commands": f"end after {config.commands.timeout:g} s at most, are kept for "
        f"{config.commands.keep_for:g} s, have {config.shutdown_within:g} s at shutdown",
        "journal": config.journal.path or "in memory",
        "audit": config.audit.file_path or "no log",
        "log": f"{config.log.level} and above, as {config.log.format}, to "
        f"{config.log.file_path or 'stderr'}",
    }
    if config.backend_name == "embedded":
        lines["users"] = _users(config)
    if demo:
        lines["demo"] = "the phones of alice, bob and carol register"
    return "\n".join(f"{name + ':':<10}{its}" for name, its in lines.items())


async def listening_problems(config: Config) -> list[CannotListen]:
    """Return where the daemon could not listen now, tried out; nothing stays open."""
    wanted = [(config.ws_server.host, config.ws_server.port)]
    if config.backend_name == "embedded":
        wanted.append((config.embedded.host, config.embedded.port))
    problems = []
    with ExitStack() as stack:  # all at once: two may want the same port
        for host, port in wanted:
            try:
                for opened in await open_sockets(host, port):
                    stack.enter_context(opened)
            except CannotListen as exc:
                problems.append(exc)
    return problems


async def backend_problem(config: Config) -> OSError | None:
    """Return why the daemon could not open its back end now, as far as it takes no proxy.

    Raises:
        ValueError: A setting is wrong: ``key: what was expected``.
    """
    if config.backend_name != "opensips":
        return None
    from call_api.backends.opensips.opening import try_settings

    try:
        await try_settings(config)
    except OSError as exc:
        return exc
    return None


def check_files(config: Config) -> None:
    """Look whether the daemon could read and write its files, as far as that shows; none is made.

    Raises:
        ValueError: It could not, or a certificate is none: ``key: what was expected``.
    """
    for key, name in (
        ("log.file_path", config.log.file_path),
        ("audit.file_path", config.audit.file_path),
        ("journal.path", config.journal.path),
    ):
        problem = _why_not_written(Path(name)) if name else 0
        if problem:
            raise ValueError(f"{key}: expected a file that can be written: {os.strerror(problem)}")
    server_context(config.ws_server.tls)


def _why_not_written(path: Path) -> int:
    """Return the number of the error that opening the file to write would meet; 0: none."""
    try:
        if path.is_dir():
            return errno.EISDIR
        wanted, how = (path, os.W_OK) if path.exists() else (path.parent, os.W_OK | os.X_OK)
        wanted.stat()
        return 0 if os.access(wanted, how, effective_ids=True) else errno.EACCES
    except OSError as exc:
        return exc.errno or errno.EIO


def _sources(settings: Settings[Config]) -> str:
    variables = sorted(origin for origin in settings.origins.values() if ":" not in origin)
    file = str(settings.path) if settings.path else "the defaults"
    return ", then ".join([file, *variables])


def _clients(config: Config) -> str:
    server = config.ws_server
    scheme = "wss" if server.tls.certificate else "ws"
    where = authority(server.host, server.port)
    return f"{scheme}://{where}{server.http_path}, which speaks {server.dialect}"


def _access(config: Config) -> str:
    auth = config.auth
    if not auth.wants_token:
        return "anybody, without a token"
    ways = [", ".join(sorted(auth.tokens)), auth.token_file, auth.jwt.algorithm and "JWT"]
    return f"tokens: {'; '.join(way for way in ways if way)}"


def _backend(config: Config) -> str:
    if config.backend_name == "embedded":
        where = authority(config.embedded.host, config.embedded.port)
        domains = ", ".join(config.embedded.domains)
        return f"embedded, phones register at {where} over UDP and TCP; domains: {domains or '-'}"
    urls = [config.mi.url] if isinstance(config.mi.url, str) else config.mi.url
    shown = ", ".join(re.sub("//.*@", "//", url) for url in urls)
    return f"{config.backend_name}, MI at {shown}, events by {config.events.url}"


def _users(config: Config) -> str:
    return ", ".join(sorted(config.embedded.users)) or "anybody, without a password"
