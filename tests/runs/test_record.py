"""The record of a run: settings, journal and timeline are whole whenever they are read, and belong to one run."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
import yaml

from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.windows import RoundEnd, Simulation
from ceas_ray.messages.observations import ForgeriesObserved
from ceas_ray.runs.record import RunRecord
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.tracking.files import read_journal
from ceas_ray.tracking.locks import LOCK, HeldLock
from tests.composed_settings import composed_once
from tests.small_worlds import SMALL, small_world

STARTED = {"seed": 1, "git_commit": "abc", "git_dirty": False}


def record_in(folder: Path, *overrides: str) -> RunRecord:
    config = composed_once([*SMALL, *overrides])
    return RunRecord(build(RunSettings, config), config, HeldLock(folder / LOCK, print))


@cache
def round_end() -> RoundEnd:
    """The end of a round that was played."""
    host = small_world(*SMALL).one_host()
    host[0].record_events()
    return next(iter(Simulation(LocalCluster(host)).rounds()))


def lines_in(folder: Path) -> list[dict[str, Any]]:
    return read_journal(folder / "journal.jsonl")


def test_it_begins_with_the_settings_and_their_hash(tmp_path: Path) -> None:
    record = record_in(tmp_path, "seed=7")
    record.begin(STARTED)
    text = (tmp_path / "settings.yaml").read_bytes()
    assert yaml.safe_load(text)["seed"] == 7
    (line,) = lines_in(tmp_path)
    assert time.time() - 60 < line.pop("time") <= time.time()
    settings_hash = blake2b(text, digest_size=8).hexdigest()
    assert line == {"event": "started", "run": record.run, "settings_hash": settings_hash, **STARTED}
    assert record.mlflow_run_id is None
    record.close({}, 0.0)


def test_every_line_is_on_the_disk_once_it_is_noted(tmp_path: Path) -> None:
    record = record_in(tmp_path)
    for number in range(3):
        record.note("note", {"number": number})
        assert [line["number"] for line in lines_in(tmp_path)] == list(range(number + 1))
    record.close({}, 0.0)


def test_a_round_is_one_line_and_forged_frames_are_an_alarm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record, end = record_in(tmp_path), round_end()
    record.round(end, {"round": 0, "accuracy": 0.5})
    forged = ForgeriesObserved(receiver="replica/0", sender="replica/1", failed_attempts=2**20)
    alarming = (replace(end.observations[0], payload=forged),)
    record.round(replace(end, observations=alarming), {"round": 1})
    record.close({}, 0.0)
    assert [line["event"] for line in lines_in(tmp_path)] == ["round", "round", "alarm"]
    alarm = lines_in(tmp_path)[-1]
    assert alarm | {"time": 0} == {
        "event": "alarm", "run": record.run, "time": 0, "round": end.mark.round_index, **asdict(forged)
    }  # fmt: skip
    assert "replica/0 refused 1048576 forged frames in the name of replica/1" in " ".join(
        capsys.readouterr().err.split()
    )


def test_a_timeline_is_whole_when_the_record_is_closed(tmp_path: Path) -> None:
    record = record_in(tmp_path, "timeline=true")
    record.round(round_end(), {"round": 0})
    record.close({}, 0.0)
    names = [entry["name"] for entry in json.loads((tmp_path / "timeline.json").read_text())]
    assert f"round {round_end().mark.round_index}" in names
    assert not (lines_in(tmp_path) and (tmp_path / "timeline.json.partial").exists())
