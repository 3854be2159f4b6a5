"""A real browser without a window, driven by the WebDriver protocol (W3C) over HTTP."""

import base64
import http.client
import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LIMIT = 20.0
"""Seconds until something that does not show up is taken for missing."""

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key of a reference to an element (WebDriver, section 12.1)."""

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1100,900",
]


class Browser:
    """One window."""

    def __init__(self, port: int, folder: Path) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        arguments = [*ARGUMENTS, f"--user-data-dir={folder}"]
        options = {
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        session = self._send("POST", "/session", {"capabilities": {"alwaysMatch": options}})
        self._base = f"/session/{session['sessionId']}"

    def open(self, url: str) -> None:
        """Show a page."""
        self._ask("POST", "/url", {"url": url})

    def type(self, css: str, text: str) -> None:
        """Type into a field that is emptied before."""
        element = self._element(css)
        self._ask("POST", f"/element/{element}/clear", {})
        self._ask("POST", f"/element/{element}/value", {"text": text})

    def press(self, css: str, keys: str) -> None:
        """Press keys where an element has the focus; special ones as WebDriver has them."""
        self._ask("POST", f"/element/{self._element(css)}/value", {"text": keys})

    def click(self, css: str) -> None:
        """Click on an element."""
        self._ask("POST", f"/element/{self._element(css)}/click", {})

    def run(self, script: str) -> Any:
        """Return what a script returns."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": []})

    def text(self, css: str) -> str:
        """Return what an element shows; nothing if it is not there or not shown."""
        found: str = self.run(f"return document.querySelector({json.dumps(css)})?.innerText ?? ''")
        return found

    def until(self, css: str, wanted: str) -> str:
        """Wait until an element shows a text (a regular expression)."""
        deadline = time.monotonic() + LIMIT
        while not re.search(wanted, text := self.text(css)):
            assert time.monotonic() < deadline, (
                f"{css} shows {text!r}, not {wanted!r}: {self.log()}"
            )
            time.sleep(0.02)
        return text

    def log(self) -> list[str]:
        """Return what the page and the browser complained of since the last time."""
        return [entry["message"] for entry in self._ask("POST", "/se/log", {"type": "browser"})]

    def picture(self, path: Path) -> None:
        """Keep a picture of the page, as PNG."""
        path.write_bytes(base64.b64decode(self._ask("GET", "/screenshot")))

    def close(self) -> None:
        """Close the window."""
        try:
            self._ask("DELETE", "")
        finally:
            self._connection.close()

    def _element(self, css: str) -> str:
        found = self._ask("POST", "/element", {"using": "css selector", "value": css})
        reference: str = found[ELEMENT]
        return reference

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        return self._send(method, self._base + path, body)

    def _send(self, method: str, path: str, body: object = None) -> Any:
        text = None if body is None else json.dumps(body)
        self._connection.request(method, path, text, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        value = json.loads(answer.read())["value"]
        assert answer.status == 200, value
        return value


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Open a window.

    Args:
        folder: Empty; for what the browser keeps.
    """
    driver = subprocess.Popen(
        ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert driver.stdout is not None
        port = None
        while port is None:
            line = driver.stdout.readline()
            assert line, "chromedriver ended"
            port = re.search(r"started successfully on port (\d+)", line)
        window = Browser(int(port[1]), folder)
        try:
            yield window
        finally:
            window.close()
    finally:
        driver.terminate()
        driver.communicate(timeout=LIMIT)
