"""The settings of call-cmd as they hold for one command line, each with where it comes from."""

import json
from dataclasses import dataclass
from typing import Any

import msgspec

from call_api.config import CmdConfig
from call_api.setting_types import is_secret
from call_api.settings import ConfigError, leaves, load
from call_api_client.target import BadCommandLine, Target

DEFAULT = "default"


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """One setting.

    Attributes:
        key: As in ``ws_server.port``; ``url``: where the daemon is, after all.
        value: Ready for JSON; of a secret only whether there is one.
        origin: ``FILE:LINE``, a variable, an option, or ``default``.
    """

    key: str
    value: Any
    origin: str

    @property
    def is_default(self) -> bool:
        """Whether nobody has set it."""
        return self.origin == DEFAULT

    @property
    def text(self) -> str:
        """The value for people: text as it is, everything else as JSON."""
        return self.value if isinstance(self.value, str) else json.dumps(self.value)

    def as_members(self) -> dict[str, object]:
        """Return what ``--json`` shows."""
        return {"key": self.key, "value": self.value, "from": self.origin}


def effective(target: Target) -> list[Value]:
    """Return every setting, in the order of the configuration file, and last the URL.

    Raises:
        BadCommandLine: A setting is wrong.
    """
    try:
        settings = load(CmdConfig, target.config)
    except ConfigError as exc:
        raise BadCommandLine(str(exc)) from exc
    values = [
        Value(
            key=key,
            value=_shown(settings.config, key, kind),
            origin=settings.origins.get(key, DEFAULT),
        )
        for key, kind in leaves(CmdConfig).items()
    ]
    said = _said(target)
    url = Value(
        key="url",
        value=target.websocket_url(settings.config, "v2"),
        origin="-url" if target.url else "ws_server",
    )
    return [*(said.get(value.key, value) for value in values), url]


def _said(target: Target) -> dict[str, Value]:
    """Return the settings that the command line overrides."""
    options = (
        ("ws_server.host", "-wshost", target.wshost),
        ("ws_server.port", "-wsport", target.wsport),
        ("client.token_file", "-token-file", target.token_file and str(target.token_file)),
        ("client.ca_file", "-ca-file", target.ca_file and str(target.ca_file)),
    )
    return {
        key: Value(key=key, value=value, origin=option)
        for key, option, value in options
        if value is not None
    }


def _shown(config: CmdConfig, key: str, kind: Any) -> Any:
    section, _, leaf = key.rpartition(".")
    value = getattr(getattr(config, section) if section else config, leaf)
    if is_secret(kind):
        return "(set)" if value else ""
    return msgspec.to_builtins(value)
