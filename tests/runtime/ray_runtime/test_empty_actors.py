"""The floor of what Ray takes: actors that do nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.ray


def test_each_empty_actor_is_a_process_of_its_own_until_the_cluster_ends() -> None:
    script = (
        "import psutil\n"
        "from ceas_ray.runtime.ray_runtime import empty_actors, ray_cluster\n"
        "def count():\n"
        "    names = [' '.join(p.cmdline()) for p in psutil.Process().children(recursive=True)]\n"
        "    return sum('_Empty' in name for name in names)\n"
        "with ray_cluster(None, 1, False), empty_actors(2):\n"
        "    print(count())\n"
        "print(count())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=180)
    assert done.stdout.split() == ["2", "0"], done.stderr
