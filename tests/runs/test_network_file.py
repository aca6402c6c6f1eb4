"""`network.json` counts pairs as the summary does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ceas_ray.cli.run import main
from ceas_ray.runs.results import party_order
from tests.small_worlds import SMALL


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [
    [], ["network=grid"], ["network=line", "consensus.key_rate=finite", "consensus.committee_size=4"],
    ["network=complete", "processors.count=4", "consensus.committee_size=11", "training.rounds=1"],
    ["stop.simulated_seconds=0.001"],
])  # fmt: skip
def test_sums_over_links_are_the_figures_of_the_summary(overrides: list[str], tmp_path: Path) -> None:
    assert main([*SMALL, *overrides, f"output={tmp_path / 'run'}"]) == 0
    links = json.loads((tmp_path / "run" / "network.json").read_text())["links"]
    pairs = json.loads((tmp_path / "run" / "summary.json").read_text())["bell_pairs"]
    assert sum(link["generated"] for link in links) == pairs["generated"]
    assert sum(link["stored"] for link in links) == pairs["stored"] > 0
    for use, used in pairs["used"].items():
        assert sum(link["used"][use] for link in links) == used


def test_parties_are_ordered_as_key_paths_have_them() -> None:
    names = ["replica/10", "replica/2", "processor/11", "processor/3"]
    assert sorted(names, key=party_order) == ["processor/3", "processor/11", "replica/2", "replica/10"]
