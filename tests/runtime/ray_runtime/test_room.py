"""The room that a run has on a cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.ray_runtime.test_ray_runtime import command
from tests.runtime.test_lost_clusters import TOKEN, Head, head  # noqa: F401  (a fixture)

pytestmark = [pytest.mark.ray, pytest.mark.slow]
LEAVE_ROOM_BEHIND = """
import ray, sys
ray.init(sys.argv[1], log_to_driver=False)
group = ray.util.placement_group([{"CPU": 4}], name=sys.argv[2], lifetime="detached")
assert group.wait(60)
"""


@pytest.mark.parametrize(("name", "code"), [("ceas_ray_of_the_dead", 0), ("of_somebody_else", 2)])
def test_a_run_takes_the_room_that_a_dead_run_left_and_nobody_elses(
    head: Head,  # noqa: F811
    tmp_path: Path,
    name: str,
    code: int,
) -> None:
    """Ray keeps it where it made it for a driver that it took for dead just before."""
    environment = os.environ | TOKEN
    subprocess.run([sys.executable, "-c", LEAVE_ROOM_BEHIND, head.address, name], env=environment, check=True)
    words = command(f"runtime.address={head.address}", "runtime.wait_seconds=15", f"output={tmp_path / 'run'}")
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stderr
    assert ("the cluster has no room for this run" in done.stderr) == bool(code)
