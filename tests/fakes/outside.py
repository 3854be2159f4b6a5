"""Programs of the tests that pip does not bring."""

import os
import shutil
import sys
from pathlib import Path

import pytest

PACKAGES = {
    "baresip": "baresip-core",
    "chromedriver": "chromium-driver",
    "chromium": "chromium",
    "jq": "jq",
    "node": "nodejs",
    "sipp": "sip-tester",
}
"""What Debian calls them; scripts/install-programs installs them."""

NODE = Path(sys.prefix) / "node"
"""Where `make` installs the packages of tests/interop/package.json."""


def needs(*programs: str) -> pytest.MarkDecorator:
    """Return the mark of tests that are left out where a program is missing.

    Where everything has to be there (CI=true) they are not, and fail.
    """
    reason = "; ".join(filter(None, map(_why_left_out, programs)))
    return pytest.mark.skipif(bool(reason) and not must_be_complete(), reason=reason or "complete")


def must_be_complete() -> bool:
    """Return whether a program that is not there is a failure."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def _why_left_out(program: str) -> str | None:
    if program == "node" and not (NODE / "node_modules" / "ws").is_dir():
        return "Node.js and its packages are not there (apt-get install nodejs npm; make programs)"
    if shutil.which(program) is None:
        return f"{program} is not there (apt-get install {PACKAGES[program]})"
    return None
