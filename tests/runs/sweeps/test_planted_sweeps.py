"""A sweep in a folder that somebody else prepared follows no link, waits for no pipe and believes no garbage there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ceas_ray.cli.run import main
from tests.small_worlds import SMALL

STOPPED = [*SMALL, "stop.simulated_seconds=0.001"]
REFUSED = ("study.db", "sweep.jsonl")
"""Files that a sweep would go on with; it replaces others."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["multirun.yaml", "results.csv", *REFUSED])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_links_and_pipes_in_the_folder_of_a_sweep_are_neither_followed_nor_waited_for(
    name: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, victim = tmp_path / "sweep", tmp_path / "victim"
    folder.mkdir()
    victim.write_text("mine")
    (folder / name).symlink_to(victim) if kind == "link" else os.mkfifo(folder / name)
    searched = ["hydra/sweeper=optuna", "hydra.sweeper.trials=1", "training.learning_rate=interval(0.01,1)"]
    words = searched if name == "study.db" else ["seed=1,2"]
    code = main(["-m", *STOPPED, *words, f"hydra.sweep.dir={folder}"])
    assert "Traceback" not in capsys.readouterr().err
    assert victim.read_text() == "mine"
    assert code == (2 if name in REFUSED else 0)
    assert name in REFUSED or (folder / name).read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        "[" * 10**5 + "\n", '{"event": "started"}\n', '{"event": 3}\n', "garbage\n",
        '{"event": "started", "jobs": 3, "began": 1}\n', '{"event": "started", "jobs": ["a\\u0000"], "began": 1}\n',
    ],
)  # fmt: skip
def test_a_journal_that_no_sweep_wrote_is_refused_in_one_line(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sweep.jsonl").write_text(content)
    assert main(["-m", *STOPPED, "seed=1,2", f"hydra.sweep.dir={tmp_path}"]) == 2
    said = capsys.readouterr().err
    assert "sweep.jsonl cannot be read: " in said and said.count("\n") == 1
    assert (tmp_path / "sweep.jsonl").read_text() == content
