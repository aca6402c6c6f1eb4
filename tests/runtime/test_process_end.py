"""A child process is waited for to its end, whatever comes meanwhile."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ceas_ray.runtime.process_end import interrupted_while_ending


class Interrupted(subprocess.Popen[bytes]):
    """A process during the wait for which so many interrupts come."""

    interrupts = 0

    def wait(self, timeout: float | None = None) -> int:
        if self.interrupts:
            self.interrupts -= 1
            raise KeyboardInterrupt
        return super().wait(timeout)


@pytest.mark.parametrize("interrupts", [0, 1, 3])
def test_the_wait_goes_on_to_the_end_and_says_whether_an_interrupt_came(interrupts: int) -> None:
    with Interrupted([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        process.interrupts = interrupts
        assert process.stdin is not None
        process.stdin.close()
        assert interrupted_while_ending(process) == (interrupts > 0)
        assert process.returncode is not None
