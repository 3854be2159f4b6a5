from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.api_script import API
from tests.fakes.scripted_daemon import ScriptedDaemon, daemon_in_a_thread


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory whose configuration says nothing, where the test is at home."""
    for tool in ("call-api", "call-cmd"):
        (tmp_path / f".{tool}.yml").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def _daemon() -> Iterator[ScriptedDaemon]:
    with daemon_in_a_thread(API) as running:
        yield running


@pytest.fixture
def daemon(_daemon: ScriptedDaemon, home: Path) -> ScriptedDaemon:
    """A daemon that does everything it is asked for, and that call-cmd finds by itself."""
    (home / ".call-cmd.yml").write_text(f"ws_server: {{host: 127.0.0.1, port: {_daemon.port}}}\n")
    _daemon.requests.clear()
    _daemon.paths.clear()
    return _daemon
