"""Calls that are made one after the other in a thread of their own, so that whoever asks for them never waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from math import inf
from queue import SimpleQueue


class Background:
    """A thread that makes calls in their order; it ends with the process, whatever it is waiting for."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._asked, self._returned, self._changed = 0, 0, threading.Condition()
        self._answered = time.monotonic()
        self._works = False

    def ask_for(self, call: Callable[[], None]) -> None:
        """Let the call be made once those before it have returned."""
        with self._changed:
            if self._asked == self._returned:
                self._answered = time.monotonic()
            self._asked += 1
            if not self._works:
                self._works = True
                threading.Thread(target=self._work, daemon=True).start()
        self._calls.put(call)

    def answered(self) -> None:
        """Note, from within a call, that a part of it is done."""
        with self._changed:
            self._answered = time.monotonic()
            self._changed.notify_all()

    def wait(self, seconds: float = inf, silence: float = inf, first: int | None = None) -> bool:
        """Wait until all calls, or the first ones, have returned; return whether they have.

        seconds: how long at most. silence: how long at most without a part that is done, also before this wait.
        """
        until = time.monotonic() + seconds
        with self._changed:
            while self._returned < (self._asked if first is None else first):
                left = min(until, self._answered + silence) - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(None if left == inf else left)
        return True

    def _work(self) -> None:
        while True:
            call = self._calls.get()
            try:
                call()
            finally:
                with self._changed:
                    self._returned += 1
                    self._answered = time.monotonic()
                    self._changed.notify_all()
