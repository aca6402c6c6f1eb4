"""Benchmarks of rounds, of scale and of the start of a run tell figures of what runs do."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from ceas_ray.bench.round_parts import PARTS, LocalRounds
from ceas_ray.cli import bench
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.windows import Simulation
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.world.builder import build_world
from tests.composed_settings import composed_once

SMALL = ["processors.count=6", "training.data.samples=60", "training.layers=1"]


def figures(name: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return what a benchmark prints."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["bench", name, "--quick", "--json", *words])
        assert bench.main() == 0
    return dict(json.loads(capsys.readouterr().out))


def test_rounds_that_are_timed_are_those_of_a_run() -> None:
    settings = build(RunSettings, composed_once([*SMALL, "training.rounds=3"]))
    timed, plain = LocalRounds(settings), Simulation(LocalCluster(build_world(settings).one_host()))
    for _, expected in zip(range(2), plain.rounds(), strict=False):
        end, milliseconds = timed.next()
        assert end.digest == expected.digest
        assert set(milliseconds) == set(PARTS)


def test_a_round_has_parts_that_sum_up_to_its_cpu_time(capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = figures("round", SMALL, capsys)["rows"]
    assert row["runtime"] == "local, one host"
    assert row["windows"] == 1
    assert all(f"{part}_ms" in row for part in PARTS)


@pytest.mark.slow
def test_more_processors_are_measured_in_a_process_each(capsys: pytest.CaptureFixture[str]) -> None:
    rows = figures("scale", ["training.data.samples=100"], capsys)["rows"]
    assert [row["processors"] for row in rows] == [5, 10]
    assert all(row["messages"] > row["host_calls"] > row["windows"] > 1 for row in rows)
    assert 0 < rows[0]["kilobytes_between_hosts"] < rows[1]["kilobytes_between_hosts"]
    assert all(0.5 < row["estimated_megabytes"] / row["megabytes"] < 2 for row in rows)


@pytest.mark.slow
def test_a_run_shows_a_sign_of_life_before_its_first_round_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    rows = figures("start", SMALL, capsys)["rows"]
    seconds = [row["seconds"]["median"] for row in rows]
    assert [row["until"] for row in rows] == ["first sign of life", "first round", "end"]
    assert 0 < seconds[0] < seconds[2]
    assert 0 < seconds[1] < seconds[2]


@pytest.mark.slow
def test_a_run_ends_wherever_it_sends_to_and_is_compared_with_one_that_does_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = figures("tracking", [*SMALL, "training.rounds=2"], capsys)["rows"]
    assert [row["MLflow"] for row in rows] == [
        "run folder alone", "database", "server without an answer", "server of a byte every 3 s", "no server"
    ]  # fmt: skip
    assert rows[0]["ratio"]["median"] == 1


def test_a_bad_setting_is_refused_by_its_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("round", "scale", "start", "tracking"):
        monkeypatch.setattr(sys, "argv", ["bench", name, "training.layers=0"])
        assert bench.main() == 2
        assert "training.layers must be" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["bench", "all", "training.layers=1"])
    assert bench.main() == 2
    assert "--quick and --json alone" in capsys.readouterr().err
