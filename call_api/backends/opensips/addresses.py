"""Where proxies take MI requests and send their events, as the settings say it."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final, Literal

_HOST_PORT: Final = re.compile(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^\[\]:/ ]+)):([0-9]{1,5})")
_HTTP: Final = re.compile(r"http://([^/?#@ ]+)(/[!-~]*)?")


class BadAddress(ValueError):
    """A setting is no address; the message says which, and what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MiAddress:
    """Where one proxy takes MI requests.

    Attributes:
        name: What the proxy is called in logs and errors.
        path: Of the Unix socket, or of the HTTP resource.
    """

    kind: Literal["udp", "unix", "http"]
    name: str
    host: str = ""
    port: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsAddress:
    """Where events come in; an empty host is the one by which the proxy is reached."""

    kind: Literal["udp", "tcp"]
    host: str = ""
    port: int = 0

    def socket(self, local_host: str, port: int) -> str:
        """Return it as the proxy is told.

        Args:
            local_host: Our address, as this proxy reaches it.
            port: The one that is really listened on.
        """
        host = local_host if self.host in _ANY else self.host
        return f"{self.kind}:{_bracketed(host)}:{port}"


_ANY: Final = ("", "0.0.0.0", "::")  # noqa: S104  settings may say so


def parse_mi_url(url: str) -> MiAddress:
    """Return the address that ``mi.url`` or one of its list says.

    Raises:
        BadAddress: It is none.
    """
    if url.startswith("unix:"):
        path = url.removeprefix("unix:")
        if path.startswith("/"):
            return MiAddress(kind="unix", name=path, path=path)
    elif url.startswith("http:"):
        found = _HTTP.fullmatch(url)
        place = _host_port(found[1] if ":" in found[1] else f"{found[1]}:80") if found else None
        if found is not None and place is not None:
            return MiAddress(
                kind="http", name=url, host=place[0], port=place[1], path=found[2] or "/mi"
            )
    else:
        place = _host_port(url.removeprefix("udp:"))
        if place is not None:
            name = f"{_bracketed(place[0])}:{place[1]}"
            return MiAddress(kind="udp", name=name, host=place[0], port=place[1])
    raise BadAddress(
        f"mi.url: expected host:port, udp:host:port, unix:/path or http://host:port/mi, not {url!r}"
    )


def parse_events_url(url: str) -> EventsAddress:
    """Return the address that ``events.url`` says.

    Raises:
        BadAddress: It is none.
    """
    kind, _, rest = url.partition(":")
    if kind == "udp" and not rest:
        return EventsAddress(kind="udp")
    place = _host_port(rest, lowest_port=0)
    if place is not None and kind == "udp":
        return EventsAddress(kind="udp", host=place[0], port=place[1])
    if place is not None and kind == "tcp":
        return EventsAddress(kind="tcp", host=place[0], port=place[1])
    raise BadAddress(f"events.url: expected udp, udp:host:port or tcp:host:port, not {url!r}")


def is_address(host: str) -> bool:
    """Return whether a host is given as a number."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _host_port(text: str, *, lowest_port: int = 1) -> tuple[str, int] | None:
    found = _HOST_PORT.fullmatch(text)
    if found is None or not lowest_port <= int(found[3]) <= 65535:
        return None
    return found[1] or found[2], int(found[3])


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
