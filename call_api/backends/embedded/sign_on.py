"""Phones register: where their users can be reached, and what is logged of that."""

import logging
from collections.abc import Collection, Hashable
from typing import cast

from call_api.backends.embedded.gate import Gate
from call_api.backends.embedded.incoming_request import IncomingRequest
from call_api.backends.embedded.routing import Target
from call_api.backends.embedded.switchboard import Switchboard
from call_api.backends.embedded.transaction_layer import peer_name
from call_api.sip.message import REASONS
from call_api.sip.registrar import Registered, Registrar
from call_api.sip.uri import Uri

logger = logging.getLogger(__name__)


class SignOn:
    """Answers REGISTERs."""

    def __init__(self, board: Switchboard, registrar: Registrar, gate: Gate) -> None:
        self._board = board
        self._registrar = registrar
        self._gate = gate

    def take(self, incoming: IncomingRequest, now: float) -> None:
        """Take a REGISTER, and answer it."""
        request = incoming.request
        if not self._gate.admits(incoming, request.to.uri):
            return
        user = self._registrar.user_of(request.to.uri) or ""
        ways = {binding.uri: binding.flow for binding in self._registrar.contacts(user)}
        result = self._registrar.register(request, cast(Hashable, incoming.flow), now)
        _log(incoming, result, ways)
        for binding in result.bound:
            if ways.get(binding.uri, binding.flow) != binding.flow:
                self._board.moved(Target(str(binding.uri), incoming.flow))
        incoming.respond(result.status, result.reason, headers=result.headers)


def _log(incoming: IncomingRequest, result: Registered, known: Collection[Uri]) -> None:
    """Say what is new; a refresh, which is not, at DEBUG."""
    peer = peer_name(incoming.flow)
    for binding in result.bound:
        level = logging.DEBUG if binding.uri in known else logging.INFO
        logger.log(level, "%s: %r is reached at %r", peer, binding.user, str(binding.uri))
    for binding in result.unbound:
        logger.info("%s: %r has left %r", peer, binding.user, str(binding.uri))
    if result.status != 200:
        said = f"{result.status} {result.reason or REASONS[result.status]}"
        who = str(incoming.request.to.uri)
        logger.warning("%s: %r may not register: %s", peer, who, said)
