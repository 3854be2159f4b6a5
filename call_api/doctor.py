"""``call-api doctor``: what the SIP proxy has to be able to do for the daemon, tried out."""

import json
from collections.abc import Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from call_api.config import Config

State: TypeAlias = Literal["ok", "warning", "wrong"]
"""``warning``: the daemon works, but not as well as it could."""


class Finding(Struct, frozen=True, kw_only=True):
    """What one check has found.

    Attributes:
        proxy: The proxy, by its MI address; empty: what concerns none.
        check: What was looked at.
        told: What was found, in one line.
        remedy: What to do about it, in one line; empty: nothing.
    """

    proxy: str = ""
    check: str
    state: State
    told: str
    remedy: str = ""


async def examine(config: Config) -> Sequence[Finding]:
    """Return what every check has found. Takes up to half a minute for each proxy.

    Raises:
        ValueError: A setting is wrong; the message is ``key: what was expected``.
        OSError: Events cannot be listened for.
    """
    if config.backend_name != "opensips":
        told = f"the back end {config.backend_name} needs no proxy: there is none to examine"
        return (Finding(check="proxy", state="ok", told=told),)
    from call_api.backends.opensips.examination import examine_proxies

    return await examine_proxies(config)


def is_well(findings: Sequence[Finding]) -> bool:
    """Return whether the daemon can do its work."""
    return all(finding.state != "wrong" for finding in findings)


def as_text(findings: Sequence[Finding]) -> str:
    """Return the findings for people: one line each."""
    width = max((len(finding.check) for finding in findings), default=0)
    lines = []
    proxy = ""
    for finding in findings:
        if finding.proxy != proxy:
            proxy = finding.proxy
            lines.append(proxy)
        what = ": ".join(filter(None, (finding.told, finding.remedy)))
        lines.append(f"{finding.state:<7}  {finding.check:<{width}}  {_printable(what)}")
    return "\n".join(lines)


def as_json(findings: Sequence[Finding]) -> str:
    """Return the findings for programs: one JSON object, on one line."""
    checks = [
        {name: getattr(finding, name) for name in ("proxy", "check", "state", "told", "remedy")}
        for finding in findings
    ]
    return json.dumps({"ok": is_well(findings), "checks": checks}, ensure_ascii=False)


def _printable(text: str) -> str:
    """Return it without what could do something to a terminal: a proxy said some of it."""
    return "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in text)
