"""Watch over hosts: the signs of life that a thread of each one gives while a call to it is pending."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import ray


class Watch:
    """The times at which each host gave its last sign of life and at which its work last moved.

    Times are monotonic seconds.
    """

    def __init__(self, shells: Mapping[str, Any]) -> None:
        """shells: the Ray actor of each host."""
        self._shells = shells
        self._last_sign = dict.fromkeys(shells, time.monotonic())
        self.begin()

    def begin(self) -> None:
        """Begin a call: from now on the hosts owe signs and progress."""
        self.began = time.monotonic()
        self._heard: dict[str, float] = {}
        self._moved: dict[str, float] = {}
        self._progress: dict[str, int] = {}
        self._asked: dict[str, Any] = {}

    def replied(self, names: Iterable[str]) -> None:
        """Note that these hosts answered a call."""
        self._last_sign.update(dict.fromkeys(names, time.monotonic()))

    def silent_seconds(self, name: str, now: float) -> float:
        """Return the seconds since the last sign of life of a host, whether it owed one or not; a fault that is noticed
        now cannot be older.
        """
        return now - self._last_sign[name]

    def look(self, name: str, now: float) -> tuple[float, float]:
        """Return for how many seconds a host has owed a sign of life, and progress. Read its answer to the last look,
        and ask it again.
        """
        silent = 0.0 if self._answered(name, now) else now - self._heard.get(name, self.began)
        return silent, now - self._moved.get(name, self.began)

    def _answered(self, name: str, now: float) -> bool:
        asked = self._asked.get(name)
        if asked is not None and not ray.wait([asked], timeout=0)[0]:
            return False
        self._asked[name] = self._shells[name].progress.remote()
        if asked is None:
            return False
        try:
            progress = ray.get(asked)
        except ray.exceptions.RayError:
            return False  # the call itself will say what happened to the host
        self._heard[name] = self._last_sign[name] = now
        if progress != self._progress.get(name):
            self._progress[name], self._moved[name] = progress, now
        return True


def failure_of(call: Any) -> ray.exceptions.RayError | None:
    """Return how a call has failed by now; None for one that succeeded or is still on its way."""
    if ray.wait([call], timeout=0)[0]:
        try:
            ray.get(call)
        except ray.exceptions.RayError as error:
            return error
    return None
