"""TLS of the daemon and of its clients: the settings -> what sockets need."""

import ssl
from dataclasses import dataclass

from call_api.config_access import Tls


def server_context(tls: Tls) -> ssl.SSLContext | None:
    """Return what encrypts connections, TLS 1.2 or 1.3; None without a certificate.

    Raises:
        ValueError: A file cannot be used: ``key: what was expected``.
    """
    if not tls.certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])  # WebSockets over HTTP/2 are something else
    try:
        # The password keeps OpenSSL from asking for one on the terminal.
        context.load_cert_chain(tls.certificate, tls.key or None, password="")
    except (OSError, ValueError) as exc:
        raise ValueError(
            "ws_server.tls.certificate: expected PEM files with a certificate and its key, "
            f"which has no password: {_words(exc)}"
        ) from exc
    if tls.client_ca:
        try:
            context.load_verify_locations(cafile=tls.client_ca)
        except (OSError, ValueError) as exc:
            problem = f"expected a PEM file with certificates: {_words(exc)}"
            raise ValueError(f"ws_server.tls.client_ca: {problem}") from exc
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientTls:
    """How a client knows its daemon, and how the daemon knows it. PEM files.

    Attributes:
        ca_file: Whom to trust; empty: whom the system does.
        certificate: Our own certificate, for a daemon that wants one.
        key: Its key; empty: it is in the same file.
    """

    ca_file: str = ""
    certificate: str = ""
    key: str = ""


def client_context(tls: ClientTls) -> ssl.SSLContext:
    """Return what encrypts a connection to a daemon, whose name is checked.

    Raises:
        ValueError: A file cannot be used. The message says which.
    """
    name = tls.ca_file
    try:
        context = ssl.create_default_context(cafile=tls.ca_file or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if tls.certificate:
            name = tls.certificate
            context.load_cert_chain(tls.certificate, tls.key or None, password="")
    except (OSError, ValueError) as exc:
        raise ValueError(f"{name}: {_words(exc)}") from exc
    return context


def _words(exc: Exception) -> str:
    if isinstance(exc, ssl.SSLError):
        return (exc.reason or "it is no PEM").replace("_", " ").lower()
    return (exc.strerror or "it cannot be read") if isinstance(exc, OSError) else str(exc)
