"""A headless Chromium, spoken to over a pipe: what a page shows, what it complains of, how it looks.

Its protocol: https://chromedevtools.github.io/devtools-protocol (messages end with a zero byte).
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed (apt-get install chromium)")
LONGEST_SECONDS = 120.0
"""Then a page that does not show what it should is given up: machines that others use are slow."""
_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe",
    "--window-size=1400,1000", "--allow-file-access-from-files",
)  # fmt: skip
_WHILE_IT_LOADS = ("navigated or closed", "context was destroyed", "Cannot find default execution context")
_SHOWS = """new Promise(done => {
    const is_there = () => location.href !== "about:blank" && document.readyState === "complete";
    const look = () => is_there() && %s.every(text => document.body.innerText.includes(text))
        ? done(true) : setTimeout(look, 100);
    look();
})"""


class BrowserError(Exception):
    """The browser answered with an error, ended, or a page never showed what it should."""


@dataclass
class Shown:
    """A page that was opened: its text, and the errors that it wrote to the console or met while it loaded."""

    text: str = ""
    errors: list[str] = field(default_factory=list)


class Browser:
    """A browser with one tab for the page that was opened last."""

    def __init__(self, process: subprocess.Popen[bytes], to: int, back: int) -> None:
        self._process, self._to, self._back = process, to, back
        self._waiting, self._serial, self._session = b"", 0, ""
        self._target: str | None = None
        self._errors: list[str] = []

    def open(self, address: str, shows: Sequence[str] = (), picture: Path | None = None) -> Shown:
        """Return the page at this address when all texts of `shows` are on it; picture: where a screenshot goes.

        Raises BrowserError if they are not within LONGEST_SECONDS.
        """
        self._errors, self._session, old = [], "", self._target
        self._target = self._ask("Target.createTarget", url=address)["targetId"]
        if old is not None:
            self._ask("Target.closeTarget", targetId=old)
        self._session = self._ask("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log"):
            self._ask(f"{domain}.enable")  # which tells what the page has complained of so far
        try:
            self._wait_for(shows)
        except TimeoutError:
            text = str(self.evaluate("document.body.innerText"))
            missing = [one for one in shows if one not in text]
            raise BrowserError(f"{address} does not show {missing} but: {text[:2000]}; {self._errors}") from None
        text = str(self.evaluate("document.body.innerText"))
        if picture is not None:
            self.take(picture)
        return Shown(text, list(self._errors))

    def _wait_for(self, texts: Sequence[str]) -> None:
        while True:
            try:
                self.evaluate(_SHOWS % json.dumps(list(texts)))
                return
            except BrowserError as error:
                if not any(known in str(error) for known in _WHILE_IT_LOADS):
                    raise

    def take(self, picture: Path) -> None:
        """Save a picture of what is shown as a PNG."""
        picture.write_bytes(base64.b64decode(self._ask("Page.captureScreenshot")["data"]))

    def evaluate(self, expression: str) -> Any:
        """Return what an expression in JavaScript comes to, a promise's value included."""
        found = self._ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise BrowserError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    def _ask(self, method: str, **parameters: Any) -> Any:
        self._serial += 1
        message: dict[str, Any] = {"id": self._serial, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._serial:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                return answer["result"]
            self._errors += _complaints(answer.get("method"), answer.get("params", {}))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._waiting:
            if not select.select([self._back], [], [], LONGEST_SECONDS)[0]:
                raise TimeoutError
            read = os.read(self._back, 2**20)
            if not read:
                raise BrowserError("Chromium ended")
            self._waiting += read
        one, _, self._waiting = self._waiting.partition(b"\0")
        return dict(json.loads(one))


def _complaints(event: str | None, told: dict[str, Any]) -> Iterator[str]:
    """Yield what this event says of an error: one that nobody caught, one on the console, one of loading."""
    match event:
        case "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            yield details.get("exception", {}).get("description", details["text"])
        case "Runtime.consoleAPICalled" if told["type"] in ("error", "assert"):
            yield " ".join(str(part.get("value", part.get("description"))) for part in told["args"])
        case "Log.entryAdded" if told["entry"]["level"] == "error":
            yield f"{told['entry']['text']} {told['entry'].get('url', '')}"


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser that keeps its files in this folder."""
    assert PROGRAM is not None
    (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
    command = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
    words = ["bash", "-c", command, "bash", PROGRAM, *_OPTIONS, f"--user-data-dir={folder}", "about:blank"]
    with (folder / "chromium.log").open("w") as log:
        process = subprocess.Popen(words, pass_fds=(theirs_in, theirs_out), stdout=log, stderr=log)
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield Browser(process, ours_out, ours_in)
    finally:
        process.terminate()
        process.wait()
        os.close(ours_out)
        os.close(ours_in)
