"""``call-api --check``: what the daemon would do with these settings."""

import re

from call_api.config import Config
from call_api.settings import Settings
from call_api.transports.listener import CannotListen, authority, open_sockets


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
    for host, port in wanted:
        try:
            for opened in await open_sockets(host, port):
                opened.close()
        except CannotListen as exc:
            problems.append(exc)
    return problems


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
