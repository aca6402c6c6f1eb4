"""What a run's simulated time and pairs were spent on."""

from __future__ import annotations

from typing import Any

import pytest

from ceas_ray.kernel.windows import Simulation
from ceas_ray.runtime.local_runtime import LocalCluster
from tests.runs.test_results import run_of
from tests.small_worlds import small_world

CAUSES = {"shots", "tests", "keys", "update", "consensus", "planning"}
KEYS_LOST = (
    "processors.count=4", "consensus.committee_size=4", "consensus.on_stall=wait",
    "consensus.jamming={replicas:[0,1,2,3],first_round:1,last_round:1,refills:1}",
)  # fmt: skip


def parts(line: dict[str, Any], prefix: str) -> dict[str, float]:
    return {name.removeprefix(prefix): value for name, value in line.items() if name.startswith(prefix)}


@pytest.mark.parametrize("overrides", [(), ("training.inputs=local",), KEYS_LOST], ids=["default", "local", "refill"])
def test_the_parts_of_time_and_pairs_are_all_of_it_in_every_round_and_in_the_run(overrides: tuple[str, ...]) -> None:
    lines, summary, _ = run_of(*overrides)
    for line in lines:
        seconds = parts(line, "seconds_of_")
        assert set(seconds) == CAUSES
        assert min(seconds.values()) >= 0
        assert sum(seconds.values()) == pytest.approx(line["simulated_seconds"], rel=1e-9)
    whole = summary["simulated_seconds_by_cause"]
    assert sum(whole.values()) == pytest.approx(summary["simulated_seconds"], rel=1e-9)
    assert sum(summary["bell_pairs"]["by_cause"].values()) == summary["bell_pairs"]["generated"]
    rounds = sum(parts(line, "pairs_of_")["shots"] for line in lines)
    assert rounds <= summary["bell_pairs"]["by_cause"]["shots"] <= 1.01 * rounds, "the warm-up wastes some"
    assert min(summary["bell_pairs"]["by_cause"].values()) >= 0
    assert (whole["shots"] == 0) == ("training.inputs=local" in overrides)


def test_simulated_seconds_are_all_that_pass_the_warm_up_included() -> None:
    """The last mark is when the next round would begin."""
    (_, summary, _), world = run_of(), small_world()
    ended = max(end.mark.at for end in Simulation(LocalCluster(world.one_host())).rounds())
    assert summary["simulated_seconds"] == pytest.approx(ended * 1e-12, abs=1e-9)
    assert summary["simulated_seconds_by_cause"]["tests"] > 0
