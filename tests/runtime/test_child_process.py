"""A child process does one thing for this one, and ends with it."""

from __future__ import annotations

import sys

from ceas_ray.runtime.child_process import start_child

_ENDING = "from ceas_ray.runtime.child_process import end_with_other_end; end_with_other_end(connection, 7); "


def test_a_child_has_the_other_end_of_the_connection_a_group_of_its_own_and_no_input() -> None:
    connection, process = start_child(
        "import os; connection.send((connection.recv() + 1, os.getpgrp(), sys.stdin.read()))"
    )
    connection.send(41)
    assert connection.recv() == (42, process.pid, "")
    assert process.wait(60) == 0
    connection.close()


def test_a_child_that_is_busy_ends_when_the_other_end_closes() -> None:
    connection, process = start_child(
        f"import time; sys.path[:] = connection.recv(); {_ENDING} connection.send('busy'); time.sleep(600)"
    )
    connection.send(sys.path)
    assert connection.recv() == "busy"
    connection.close()
    assert process.wait(60) == 7
