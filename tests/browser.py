"""Chromium without a window, spoken to through a pipe: what a page really looks like.

The protocol is that of the developer tools of the browser: a message is JSON that ends
in a zero byte (https://chromedevtools.github.io/devtools-protocol/).
"""

import base64
import contextlib
import json
import os
import pathlib
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    *("chrome", "microsoft-edge"),
)
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_TIMEOUT = 60  # s: a busy machine takes ten to start a browser


class Browser:
    """A page in a browser.

    Attributes:
        requests: addresses that were asked for, also those that were refused.
        problems: messages of the console, such as violated policies.
    """

    def __init__(self, reader: int, writer: int):
        self._reader, self._writer = reader, writer
        self._count, self._left, self._session = 0, b"", ""
        self.requests: list[str] = []
        self.problems: list[str] = []
        self._events: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol; return its result."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._writer, data) :]
        while True:
            answer = self._receive()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return answer["result"]

    def _receive(self) -> dict[str, Any]:
        end = time.monotonic() + _TIMEOUT
        while b"\0" not in self._left:
            ready, _, _ = select.select([self._reader], [], [], end - time.monotonic())
            assert ready, "the browser does not answer"
            data = os.read(self._reader, 2**20)
            assert data, "the browser has ended"
            self._left += data
        line, self._left = self._left.split(b"\0", 1)
        message = json.loads(line)
        method, parameters = message.get("method", ""), message.get("params", {})
        self._events.append(method)
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Log.entryAdded":
            self.problems.append(parameters["entry"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.problems.append(str(parameters["args"]))
        return message

    def open(self, path: pathlib.Path) -> None:
        """Open a page from disk, and wait until it is loaded."""
        self._events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        while "Page.loadEventFired" not in self._events:
            self._receive()

    def show(self, width: int, height: int, dark: bool = False) -> None:
        """Show the page on a screen of a size in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def evaluate(self, script: str) -> Any:
        """Return the value of an expression of JavaScript in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def screenshot(self, path: pathlib.Path) -> None:
        """Write the whole page, also what is not seen without scrolling, as PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        image = self.call(
            "Page.captureScreenshot",
            format="png",
            captureBeyondViewport=True,
            clip={**size, "scale": 1},
        )
        path.write_bytes(base64.b64decode(image["data"]))

    def names(self, role: str) -> list[str]:
        """Return the accessible names of what has a role, as a screen reader does."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [
            node.get("name", {}).get("value", "")
            for node in nodes
            if node.get("role", {}).get("value") == role
        ]


def find_browser() -> str:
    """Return the path of a browser, or skip the test."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"there is no browser: none of {', '.join(NAMES)} is on the PATH")
    return found


@contextlib.contextmanager
def open_browser(profile: pathlib.Path) -> Iterator[Browser]:
    """Start a browser with a new profile; end it with the context."""
    program = find_browser()
    environment = {"HOME": str(profile), "DBUS_SESSION_BUS_ADDRESS": "disabled:"}
    # The browser reads from file 3 and writes to file 4.
    redirected = 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1'
    process = subprocess.Popen(
        ["sh", "-c", redirected, "sh", program, *_FLAGS, f"--user-data-dir={profile}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        env=os.environ | environment,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield Browser(process.stdout.fileno(), process.stdin.fileno())
    finally:
        process.stdin.close()  # at which the browser ends
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
