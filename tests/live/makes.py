"""Phones of every make, and what tests may ask of each of them alike."""

import os
from pathlib import Path
from typing import Protocol, TypeAlias

from tests.live import baresip, sipp_phone
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

PACKAGES = {"baresip": "baresip-core", "sipp": "sip-tester"}
"""What Debian calls the programs that pip does not bring."""

BINARIES = {"baresip": baresip.BIN, "sipp": sipp_phone.BIN}


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


def why_left_out(make: str) -> str | None:
    """Return why there can be no phone of a make here; None if there can."""
    if make not in PACKAGES or BINARIES[make]:
        return None
    return f"{make} is not there (apt-get install {PACKAGES[make]})"


def must_be_complete() -> bool:
    """Return whether a make that is not there is a failure."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


async def start_other(
    kind: Kind, registrar: str, password: str, folder: Path
) -> Baresip | SippPhone:
    """Start and register a phone that is no PJSIP."""
    make, _, transport = kind.partition("-")
    phone = (Baresip if make == "baresip" else SippPhone)(NAMES[kind], transport)
    await phone.launch(registrar, folder, password)
    return phone
