"""A line now and then while a round goes on for long: since when, and what it waits for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ceas_ray.kernel.time import FOREVER, seconds
from ceas_ray.kernel.windows import Simulation
from ceas_ray.messages.observations import ProgressObserved

LONG_SECONDS = 30.0
"""How long a round goes on before that is said; again when it has gone on for twice as long, and so on."""
_LONG_ROUNDS = 3.0
"""A round is long only if it has taken this many times as long as the longest one before it."""


def progress_of(simulation: Simulation) -> ProgressObserved | None:
    """Return what the entanglement manager last observed of the round that goes on; None before it did."""
    payloads = (observation.payload for observation in reversed(simulation.seen()))
    return next((payload for payload in payloads if isinstance(payload, ProgressObserved)), None)


def waits_for(simulation: Simulation) -> str:
    """Say what the round that goes on waits for, how much was handled in it, and the simulated time."""
    known, now = progress_of(simulation), simulation.now
    if known is None or (now < known.plan_ends_at and not known.waits):
        what = "it waits for the Bell pairs and keys of its plan"
    else:
        what = f"it waits for the committee: {known.reports} of {known.replicas} replicas reported a decision"
        if known.waits:
            what += f", though it was given new keys (time {known.waits})"
    handled = f"{simulation.handled:,} messages in this round"
    return f"{what}; {handled}" if now == FOREVER else f"{what}; {handled}, simulated time {seconds(now):,.6g} s"


class RoundWatch:
    """Watches rounds from a thread of its own, which speaks also while one long step is computed."""

    def __init__(self, say: Callable[[str], object], long_seconds: float) -> None:
        """say: is given each line, the first one once a round has gone on for `long_seconds`."""
        self._say, self._long_seconds = say, long_seconds
        self._begun, self._wait, self._longest = time.monotonic(), long_seconds, 0.0
        self._round, self._standing = 0, ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> RoundWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def begin(self, round_index: int) -> None:
        """Begin a round; the one before it is over."""
        now = time.monotonic()
        if round_index != self._round:
            self._longest = max(self._longest, now - self._begun)
        self._round, self._standing, self._begun = round_index, "", now
        self._wait = max(self._long_seconds, _LONG_ROUNDS * self._longest)

    def note(self, standing: Callable[[], str]) -> None:
        """Keep what there is to say of the round, if it is long enough by now that it will be said soon."""
        self._standing = standing() if time.monotonic() - self._begun > self._wait / 2 else ""

    def note_fault(self) -> None:
        """Keep that the round waits for hosts that were lost, until it goes on."""
        self._standing = "it waits for its hosts, which are made anew"

    def _watch(self) -> None:
        while not self._over.wait(max(0.0, self._begun + self._wait - time.monotonic())):
            taken = time.monotonic() - self._begun
            if taken < self._wait:
                continue  # another round began meanwhile
            what = self._standing or "one step of it is being computed"
            self._say(f"round {self._round} has gone on for {taken:.0f} s: {what}")
            self._wait *= 2
