import os
import threading
from pathlib import Path

import pytest

from call_api.access.token_file import BadTokenFile, editing, read_tokens
from call_api.config_access import Token

A, B = "a" * 64, "b" * 64


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.yml"


def test_what_is_written_is_read(path: Path) -> None:
    desk = Token(sha256=A, scopes=("read", "CallEnd:all"), expires="2027-01-31", callees=("*@b",))

    with editing(path) as tokens:
        assert tokens == {}
        tokens["desk"] = desk
        tokens["true"] = Token(sha256=B)

    assert read_tokens(path) == {"desk": desk, "true": Token(sha256=B)}
    assert path.read_text().startswith("# The tokens of call-api")


def test_only_its_owner_can_read_it_also_where_others_could(path: Path) -> None:
    path.write_text("{}")
    path.chmod(0o644)

    with editing(path) as tokens:
        tokens["desk"] = Token(sha256=A)

    assert path.stat().st_mode & 0o777 == 0o600
    assert [its.name for its in path.parent.iterdir()] == ["tokens.yml"]


def test_a_link_stays_one(path: Path) -> None:
    link = path.with_name("link.yml")
    link.symlink_to(path)

    with editing(link) as tokens:
        tokens["desk"] = Token(sha256=A)

    assert link.is_symlink()
    assert "desk" in read_tokens(path)


def test_what_is_no_plain_file_is_not_replaced(path: Path, tmp_path: Path) -> None:
    os.mkfifo(path)

    for special in (path, tmp_path):
        with pytest.raises(BadTokenFile, match="expected a file, not a device"), editing(special):
            pytest.fail("it can be edited")

    assert path.is_fifo()


def test_two_who_edit_it_lose_nothing(path: Path) -> None:
    def add(number: int) -> None:
        with editing(path) as tokens:
            tokens[f"t{number}"] = Token(sha256=A)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(read_tokens(path)) == 20


def test_who_gives_up_changes_nothing(path: Path) -> None:
    path.write_text("{}")

    with pytest.raises(KeyError), editing(path) as tokens:
        del tokens["desk"]

    assert path.read_text() == "{}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: b: c", ":1: "),
        ("desk: 5", ":1: desk: expected keys with values: sha256, scopes, expires"),
        (f"desk: {{sha256: {A}, x: 1}}", ":1: desk.x: no such key, expected one of sha256,"),
        ("desk:\n  scopes: [read]", ":2: desk.sha256: missing"),
        ("desk: {sha256: callapi_x}", ":1: desk.sha256: expected the SHA-256 of a token"),
        ("'a b': {}", ":1: : expected a name of 1 to 64 letters"),
        ("[]", ":1: : expected keys with values, each value keys with values"),
        ("\xff", ": expected UTF-8 text"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(path: Path, text: str, problem: str) -> None:
    path.write_text(text, "latin-1")

    with pytest.raises(BadTokenFile) as caught:
        read_tokens(path)

    said = str(caught.value)
    assert said.startswith(f"{path}{problem}")
    assert "callapi_x" not in said
    assert "\n" not in said


def test_a_huge_file_and_none_that_can_be_read_are_refused(path: Path, tmp_path: Path) -> None:
    for wrong in (Path("/dev/zero"), tmp_path, Path("a\0b")):
        with pytest.raises(BadTokenFile, match="expected a file"):
            read_tokens(wrong)


def test_where_nothing_can_be_written_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadTokenFile, match="in a folder that there is"), editing(tmp_path / "a/b"):
        pass
    with pytest.raises(BadTokenFile, match="can be written: No such"), editing(tmp_path / "c"):
        tmp_path.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_it_goes_on_belonging_to_whom_it_belongs(path: Path) -> None:
    path.write_text("{}")
    os.chown(path, 12345, 12346)

    with editing(path) as tokens:
        tokens["desk"] = Token(sha256=A)

    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)
    path.unlink()
    os.chown(path.parent, 12347, 12348)
    with editing(path) as tokens:
        tokens["desk"] = Token(sha256=A)
    assert (path.stat().st_uid, path.stat().st_gid) == (12347, 12348)
