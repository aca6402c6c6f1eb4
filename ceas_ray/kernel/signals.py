"""The signals that interrupt, and how they are put off while something is made that must be whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupts() -> tuple[signal.Signals, ...]:
    """Return the signals that interrupt this process: without SIGHUP where `nohup` started it."""
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return tuple(number for number in _INTERRUPTS if not (ignored and number == signal.SIGHUP))


@contextmanager
def interrupts_put_off() -> Iterator[None]:
    """Answer an interrupt only after this block: a worker process whose start is interrupted never hears what to do.

    Children do not inherit that. Outside the main thread, where no interrupt arrives, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    before = {number: signal.signal(number, lambda *interrupt: came.append(interrupt)) for number in interrupts()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
    for heard, frame in came[:1]:
        answer = before[signal.Signals(heard)]
        if callable(answer):
            answer(heard, frame)  # raised again, it would be a second signal
        else:
            signal.raise_signal(heard)
