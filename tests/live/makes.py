"""Phones of every make, and what tests may ask of each of them alike."""

from pathlib import Path
from typing import Protocol, TypeAlias

from tests.live.baresip import Baresip
from tests.live.sipp_phone import SippPhone

Kind: TypeAlias = str
"""Make and transport, as in ``baresip-tcp``."""

NAMES = {
    "pjsip-udp": "alice",
    "pjsip-tcp": "tina",
    "baresip-udp": "barry",
    "baresip-tcp": "basil",
    "sipp-udp": "sam",
    "sipp-tcp": "sid",
}
"""Who has such a phone."""


class AnyPhone(Protocol):
    """A phone of whatever make: each wait ends with an AssertionError when it takes too long."""

    name: str
    uri: str

    async def dial(self, uri: str) -> None:
        """Call somebody by itself."""

    async def in_call(self) -> object:
        """Wait until its one call is answered."""

    async def idle(self) -> object:
        """Wait until it has no call."""

    async def hears(self) -> None:
        """Wait until it gets sound."""

    async def hears_nothing(self) -> None:
        """Wait until it gets no sound."""


async def start_other(
    kind: Kind, registrar: str, password: str, folder: Path
) -> Baresip | SippPhone:
    """Start and register a phone that is no PJSIP."""
    make, _, transport = kind.partition("-")
    phone = (Baresip if make == "baresip" else SippPhone)(NAMES[kind], transport)
    await phone.launch(registrar, folder, password)
    return phone
