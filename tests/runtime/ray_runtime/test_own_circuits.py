"""Circuits of the user's own on Ray, from a file outside the checkout, in every scheme."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runtime.ray_runtime.test_ray_runtime import ray_processes, run, summary_of
from tests.world.test_own_circuit import BLOCKS

pytestmark = pytest.mark.ray
SCHEMES = {
    "data": [],
    "circuit": ["training.partition=circuit", "training.distributor=packed"],
    "layer": ["training.partition=layer", "training.processors_per_group=3", "processors.count=12"],
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_circuit_from_elsewhere_has_the_digest_and_model_of_the_local_runtime(scheme: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").write_text(BLOCKS)
    words = [f"training.circuit={tmp_path}/elsewhere.py:blocks", *SCHEMES[scheme]]
    run(tmp_path / "local", "runtime=local", *words)
    run(tmp_path / "ray", "runtime=ray", "runtime.processor_hosts=2", *words)
    local, on_ray = summary_of(tmp_path / "local"), summary_of(tmp_path / "ray")
    assert on_ray["runtime"] == "ray"
    assert on_ray["trace_digest"] == local["trace_digest"]
    assert (tmp_path / "ray" / "model.npz").read_bytes() == (tmp_path / "local" / "model.npz").read_bytes()
    assert ray_processes() == []
