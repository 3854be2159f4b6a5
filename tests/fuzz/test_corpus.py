"""What fuzzing has found interesting so far, once more."""

import pytest

from tests.fuzz.keeping import CORPUS
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_breaks_nothing_any_more(name: str) -> None:
    inputs = sorted((CORPUS / name).iterdir())
    assert inputs, "the corpus of this target is gone"
    for one in inputs:
        try:
            TARGETS[name](one.read_bytes())
        except Exception as exc:
            raise AssertionError(f"{one.name} breaks {name}") from exc


def test_every_corpus_has_its_target() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)
