import asyncio
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from call_api.access.audit_file import MOST_BYTES, AuditFile, audit_file


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for the thread."""
    async with asyncio.timeout(5):
        await asyncio.to_thread(_wait, is_so)


def _wait(is_so: Callable[[], bool]) -> None:
    while not is_so():
        time.sleep(0.005)


async def test_lines_are_in_the_file_soon_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"

    async with audit_file(str(path)) as file:
        assert file is not None
        file.write(b"1\n")
        file.write(b"2\n")
        await until(lambda: path.read_bytes() == b"1\n2\n")
        file.write(b"3\n")

    assert path.read_bytes() == b"1\n2\n3\n"
    assert path.stat().st_mode & 0o777 == 0o600


async def test_it_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(b"0\n")

    async with audit_file(str(path)) as file:
        assert file is not None
        file.write(b"1\n")

    assert path.read_bytes() == b"0\n1\n"


async def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    path, old = tmp_path / "audit.log", tmp_path / "audit.log.1"

    async with audit_file(str(path)) as file:
        assert file is not None
        file.write(b"1\n")
        await until(lambda: path.read_bytes() == b"1\n")
        path.rename(old)
        file.write(b"2\n")
        file.reopen()
        file.write(b"3\n")

    assert old.read_bytes() == b"1\n2\n"
    assert path.read_bytes() == b"3\n"


async def test_a_file_that_cannot_be_opened_again_is_written_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "d").mkdir()
    path = tmp_path / "d" / "audit.log"

    async with audit_file(str(path)) as file:
        assert file is not None
        old = tmp_path / "moved"
        (tmp_path / "d").rename(old)
        file.reopen()
        file.write(b"1\n")

    assert (old / "audit.log").read_bytes() == b"1\n"
    assert "stays as it is: No such file or directory" in caplog.text


async def test_a_full_disk_is_told_once_and_stops_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with audit_file("/dev/full") as file:
        assert file is not None
        for _ in range(3):
            file.write(b"1\n")
            file.flush()

    told = [record.getMessage() for record in caplog.records]
    assert told == ["audit.file_path: /dev/full: lines are lost: No space left on device"]


async def test_when_the_disk_has_room_again_the_torn_line_stands_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A pipe that is full takes a part of the text, then none; then it is read, and takes all."""
    caplog.set_level(logging.WARNING)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    file = AuditFile(path)
    os.set_blocking(file._file, False)
    try:
        file.write(b"x" * 100_000 + b"\n")
        file.flush()
        await until(lambda: "lines are lost" in caplog.text)
        got = b""
        while part := await asyncio.to_thread(_read, reading):
            got += part
        file.write(b"2\n")
        file.close()
        got += os.read(reading, 1000)
    finally:
        os.close(reading)

    assert got.endswith(b"x\n2\n")
    assert "is written again, 1 lines were lost" in caplog.text


def _read(pipe: int) -> bytes:
    try:
        return os.read(pipe, 65536)
    except BlockingIOError:
        return b""


async def test_what_waits_for_the_disk_is_bounded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    file = AuditFile(path)  # whose thread hangs as soon as the pipe is full
    line = b"x" * (1024 * 1024)
    for _ in range(MOST_BYTES // len(line) + 10):
        file.write(line)
        file.flush()

    assert file._taken <= MOST_BYTES + len(line)
    assert "the disk is too slow" in caplog.text
    os.close(reading)  # the thread's write fails
    file.close()


async def test_no_path_is_no_file() -> None:
    async with audit_file("") as file:
        assert file is None


async def test_a_file_that_cannot_be_opened_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^audit.file_path: expected a file to append to: Is a"):
        async with audit_file(str(tmp_path)):
            pass
