"""What Hypothesis makes up after each format's grammar: accepted or refused, nothing else."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.strategies import OF
from tests.fuzz.targets import TARGETS

REMEMBERED = os.environ.get("FUZZ_REMEMBERED", "")
"""A folder for some of what is made up; `python -m tests.fuzz.keeping` keeps what is new in it."""

SHARE = 0.05
"""How much of it is remembered."""


@pytest.mark.parametrize("name", OF)
@settings(max_examples=settings().max_examples // 2)
@given(data=st.data())
def test_what_is_made_up_breaks_nothing(name: str, data: st.DataObject) -> None:
    made = data.draw(OF[name])
    if REMEMBERED:
        remember(Path(REMEMBERED, name), made)
    TARGETS[name](made)


def remember(folder: Path, made: bytes) -> None:
    name = hashlib.sha256(made).hexdigest()
    if int(name[:8], 16) < SHARE * 2**32:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(made)
