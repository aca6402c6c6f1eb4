"""Sending a run to MLflow in a thread of its own, until the first failure."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from ceas_ray.tracking.background import Background


class Sending:
    """Calls that send, in their order. The first failure is told to `warn`, then nothing more is sent."""

    def __init__(self, uri: str, warn: Callable[[str], None], heard: Callable[[], None] = lambda: None) -> None:
        """uri: where to, for the line that tells of a failure. heard: called for every part that is done."""
        self.uri, self.warn, self._heard = uri, warn, heard
        self.failed = False
        """Whether something could not be sent."""
        self._calls = Background()

    def ask_for(self, call: Callable[[], None]) -> None:
        """Let the call be made once those before it have returned, unless one has failed."""
        self._calls.ask_for(lambda: self._tried(call))

    def answered(self) -> None:
        """Note, from within a call, that a part of it is done."""
        self._calls.answered()
        self._heard()

    def wait(self, seconds: float = inf, silence: float = inf, first: int | None = None) -> None:
        """Wait until all is sent, or the first calls are, this long at most; then it is given up.

        silence: how long at most without an answer.
        """
        if not self.failed and not self._calls.wait(seconds, silence, first):
            self.fail(f"it did not take everything within {min(seconds, silence):.3g} s")

    def leave(self) -> None:
        """Send nothing more, without a word."""
        self.failed = True

    def fail(self, line: str) -> None:
        """Send nothing more, and say why."""
        if self.failed:
            return
        self.failed = True
        self.warn(f"MLflow at {self.uri} failed, the run goes on without it (ceas-sync sends what is missing): {line}")

    def _tried(self, call: Callable[[], None]) -> None:
        if self.failed:
            return
        try:
            call()
        except Exception as error:
            self.fail(" ".join(str(error).split())[:200])
