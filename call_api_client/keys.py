"""What lets a client in: its token, and whom it trusts."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from call_api_client.target import BadCommandLine, Target

if TYPE_CHECKING:
    from call_api.config_access import Client
    from call_api.transports.tls import ClientTls

MAX_BYTES = 16_384


@dataclass(frozen=True)
class Keys:
    """What a connection needs besides the URL. None: nothing."""

    token: str | None = field(default=None, repr=False)
    tls: "ClientTls | None" = None


def read_keys(target: Target, settings: "Client") -> Keys:
    """Return what the command line and the settings name.

    Raises:
        BadCommandLine: A file cannot be read, or holds no token.
    """
    from call_api.transports.tls import ClientTls

    file = target.token_file or (Path(settings.token_file) if settings.token_file else None)
    tls = ClientTls(
        ca_file=str(target.ca_file or settings.ca_file),
        certificate=settings.certificate,
        key=settings.key,
    )
    return Keys(_read_token(file) if file is not None else settings.token or None, tls)


def _read_token(path: Path) -> str:
    """Return the only word in a file. Errors do not show it."""
    try:
        with path.open("rb") as file:
            words = file.read(MAX_BYTES + 1).decode("ascii").split()
    except UnicodeDecodeError:
        words = []
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the name
        why = exc.strerror if isinstance(exc, OSError) else exc
        raise BadCommandLine(f"the token file {path} cannot be read: {why}") from exc
    if len(words) != 1 or not _is_token(words[0]):
        raise BadCommandLine(f"the token file {path} holds no token: one word is expected")
    return words[0]


def _is_token(word: str) -> bool:
    import msgspec

    from call_api.config_access import TokenText

    try:
        msgspec.convert(word, TokenText)
    except msgspec.ValidationError:
        return False
    return True
