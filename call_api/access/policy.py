"""The settings about access, and the files they name -> a policy."""

from collections.abc import Mapping
from pathlib import Path

from call_api.access.access import Policy
from call_api.access.token_file import BadTokenFile, read_tokens
from call_api.access.tokens import Tokens
from call_api.access.web_tokens import WebTokens
from call_api.config import Config
from call_api.config_access import Jwt, Token
from call_api.config_types import is_loopback


def read_policy(config: Config) -> Policy:
    """Return what the settings and the files that they name say.

    Raises:
        ValueError: One of them is wrong: ``key: what was expected``.
    """
    auth = config.auth
    found = _tokens(auth.tokens, auth.token_file)
    try:
        tokens = Tokens(found)
    except ValueError as exc:
        raise ValueError(f"auth.tokens.{exc}") from exc
    return Policy(
        wants_token=auth.wants_token,
        tokens=tokens,
        web_tokens=_web_tokens(auth.jwt) if auth.jwt.algorithm else None,
        limits=config.limits,
    )


def check_exposure(config: Config) -> None:
    """Return if it is known who may come in from elsewhere.

    Raises:
        ValueError: Anybody might: ``key: what was expected``.
    """
    auth, host = config.auth, config.ws_server.host
    if not auth.wants_token and auth.mode != "none" and not is_loopback(host):
        raise ValueError(
            "ws_server.host: expected loopback, such as localhost, as long as there is no token: "
            "call-api token new makes one; `auth: none` lets anybody in"
        )


def _tokens(configured: Mapping[str, Token], path: str) -> dict[str, Token]:
    if not path:
        return dict(configured)
    try:
        filed = read_tokens(Path(path))
    except BadTokenFile as exc:
        raise ValueError(f"auth.token_file: expected a file of tokens: {exc}") from exc
    if twice := configured.keys() & filed.keys():
        raise ValueError(f"auth.token_file: expected no {min(twice)}, which auth.tokens has")
    return {**configured, **filed}


def _web_tokens(settings: Jwt) -> WebTokens:
    key = settings.secret if settings.algorithm == "HS256" else _read_key(settings.key_file)
    try:
        return WebTokens(settings, key)
    except ValueError as exc:
        raise ValueError(f"auth.jwt.{exc}") from exc


def _read_key(path: str) -> str:
    try:
        return Path(path).read_text("ascii")
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is no PEM"
        raise ValueError(f"auth.jwt.key_file: expected a PEM file: {why}") from exc
