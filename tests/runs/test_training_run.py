"""A run that is interrupted as it begins has begun, and goes on, or has not, and leaves nothing."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.cli.run import main
from ceas_ray.runs import record, training_run
from tests.small_worlds import SMALL


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert main([*SMALL, f"output={folder}"]) == 0
    return digest_of(folder)


def digest_of(folder: Path) -> str:
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["status"] == "completed"
    return str(summary["trace_digest"])


def interrupt_before(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """Let a signal come when this function is called."""
    real = getattr(module, name)

    def interrupting(*arguments: Any) -> Any:
        monkeypatch.setattr(module, name, real)
        signal.raise_signal(signal.SIGINT)
        return real(*arguments)

    monkeypatch.setattr(module, name, interrupting)


@pytest.mark.parametrize("name", ["git_state", "snapshot_folder"])
def test_a_run_that_is_interrupted_before_it_begins_leaves_nothing(
    digest: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    words = [*SMALL, f"output={tmp_path / 'run'}"]
    interrupt_before(monkeypatch, training_run, name)
    assert main(words) == 130
    assert list(tmp_path.iterdir()) == []
    assert main(words) == 0
    assert digest_of(tmp_path / "run") == digest


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "name"),
    [(training_run, "code_version"), (record, "settings_text"), (record, "write_whole"), (training_run, "warnings_of")],
)
def test_a_run_that_is_interrupted_while_it_begins_has_begun_and_goes_on(
    digest: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: Any, name: str
) -> None:
    interrupt_before(monkeypatch, module, name)
    assert main([*SMALL, f"output={tmp_path / 'run'}"]) == 130
    assert main([f"resume={tmp_path / 'run'}"]) == 0
    assert digest_of(tmp_path / "run") == digest


def test_a_resume_that_is_interrupted_while_it_begins_goes_on_once_more(
    digest: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert main([*SMALL, f"output={tmp_path / 'run'}", "stop.simulated_seconds=0.001"]) == 0
    resumed = [f"resume={tmp_path / 'run'}", "stop.simulated_seconds=null"]
    interrupt_before(monkeypatch, training_run, "git_state")
    assert main(resumed) == 130
    assert main(resumed) == 0
    assert digest_of(tmp_path / "run") == digest
