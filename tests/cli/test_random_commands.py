"""Random command lines over the schema: a forecast, or one clear line; and small runs that come to their end."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import Phase, assume, given, settings

from ceas_ray.runs.run_warnings import MAX_FORESEEN_LOSS
from tests.cli.command_lines import LINES, RIGHT_LINES
from tests.cli.warm_commands import Ended, warm_process
from tests.small_worlds import SMALL

COMMANDS, RUNS = 300, 30
MAX_CPU_SECONDS, MAX_MEGABYTES = 5.0, 1000.0
"""Of a command after a warm start: on a machine with nothing else to do, its time."""
KILLED_AFTER_CPU_SECONDS = 30
LONGEST_RUN_SECONDS = 10.0
"""By its own forecast, start included: longer ones are not tried."""


def loses_most(words: list[str]) -> bool:
    """Whether most frames are lost: thousands of views pass before such a run stalls, which no forecast knows of."""
    lost = [word.partition("=")[2] for word in words if word.startswith("consensus.loss_probability=")]
    return any(float(share) > MAX_FORESEEN_LOSS for share in lost)


def complaint(ended: Ended) -> str:
    """What is wrong with how a dry run ended; empty if nothing is."""
    if ended.code not in (0, 2):
        return f"exit code {ended.code}"
    if "Traceback" in ended.err:
        return "a traceback"
    if ended.code == 2 and (ended.out or ended.err.count("\n") != 1 or len(ended.err) > 1000):
        return "more or less than one line for what is refused"
    if ended.code == 0 and "wall seconds" not in ended.out:
        return "no forecast"
    if ended.cpu_seconds > MAX_CPU_SECONDS:
        return f"{ended.cpu_seconds:.1f} s"
    return f"{ended.megabytes:.0f} MB" if ended.megabytes > MAX_MEGABYTES else ""


@pytest.mark.slow
def test_whatever_is_typed_gets_a_forecast_or_one_clear_line(tmp_path: Path) -> None:
    codes: Counter[int] = Counter()
    with warm_process(tmp_path, KILLED_AFTER_CPU_SECONDS) as warm:

        @settings(max_examples=COMMANDS, phases=[Phase.generate])
        @given(LINES)
        def typed(words: list[str]) -> None:
            ended = warm.run([*words, "dry_run=true"])
            codes[ended.code] += 1
            wrong = complaint(ended)
            assert not wrong, f"{wrong}: {words}\n{ended.err}"
            assert warm.files_left() == []

        typed()
    assert codes[0] > COMMANDS / 6
    assert codes[2] > COMMANDS / 6


@pytest.mark.slow
def test_small_runs_that_have_a_forecast_come_to_their_end(tmp_path: Path) -> None:
    statuses: Counter[str] = Counter()
    with warm_process(tmp_path, KILLED_AFTER_CPU_SECONDS, [*SMALL, "output=first"]) as warm:
        warm.clear()

        @settings(max_examples=RUNS, phases=[Phase.generate])
        @given(RIGHT_LINES)
        def typed(words: list[str]) -> None:
            assume(not loses_most(words))
            chosen = {word.partition("=")[0] for word in words}
            small = [word for word in SMALL if word.partition("=")[0] not in chosen]
            command = [*small, *words, "runtime=local", "tracking=folder", "output=run", "training.rounds=2"]
            foreseen = warm.run([*command, "dry_run=true"])
            assume(foreseen.code == 0 and forecast_seconds(foreseen.out) <= LONGEST_RUN_SECONDS)
            ended = warm.run(command)
            assert ended.code in (0, 3), f"exit code {ended.code}: {command}\n{ended.err}"
            assert "Traceback" not in ended.err, ended.err
            statuses[json.loads((tmp_path / "run" / "summary.json").read_text())["status"]] += 1
            warm.clear()

        typed()
    assert statuses["completed"] + statuses["stopped"] > 0.8 * RUNS, statuses


def forecast_seconds(printed: str) -> float:
    """The time that a forecast foresees."""
    line = next(line for line in printed.splitlines() if "wall seconds" in line)
    return float(line.split("│")[2])


@pytest.mark.slow
@pytest.mark.parametrize(("words", "code"), [
    (["processors.count=2000", "training=moons", "training.data.samples=100000"], 0),
    (["entanglement.slots=1000000000"], 2),
    (["processors.count=nan", "links=null", "\udcff=1"], 2),
])  # fmt: skip
def test_a_fresh_process_answers_as_a_warm_one_does(words: list[str], code: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ceas_ray.cli.run", *words, "dry_run=true"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=300, cwd=tmp_path)
    assert complaint(Ended(done.returncode, done.stdout, done.stderr, 0.0, 0.0)) == ""
    assert done.returncode == code
