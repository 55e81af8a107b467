"""A headless Chromium that tests drive through its debugging pipe: no driver, no port, no package."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import subprocess
import time
from pathlib import Path
from typing import Any

#: Seconds that anything may take; the machine may be busy with something else.
PATIENCE = 180.0


class Chromium:
    """A browser with one or more pages; what it says is kept in ``complaints``."""

    def __init__(self, program: str, profile: Path):
        low, self._inbox = os.pipe()
        self._outbox, high = os.pipe()
        # Beyond the numbers that they get in the browser, so that one does not take the other's
        # place.
        command, events = (fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (low, high))
        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run"]
        # The pipe's ends are the descriptors 3 and 4 of the browser.
        shell = ["bash", "-c", f'exec "$0" "$@" 3<&{command} 4>&{events}', program]
        self.process = subprocess.Popen(
            [*shell, *arguments, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(command, events),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (low, high, command, events):
            os.close(end)
        self._bytes = b""
        self._count = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self.complaints: list[str] = []

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._inbox)
        os.close(self._outbox)

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Asks the browser for something and waits for what it gives."""
        answer = self.ask(method, session, **parameters)
        assert "error" not in answer, f"{method}: {answer}"
        return answer["result"]

    def ask(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """The same, errors included."""
        self._count += 1
        number = self._count
        message = {"id": number, "method": method, "params": parameters}
        os.write(self._inbox, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while number not in self._answers:
            assert time.monotonic() < until, f"Chromium does not answer {method}"
            self._receive(until - time.monotonic())
        return self._answers.pop(number)

    def _receive(self, seconds: float) -> None:
        """Takes what the browser says, if it says something in time."""
        if not select.select([self._outbox], [], [], max(seconds, 0))[0]:
            return
        self._bytes += os.read(self._outbox, 1 << 20)
        *whole, self._bytes = self._bytes.split(b"\0")
        for message in map(json.loads, whole):
            if "id" in message:
                self._answers[message["id"]] = message
                continue
            params, said = message.get("params", {}), message.get("method")
            if said == "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(params["exceptionDetails"]))
            elif said == "Log.entryAdded" or (said == "Runtime.consoleAPICalled" and params["type"] != "log"):
                self.complaints.append(json.dumps(params.get("entry", params)))

    def open(self, address: str, width: int = 1280, height: int = 900, *, dark: bool = False) -> Page:
        """Opens a page in a window of some size."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Runtime", "Log"):
            page.call(f"{domain}.enable")
        page.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.call("Emulation.setEmulatedMedia", features=[theme])
        if width < 600:
            page.call("Emulation.setTouchEmulationEnabled", enabled=True)
        page.call("Page.navigate", url=address)
        return page


class Page:
    """A page of the browser."""

    def __init__(self, browser: Chromium, session: str):
        self.browser = browser
        self.session = session

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Asks for something about this page."""
        return self.browser.call(method, self.session, **parameters)

    def value(self, expression: str) -> Any:
        """What a piece of script gives; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str) -> Any:
        """Waits until a piece of script gives something true; while a page is loaded it may fail."""
        end = time.monotonic() + PATIENCE
        options = {"expression": expression, "returnByValue": True}
        while True:
            answer = self.browser.ask("Runtime.evaluate", self.session, **options).get("result", {})
            value = answer.get("result", {}).get("value")
            if value and "exceptionDetails" not in answer:
                return value
            assert time.monotonic() < end, f"{expression}: {answer}: {self.value('document.body.innerText')}"
            time.sleep(0.05)

    def click(self, selector: str) -> None:
        """Presses and releases the mouse in the middle of an element."""
        self.drag(selector, [(0.5, 0.5)])

    def drag(self, selector: str, shares: list[tuple[float, float]]) -> None:
        """Presses the mouse at a place of an element, as shares of its sides, moves it to others and releases it."""
        find = (
            f"(e => (e.scrollIntoView({{block: 'nearest'}}), e.getBoundingClientRect().toJSON()))({element(selector)})"
        )
        area = self.value(find)
        points = [(area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in shares]
        kinds = ["mousePressed", *["mouseMoved"] * (len(points) - 1), "mouseReleased"]
        for kind, (x, y) in zip(kinds, [*points, points[-1]], strict=True):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    def swipe(self, selector: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        """The same with a finger."""
        area = self.value(f"{element(selector)}.getBoundingClientRect().toJSON()")
        points = [(area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in (start, end)]
        for kind, point in (("touchStart", points[:1]), ("touchMove", points[1:]), ("touchEnd", [])):
            self.call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y} for x, y in point])

    def pinch(self, selector: str, before: float, after: float) -> None:
        """Moves two fingers about the middle of an element, from one distance to another, as shares of its width."""
        area = self.value(f"{element(selector)}.getBoundingClientRect().toJSON()")
        middle, y = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
        for kind, apart in (("touchStart", before), ("touchMove", (before + after) / 2), ("touchMove", after)):
            points = [
                {"x": middle + side * apart * area["width"] / 2, "y": y, "id": number}
                for number, side in enumerate((-1, 1))
            ]
            self.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def press(self, key: str, *, shift: bool = False) -> None:
        """Presses and releases a key."""
        text = {"text": key} if len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            extra = text if kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, modifiers=8 if shift else 0, **extra)

    def picture(self, path: Path) -> None:
        """Writes the whole page as a PNG."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))


def element(selector: str) -> str:
    """The script that finds an element."""
    return f"document.querySelector({json.dumps(selector)})"
