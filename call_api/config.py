"""Every setting: its name, type, range and default, as frozen structs.

A struct is one section of a YAML file, a field is one key. `call_api.settings` fills them from
files and from the environment; ``config/*.yml`` and docs/config.md say what each is for.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, structs

from call_api.config_access import Audit, Auth, Client, Limits, Origin, Tls
from call_api.config_types import (
    BackendName,
    DigestAlgorithm,
    EventsUrl,
    Host,
    HttpPath,
    Line,
    MiUrl,
    Password,
    Port,
    Seconds,
    Section,
    SipUriText,
    Word,
    is_loopback,
)
from call_api.model import DialectName


class WsServer(Section, frozen=True, kw_only=True):
    """Where and how the daemon listens for its clients.

    Attributes:
        dialect: What ``http_path`` itself speaks; below it ``/v1`` and ``/v2`` speak that one.
        max_message: The longest message that a client may send, in bytes.
        ping_every: Seconds between two pings to one client.
        silent_for: Seconds without a frame after a ping until a client is dropped.
        handshake_within: Seconds that a client has to become a WebSocket.
        max_queue: Bytes that may wait for a client that does not read.
        max_connections: Clients at the same time.
        origins: Where pages have to come from to connect; empty: from this machine or ``host``.
        hosts: By what other names clients may know the daemon, besides addresses and ``host``.
    """

    host: Host = "localhost"
    port: Port = 5059
    http_path: HttpPath = "/call-api"
    dialect: DialectName = "v1"
    max_message: Annotated[int, Meta(ge=1024, le=16_777_216)] = 65536
    ping_every: Seconds = 20.0
    silent_for: Seconds = 20.0
    handshake_within: Seconds = 10.0
    max_queue: Annotated[int, Meta(ge=4096, le=1_073_741_824)] = 1_048_576
    max_connections: Annotated[int, Meta(ge=1, le=1_000_000)] = 20_000
    origins: tuple[Origin, ...] = ()
    hosts: tuple[Host, ...] = ()
    tls: Tls = Tls()

    def __post_init__(self) -> None:
        if self.http_path in {"/healthz", "/readyz"}:
            raise ValueError(f"http_path: expected another path, {self.http_path} is taken")


class Commands(Section, frozen=True, kw_only=True):
    """What bounds every command.

    Attributes:
        timeout: The ceiling: seconds after which a command that still runs ends with
            CommandTimeout. A client may ask for less.
        keep_for: Seconds for which an ended command can be asked for and attached to.
        keep: Ended commands that are kept; beyond it the oldest goes first.
        running: Commands that run at the same time; beyond it one more is refused.
    """

    timeout: Seconds = 300.0
    keep_for: Annotated[float, Meta(ge=0, le=86400.0)] = 300.0
    keep: Annotated[int, Meta(ge=0, le=10_000_000)] = 10_000
    running: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000


class Journal(Section, frozen=True, kw_only=True):
    """Where commands are kept, so that they survive the daemon.

    Attributes:
        path: A SQLite file, made if it is not there. Empty: in memory.
        sync: What a loss of power cannot take back either: that a command was begun
            (``claims``), or whatever a client was told (``all``).
    """

    path: Line = ""
    sync: Literal["claims", "all"] = "claims"


class Mi(Section, frozen=True, kw_only=True):
    """Where the SIP proxy takes MI commands.

    Attributes:
        url: One address, or one for each of several proxies.
        reply_within: Seconds a proxy has to answer a command for which it needs no phone.
    """

    url: MiUrl | tuple[MiUrl, ...] = ""
    reply_within: Annotated[float, Meta(ge=0.05, le=60.0)] = 2.0


class Events(Section, frozen=True, kw_only=True):
    """How the SIP proxy's events come in."""

    url: EventsUrl = "udp"


class Sip(Section, frozen=True, kw_only=True):
    """The SIP proxy itself.

    Attributes:
        uri: Where it takes the INVITEs that it makes for CallStart; of several proxies a list,
            in the order of ``mi.url``.
        ring_for: Seconds a phone may ring.
    """

    uri: SipUriText | tuple[SipUriText, ...] = "sip:127.0.0.1:5060"
    ring_for: Annotated[float, Meta(ge=0.1, le=3600.0)] = 60.0


class Embedded(Section, frozen=True, kw_only=True):
    """The back end that needs no proxy.

    Attributes:
        host: Where phones reach it, over UDP and TCP.
        port: Where phones reach it; 0 takes a free one.
        domains: What a user's URI may end in, besides ``host``.
        users: Who may register: name and password. Empty: everybody, on loopback only.
        algorithms: What a phone may prove its password with.
        ring_for: Seconds an INVITE may ring.
        max_registrations: Contacts of all users together.
        max_contacts: Contacts of one user.
        max_calls: Calls at the same time, those included that still ring.
        max_transactions: SIP transactions at the same time, of each side; one lingers for 32 s.
        max_message: The longest message that a phone may send, in bytes.
    """

    host: Host = "127.0.0.1"
    port: Port = 5060
    domains: tuple[Host, ...] = ("localhost",)
    users: Mapping[Word, Password] = {}
    algorithms: tuple[DigestAlgorithm, ...] = ("SHA-256", "MD5")
    ring_for: Annotated[float, Meta(ge=0.1, le=3600.0)] = 60.0
    max_registrations: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    max_contacts: Annotated[int, Meta(ge=1, le=100)] = 10
    max_calls: Annotated[int, Meta(ge=1, le=1_000_000)] = 20_000
    max_transactions: Annotated[int, Meta(ge=10, le=10_000_000)] = 200_000
    max_message: Annotated[int, Meta(ge=2048, le=65535)] = 65535

    def __post_init__(self) -> None:
        if not self.users and not is_loopback(self.host):
            raise ValueError(
                "users: expected at least one name and password, because a host that is "
                "not loopback lets strangers in"
            )
        if not self.algorithms:
            raise ValueError("algorithms: expected at least one of SHA-256, MD5")

    def __repr__(self) -> str:
        """Everything but the passwords: this may end in a log."""
        values = structs.asdict(self) | {"users": sorted(self.users)}
        return f"Embedded({', '.join(f'{name}={its!r}' for name, its in values.items())})"


class Log(Section, frozen=True, kw_only=True):
    """What is logged, and where to.

    Attributes:
        level: The least serious level that is logged.
        file_path: The file it is appended to; reopened on SIGHUP. Empty: stderr.
        format: Lines for people, or one JSON object a line.
    """

    level: Literal["DEBUG", "INFO", "WARN", "ERROR"] = "INFO"
    file_path: Line = ""
    format: Literal["text", "json"] = "text"


class Config(Section, frozen=True, kw_only=True):
    """``call-api.yml``: what the daemon and call-api-client read.

    Attributes:
        backend: Which back end carries out the commands; empty: see `backend_name`.
        shutdown_within: Seconds that running commands have to end when the daemon is stopped.
    """

    ws_server: WsServer = WsServer()
    auth: Auth = Auth()
    limits: Limits = Limits()
    audit: Audit = Audit()
    client: Client = Client()
    backend: BackendName = ""
    mi: Mi = Mi()
    events: Events = Events()
    sip: Sip = Sip()
    embedded: Embedded = Embedded()
    commands: Commands = Commands()
    journal: Journal = Journal()
    log: Log = Log()
    shutdown_within: Annotated[float, Meta(ge=0, le=3600.0)] = 10.0

    @property
    def backend_name(self) -> str:
        """The back end to use: without a choice, opensips for those who set ``mi.url``."""
        return self.backend or ("opensips" if self.mi.url else "embedded")


class CmdWsServer(Section, frozen=True, kw_only=True):
    """Where the daemon listens, as its clients see it."""

    host: Host = "localhost"
    port: Annotated[int, Meta(ge=1, le=65535)] = 5059
    http_path: HttpPath = "/call-api"


class CmdSip(Section, frozen=True, kw_only=True):
    """How short names become SIP URIs.

    Attributes:
        domain: ``alice`` is ``sip:alice@DOMAIN``.
        uri: The SIP proxy, for those who go to it without a daemon.
    """

    domain: Host = "localhost"
    uri: SipUriText = "sip:127.0.0.1:5060"


class CmdConfig(Section, frozen=True, kw_only=True):
    """``call-cmd.yml``: what call-cmd reads.

    Attributes:
        contacts: Names for people: name and SIP URI, or name and user name.
        mi: The SIP proxy's MI address, for those who go to it without a daemon.
    """

    ws_server: CmdWsServer = CmdWsServer()
    client: Client = Client()
    sip: CmdSip = CmdSip()
    contacts: Mapping[Word, Word] = {}
    mi: Mi = Mi()
    log: Log = Log(level="WARN")


TOOLS: dict[str, type[Section]] = {"call-api": Config, "call-cmd": CmdConfig}
"""The settings of each program; its name is also the name of its file."""
