"""The only room with sockets. Listeners, which clients connect to, are registered here."""

LISTENERS: dict[str, str] = {
    "ws_server": "call_api.transports.websocket_server:WebSocketServer",
}
"""The class of each listener (`call_api.transports.listener`), by its section of the settings.
Named and not imported: who needs a datagram need not load a WebSocket library."""
