"""Interrupts that are put off."""

from __future__ import annotations

import signal
import threading

import pytest

from ceas_ray.kernel.signals import interrupts_put_off


def test_an_interrupt_comes_after_the_block_and_once() -> None:
    before, done = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt), interrupts_put_off():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        done.append("whole")
    assert done == ["whole"]
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_in_the_block_restores_who_answers() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ValueError, match="inside"), interrupts_put_off():
        raise ValueError("inside")
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_threads_change_no_handler() -> None:
    seen = []

    def look() -> None:
        with interrupts_put_off():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
