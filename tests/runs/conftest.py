"""A run that was stopped, by the words that a module of tests calls STOPPED; runs that are silent on long rounds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ceas_ray.cli.run import main


@pytest.fixture(autouse=True)
def no_word_of_long_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a round that compiles goes on for long, and tests count the lines of the console."""
    monkeypatch.setattr("ceas_ray.runs.training_run.LONG_SECONDS", 3600.0)


@pytest.fixture(scope="module")
def stopped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert main([*request.module.STOPPED, f"output={folder}"]) == 0
    return folder


@pytest.fixture
def copy(stopped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stopped, tmp_path / "run"))
