"""A real headless browser, driven over its DevTools protocol."""

import base64
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx
import websocket

T = TypeVar("T")

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_PACKAGE = "chromium-headless-shell"
_START_S = 30.0
_ANSWER_S = 20.0


class NoBrowserError(Exception):
    """No browser is there, and none could be installed."""


def ensure_browser() -> str:
    """Return a browser's path; Debian's package is installed where there is none.

    Raises:
        NoBrowserError: with what to do.

    """
    if found := _found():
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quietly = ("apt-get", "--quiet=2", "--option=Acquire::Retries=2")
        subprocess.run([*quietly, "update"], check=False, timeout=300)
        install = ("install", "--yes", "--no-install-recommends", _PACKAGE)
        subprocess.run([*quietly, *install], check=False, timeout=900)
    if found := _found():
        return found
    raise NoBrowserError(
        f"none of {', '.join(_NAMES)} is on PATH: install Debian's package {_PACKAGE}, "
        "for which this test needs root and apt-get"
    )


def _found() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@dataclass
class Page:
    """One tab; everything that its console or its network complained of is in `complaints`."""

    socket: websocket.WebSocket
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Addresses of every request."""
    _ids: Iterator[int] = field(default_factory=count)

    def open(self, url: str) -> None:
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def look_as(self, width: int, height: int, scheme: Literal["light", "dark"]) -> None:
        """Show the page as on a screen of CSS pixels, to someone who prefers a colour scheme."""
        phone = width < 600
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def run(self, script: str) -> Any:
        """Return what an expression comes to."""
        told = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def until(self, script: str, within_s: float = 15.0) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + within_s
        while not self.run(script):
            assert time.monotonic() < deadline, f"never true: {script}\n{self.text()}"
            time.sleep(0.05)

    def text(self) -> str:
        """What the reader sees."""
        return str(self.run("document.body.innerText"))

    def screenshot(self, file: Path) -> Path:
        """Draw the whole page, also what lies below the screen's edge."""
        told = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(told["data"]))
        return file

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            told = json.loads(self.socket.recv())
            if told.get("id") == number:
                assert "error" not in told, (method, told["error"])
                result: dict[str, Any] = told["result"]
                return result
            self._note(told)

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        match event.get("method"):
            case "Runtime.exceptionThrown":
                self.complaints.append(str(params["exceptionDetails"]))
            case "Log.entryAdded":
                self.complaints.append(f"{params['entry']['level']}: {params['entry']['text']}")
            case "Network.requestWillBeSent":
                self.asked.append(params["request"]["url"])


@contextmanager
def opened(browser: str, folder: Path, url: str) -> Iterator[Page]:
    """Start a browser with a fresh profile, open a page, and end it."""
    profile = folder / "profile"
    command = [
        *(browser, "--headless", "--remote-debugging-port=0", f"--user-data-dir={profile}"),
        *("--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars"),
        *("--disable-background-networking", "--remote-allow-origins=*", "about:blank"),
    ]
    if os.geteuid() == 0:
        # Chromium's sandbox refuses root; the page is our own.
        command.insert(1, "--no-sandbox")
    with (folder / "browser.log").open("ab") as log:
        # A session of its own: what is on PATH is a script, and the browser its child.
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        page = Page(websocket.create_connection(_address(profile), timeout=_ANSWER_S))
        try:
            page.open(url)
            yield page
        finally:
            page.socket.close()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=20)


def _address(profile: Path) -> str:
    """The DevTools address of the first tab."""
    deadline = time.monotonic() + _START_S
    port_file = profile / "DevToolsActivePort"
    while not (port_file.exists() and port_file.read_text().count("\n")):
        assert time.monotonic() < deadline, "the browser does not start"
        time.sleep(0.05)
    port = port_file.read_text().split()[0]
    while True:
        tabs = httpx.get(f"http://127.0.0.1:{port}/json/list", trust_env=False).json()
        pages = [tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"]
        if pages:
            return str(pages[0])
        assert time.monotonic() < deadline, "the browser opens no tab"
        time.sleep(0.05)
