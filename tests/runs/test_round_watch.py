"""A round that goes on for long is said to do so, with what it waits for."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.cli.run import main
from ceas_ray.runs.round_watch import RoundWatch
from tests.runs.test_limits import ENDLESS
from tests.small_worlds import SMALL


def test_a_round_that_goes_on_for_long_is_said_to_do_so_again_and_again() -> None:
    said: list[str] = []
    twice = threading.Event()

    def say(line: str) -> None:
        said.extend([line] if line.startswith("round 7 has gone on for ") else [])
        if len(said) == 2:
            twice.set()

    with RoundWatch(say, long_seconds=1e-3) as watch:
        watch.begin(7)
        watch.note(lambda: "it waits for the committee")
        assert twice.wait(60)


def test_a_round_whose_hosts_were_lost_is_said_to_wait_for_them() -> None:
    said = threading.Event()

    def say(line: str) -> None:
        if line.startswith("round 7 ") and line.endswith(" s: it waits for its hosts, which are made anew"):
            said.set()

    with RoundWatch(say, long_seconds=1e-3) as watch:
        watch.begin(7)
        watch.note_fault()
        assert said.wait(60)


@pytest.mark.slow
def test_what_an_endless_round_waits_for_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("ceas_ray.runs.training_run.ROUND_SECONDS", 0.0)
    monkeypatch.setattr("ceas_ray.runs.training_run.LONG_SECONDS", 0.01)
    assert main([*SMALL, *ENDLESS, f"output={tmp_path / 'run'}", "stop.simulated_seconds=10"]) == 0
    assert "it waits for the committee: 0 of 7 replicas reported a decision" in capsys.readouterr().err
