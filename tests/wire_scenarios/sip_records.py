"""The SIP messages of a transcript, as far as they matter to what is kept of it."""

import re
from dataclasses import dataclass
from typing import Any

_URI = re.compile(r"<?(sips?:[^>\s]*)>?")


@dataclass
class Sip:
    """One SIP message: what is needed of it."""

    src: str
    dst: str
    line: str
    headers: dict[str, str]

    @property
    def method(self) -> str:
        return "" if self.status else self.line.partition(" ")[0]

    @property
    def status(self) -> int:
        return int(self.line.split()[1]) if self.line.startswith("SIP/2.0") else 0

    @property
    def target(self) -> str:
        return self.line.split()[1]

    @property
    def cseq_method(self) -> str:
        return self.headers.get("cseq", "").rpartition(" ")[2]

    @property
    def callid(self) -> str:
        return self.headers.get("call-id", "")

    @property
    def is_first_invite(self) -> bool:
        return self.method == "INVITE" and ";tag=" not in self.headers["to"]


def parse(record: dict[str, Any]) -> Sip:
    """Return the message of a record."""
    head = record["raw"].partition("\r\n\r\n")[0].split("\r\n")
    headers: dict[str, str] = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        name = _LONG.get(name.strip().lower(), name.strip().lower())
        headers.setdefault(name, value.strip())
    return Sip(record.get("src", ""), record.get("dst", ""), head[0], headers)


_LONG = {"f": "from", "t": "to", "i": "call-id", "r": "refer-to"}


def uri_of(value: str) -> str:
    """Return the URI in a From, To or Refer-To."""
    found = _URI.search(value)
    uri = found[1] if found else ""
    return uri if "<" in value else uri.partition(";tag=")[0]
