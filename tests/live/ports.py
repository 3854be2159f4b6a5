"""Ports for the programs that tests start."""

import os
import random
import socket

HOST = "127.0.0.1"

_ports = random.Random(os.getpid())


def server_port() -> int:
    """A loopback port that is free for UDP and TCP, and that no socket gets by chance.

    Those lie above 32767; of a server that is started again the port has to be free still.
    """
    while True:
        port = _ports.randrange(12_000, 32_000)
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram,
        ):
            try:
                stream.bind((HOST, port))
                datagram.bind((HOST, port))
            except OSError:
                continue
            return port
