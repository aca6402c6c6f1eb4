"""A disk that is full at any moment costs one line: what was begun goes on once there is room, or nothing is there."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from ceas_ray.cli.run import main
from ceas_ray.tracking.files import read_journal
from tests.small_disk import small_disk
from tests.small_worlds import SMALL

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [4, 16, 24, 52])
def test_a_run_on_a_full_disk_can_be_resumed_or_leaves_nothing(
    kilobytes: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path / "disk", kilobytes) as disk:
        folder = disk / "run"
        words = [*SMALL, "timeline=true", "runtime.snapshot_every_rounds=1", f"output={folder}"]
        code = main(words)
        said = capsys.readouterr().err
        assert "Traceback" not in said and "None" not in said
        assert (code, folder.exists()) in ((2, False), (1, True)), said
        last = "output: a run cannot begin in" if code == 2 else f"resume={folder} goes on with the run"
        assert last in said.splitlines()[-1] and "No space left on device" in said.splitlines()[-1]
        subprocess.run(["mount", "-o", "remount,size=10m", disk], check=True)
        assert main(words if code == 2 else [f"resume={folder}"]) == 0
        assert json.loads((folder / "summary.json").read_text())["status"] == "completed"
        lines = read_journal(folder / "journal.jsonl")
        assert [line["round"] for line in lines if line["event"] == "round"] == [0, 1, 2]
