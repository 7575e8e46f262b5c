"""A real browser for tests: headless Chromium, controlled through its debugging pipe using only the standard library.

https://chromedevtools.github.io/devtools-protocol describes the messages: JSON, each terminated by a zero byte.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Iterator
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PROGRAM = next(filter(None, map(shutil.which, NAMES)), None) if hasattr(os, "posix_spawn") else None
# The sandbox needs rights that containers lack; the pages are our own.
OPTIONS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-extensions", "--disable-background-networking", "--disable-component-update",
    "--remote-debugging-pipe", "about:blank",
]  # fmt: skip
PATIENCE = 60.0  # seconds; a loaded machine under a sanitizer is slow
KEY_CODES = {" ": 32, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowRight": 39, "Enter": 13}


class Browser:
    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to_browser, self._from_browser = to_browser, from_browser
        self._received = b""
        self._last_id = 0
        self.events: list[dict[str, Any]] = []

    def send(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": params}
        os.write(self._to_browser, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while (answer := self._receive()).get("id") != self._last_id:
            self.events.append(answer)
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def wait_for(self, method: str, session: str) -> None:
        while all((event["method"], event.get("sessionId")) != (method, session) for event in self.events):
            self.events.append(self._receive())

    def _receive(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._from_browser], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"Chromium said nothing for {PATIENCE} s"
            chunk = os.read(self._from_browser, 1 << 20)
            assert chunk, "Chromium ended"
            self._received += chunk
        message, self._received = self._received.split(b"\0", 1)
        return json.loads(message)


class Page:
    """A loaded page; check its `problems` at the end."""

    def __init__(
        self, browser: Browser, url: str, width: int = 1280, height: int = 800, **preferences: str
    ) -> None:  # fmt: skip
        """``preferences`` are CSS media features, such as prefers_color_scheme="dark"."""
        self._browser = browser
        target = browser.send("Target.createTarget", url="about:blank")["targetId"]
        self._target = target
        self._session = browser.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in preferences.items()]
        self.send("Emulation.setEmulatedMedia", features=features)
        self.send("Page.navigate", url=url)
        browser.wait_for("Page.loadEventFired", self._session)
        self.url = url

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        return self._browser.send(method, self._session, **params)

    def evaluate(self, expression: str) -> Any:
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def text(self, selector: str) -> str:
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")

    def texts(self, selector: str) -> list[str]:
        return self.evaluate(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.textContent)")

    def press(self, key: str) -> None:
        text = {"text": {"Enter": "\r"}.get(key, key)} if len(key) == 1 or key == "Enter" else {}
        code = KEY_CODES.get(key, ord(key[0].upper()))
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def click(self, selector: str) -> None:
        box = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        x, y = self.evaluate(f"(b => [b.x + b.width / 2, b.y + b.height / 2])({box})")
        self.drag((x, y), (x, y))

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        for kind, (x, y) in (("mousePressed", start), ("mouseMoved", end), ("mouseReleased", end)):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def scroll(self, x: float, y: float, by: float) -> None:
        self.send("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=by)

    def screenshot(self) -> bytes:
        return base64.b64decode(self.send("Page.captureScreenshot")["data"])

    def close(self) -> None:
        self._browser.send("Target.closeTarget", targetId=self._target)

    def problems(self) -> list[Any]:
        """Errors, warnings, violations of the security policy, and all network requests."""
        self.evaluate("0")  # everything before has been reported once this returns
        found: list[Any] = []
        for event in self._browser.events:
            method, params = event["method"], event.get("params", {})
            if event.get("sessionId") != self._session:
                continue
            if method in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"):
                found.append(params)
            elif method == "Network.requestWillBeSent" and params["request"]["url"] != self.url.partition("#")[0]:
                found.append(params["request"]["url"])
        return found


@contextlib.contextmanager
def launched(profile: str) -> Iterator[Browser]:
    """Chromium with its user data in the directory ``profile``."""
    assert PROGRAM is not None
    (their_input, our_output), (our_input, their_output) = _pipe(), _pipe()
    process = os.posix_spawn(
        PROGRAM,
        [PROGRAM, f"--user-data-dir={profile}", *OPTIONS],
        {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"},  # of a sanitizer
        file_actions=[
            (os.POSIX_SPAWN_DUP2, their_input, 3),
            (os.POSIX_SPAWN_DUP2, their_output, 4),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
    )
    os.close(their_input)
    os.close(their_output)
    try:
        browser = Browser(our_output, our_input)
        yield browser
        browser.send("Browser.close")
    finally:
        os.close(our_output)
        os.close(our_input)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def _pipe() -> tuple[int, int]:
    """The ends of a pipe, other than 3 and 4, where Chromium expects its own."""
    import fcntl

    read, write = os.pipe()
    try:
        return fcntl.fcntl(read, fcntl.F_DUPFD_CLOEXEC, 10), fcntl.fcntl(write, fcntl.F_DUPFD_CLOEXEC, 10)
    finally:
        os.close(read)
        os.close(write)
