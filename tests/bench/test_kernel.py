"""The benchmark of the kernel runs the same hops as its peer."""

from __future__ import annotations

import json
import sys

import pytest

from ceas_ray.bench.kernel_peers import ACTORS
from ceas_ray.bench.phold import measured
from ceas_ray.cli import bench


def test_phold_runs_the_same_hops_each_time_on_all_actors() -> None:
    first, second = measured(20_000_000), measured(20_000_000)
    assert (first["hops"], first["digests"]) == (second["hops"], second["digests"])
    assert len(first["hops"]) == ACTORS
    assert min(first["hops"]) > 0


def test_the_benchmark_of_the_kernel_prints_a_table_or_its_figures(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "kernel", "--quick", "--json"])
    assert bench.main() == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["rows"][0]["ours_over_this"]["median"] == 1
    monkeypatch.setattr(sys, "argv", ["bench", "kernel", "--quick"])
    assert bench.main() == 0
    assert "hops per CPU second" in " ".join(capsys.readouterr().out.replace("│", " ").split())


def test_a_python_without_simpy_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "kernel", "--quick", "--simpy", sys.executable])
    assert bench.main() == 2
    assert "--simpy: " in capsys.readouterr().err
