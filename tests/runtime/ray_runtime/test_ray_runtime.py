"""The same simulation on Ray."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.left_behind import ray_processes
from tests.small_worlds import SMALL

pytestmark = pytest.mark.ray
ON_RAY = [s for s in SMALL if s != "runtime=local"]


def command(*overrides: str) -> list[str]:
    return [sys.executable, "-m", "ceas_ray.cli.run", *ON_RAY, *overrides]


def run(folder: Path, *overrides: str) -> None:
    subprocess.run(command(f"output={folder}", *overrides), check=True, capture_output=True, timeout=300)


def summary_of(folder: Path) -> dict[str, object]:
    return dict(json.loads((folder / "summary.json").read_text()))


def test_one_to_eight_processor_hosts_give_the_digest_and_model_of_the_local_runtime(tmp_path: Path) -> None:
    """The runs on Ray are jobs of one sweep that have hosts of their own."""
    run(tmp_path / "local", "runtime=local", "attacks=alie")
    run(tmp_path / "ray", "attacks=alie", "-m", "runtime.processor_hosts=1,2,4,8")
    expected = summary_of(tmp_path / "local")
    for job, hosts in enumerate((1, 2, 4, 8)):
        folder = tmp_path / "ray" / str(job)
        summary = summary_of(folder)
        assert summary["runtime"] == "ray"
        assert summary["hosts"] == hosts + 3
        assert summary["trace_digest"] == expected["trace_digest"]
        assert (folder / "model.npz").read_bytes() == (tmp_path / "local" / "model.npz").read_bytes()
    assert ray_processes() == []


def test_an_error_inside_an_actor_crosses_ray_with_its_name_and_time() -> None:
    script = (
        "from ceas_ray.runtime.ray_runtime import RayCluster, ray_cluster\n"
        "from ceas_ray.kernel.windows import Simulation\n"
        "from ceas_ray.kernel.envelope import Envelope\n"
        "from tests.small_worlds import small_world\n"
        "hosts = small_world().hosts(1, 1)\n"
        "said = dict(sender='driver', serial=9, receiver='link/processor/3', payload=b'nonsense')\n"
        "hosts[1].post([Envelope(deliver_at=7, **said)])\n"
        "with ray_cluster(None, 2, False):\n"
        "    list(Simulation(RayCluster(hosts, allow_mixed_hosts=False)).rounds())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert "link/processor/3 failed at 0.000000000 s of simulated time: TypeError" in done.stderr
    assert ray_processes() == []


def test_every_cluster_of_a_process_has_its_own_token_whoever_imported_ray_first() -> None:
    script = (
        "import os, ray\n"
        "from ceas_ray.runtime.failure import RuntimeFailure\n"
        "from ceas_ray.runtime.ray_runtime import ray_cluster\n"
        "tokens = []\n"
        "for _ in range(2):\n"
        "    with ray_cluster(None, 1, False):\n"
        "        assert os.environ['RAY_AUTH_MODE'] == 'token'\n"
        "        tokens.append(os.environ['RAY_AUTH_TOKEN'])\n"
        "        try:\n"
        "            with ray_cluster(None, 1, False):\n"
        "                pass\n"
        "        except RuntimeFailure as error:\n"
        "            print(error)\n"
        "        assert ray.is_initialized()\n"
        "    assert 'RAY_AUTH_MODE' not in os.environ and 'RAY_AUTH_TOKEN' not in os.environ\n"
        "assert tokens[0] != tokens[1]\n"
        "ray.init(num_cpus=1, include_dashboard=False)\n"
        "ray.shutdown()\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    refusal = "runtime=ray must have Ray to itself in a process; call ray.shutdown() before"
    assert done.stdout.splitlines() == [refusal, refusal]
    assert ray_processes() == []


def test_the_head_of_a_cluster_keeps_no_entry_of_a_call() -> None:
    """It would keep 100,000 of them; those of other tasks show that entries had arrived there."""
    script = (
        "import os; os.environ['RAY_task_events_report_interval_ms'] = '100'\n"
        "from ceas_ray.runtime.ray_runtime import RayCluster, ray_cluster\n"
        "import ray\n"
        "from ceas_ray.kernel.windows import Simulation\n"
        "from tests.small_worlds import small_world\n"
        "from tests.runtime.test_faults import wait_until\n"
        "def kept(): return {event['name'] for event in ray.timeline()}\n"
        "def other(): return True\n"
        "def arrived(): return ray.get(ray.remote(other).remote()) and any('other' in name for name in kept())\n"
        "with ray_cluster(None, 8, False):\n"  # a CPU is left beside the hosts, for the other task
        "    hosts = small_world().hosts(1, 1)\n"
        "    rounds = list(Simulation(RayCluster(hosts, allow_mixed_hosts=False)).rounds())\n"
        "    wait_until(arrived)\n"
        "    print(len(rounds), [name for name in kept() if 'step' in name])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=180)
    assert done.stdout.split() == ["3", "[]"], done.stderr
