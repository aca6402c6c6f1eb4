"""Interrupts that are put off."""

from __future__ import annotations

import os
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


def test_a_handler_is_called_once_and_whoever_counts_signals_hears_of_no_second_one() -> None:
    heard: list[int] = []
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    wakeup = signal.set_wakeup_fd(writer)
    try:
        with interrupts_put_off():
            signal.raise_signal(signal.SIGTERM)
            assert heard == []
        assert heard == [signal.SIGTERM]
        assert os.read(reader, 9) == bytes([signal.SIGTERM])
    finally:
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGTERM, before)


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
