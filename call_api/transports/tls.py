"""TLS of the daemon: the settings -> what its sockets need."""

import ssl

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


def _words(exc: Exception) -> str:
    if isinstance(exc, ssl.SSLError):
        return (exc.reason or "it is no PEM").replace("_", " ").lower()
    return (exc.strerror or "it cannot be read") if isinstance(exc, OSError) else str(exc)
