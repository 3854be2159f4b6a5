"""examples/browser in a real browser, at a real daemon with phones."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.examples.demo_daemon import demo_daemon
from tests.fakes.browser import Browser, browser
from tests.fakes.outside import needs
from tests.fakes.programs import LIMIT

pytestmark = [pytest.mark.programs, needs("chromium", "chromedriver")]

FOLDER = Path(__file__).parents[2] / "examples" / "browser"
ROW = "#calls tbody tr"
ENTER, ESCAPE = "\ue007", "\ue00c"


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and says nothing of it."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def served() -> Iterator[str]:
    """The page, as `python3 -m http.server` serves it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=FOLDER)) as server:
        thread = threading.Thread(target=server.serve_forever, name="web server")
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join(LIMIT)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Browser]:
    with served() as url, browser(tmp_path / "browser") as window:
        window.open(url)
        yield window


def connect(page: Browser, url: str, token: str = "") -> None:
    page.type("#url", f"{url}/v2")
    if token:
        page.type("#token", token)
    page.click("#connect")


def test_a_call_is_started_held_transferred_and_ended(page: Browser, tmp_path: Path) -> None:
    assert page.text("#no-calls") == "There are none."
    with demo_daemon(tmp_path / "daemon") as daemon:
        connect(page, daemon.url)
        page.until("#status", "^connected$")

        page.press("#callee", ENTER)
        page.until(ROW, r"alice@localhost\s+bob@localhost\s+answered")
        page.until("#log", "CallStart: Ended")
        page.click(f"{ROW} .hold")
        page.until(ROW, "on hold: caller and callee")
        page.click(f"{ROW} .unhold")
        page.until(ROW, "answered")
        page.click(f"{ROW} .transfer")
        page.until("#leg", r"alice@localhost \(caller\)")
        page.type("#destination", "sip:carol@localhost")
        page.click("#transfer button.main")
        page.until("#log", "CallBlindTransfer: Ended")
        assert "carol@localhost" in page.until(ROW, "answered")
        page.picture(tmp_path / "page.png")
        page.click(f"{ROW} .end")
        page.until("#no-calls", "There are none.")
        log = page.until("#log", "CallEnd: Ended")

    assert "failed" not in log
    assert page.log() == []


def test_what_fails_and_what_was_typed_wrong_is_said(page: Browser, tmp_path: Path) -> None:
    with demo_daemon(tmp_path / "daemon") as daemon:
        connect(page, daemon.url)
        page.until("#status", "^connected$")
        page.type("#callee", "sip:nobody@localhost")
        page.press("#callee", ENTER)
        page.until("#log .bad", "CallStart failed: 404 Not Found")
        page.type("#caller", "<img src=x onerror=alert(1)>")
        page.press("#caller", ENTER)
        page.until("#log .bad", "CallStart failed: Invalid params: .*")
        page.click("#connect")
        page.until("#status", "^not connected$")
        assert page.run("return document.querySelector('#start button').disabled")


def test_a_daemon_that_comes_back_is_found_again_with_what_it_has(
    page: Browser, tmp_path: Path
) -> None:
    with demo_daemon(tmp_path / "daemon") as daemon:
        connect(page, daemon.url)
        page.until("#status", "^connected$")
        page.press("#callee", ENTER)
        page.until(ROW, "answered")
        port = daemon.port
    page.until("#status", "no connection .*, trying again")
    with demo_daemon(tmp_path / "daemon", CALL_API_WS_SERVER_PORT=port):
        page.until("#status", "^connected$")
        page.until("#no-calls", "There are none.")
        page.press("#callee", ENTER)
        page.until(ROW, "answered")


def test_a_token_lets_the_page_in(page: Browser, tmp_path: Path) -> None:
    digest = hashlib.sha256(b"let-me-in").hexdigest()
    config = tmp_path / "call-api.yml"
    config.write_text(f"auth: {{tokens: {{desk: {{sha256: {digest}, scopes: [all]}}}}}}\n")
    with demo_daemon(tmp_path / "daemon", "-config", str(config)) as daemon:
        connect(page, daemon.url, "let-me-out")
        page.until("#status", "no connection .*, trying again")
        page.click("#connect")
        connect(page, daemon.url, "let-me-in")
        page.until("#status", "^connected$")


def test_a_page_of_a_file_is_not_let_in(page: Browser, tmp_path: Path) -> None:
    with demo_daemon(tmp_path / "daemon") as daemon:
        page.open((FOLDER / "index.html").as_uri())
        connect(page, daemon.url)
        page.until("#status", "no connection .*, trying again")


def test_whoever_does_not_see_or_point_can_use_it(page: Browser) -> None:
    nameless = page.run("""
        return [...document.querySelectorAll("input, select, button")]
          .filter((one) => !one.innerText.trim() && !one.labels?.length).map((one) => one.id)""")

    assert nameless == []
    assert page.run("return document.documentElement.lang") == "en"
    assert page.run("return document.querySelector('#status').getAttribute('role')") == "status"
    assert (
        page.run("return document.querySelectorAll('[src], link[href]:not([rel=icon])').length")
        == 0
    )
