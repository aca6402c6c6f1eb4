"""The memory of this machine, or of its container where that is less."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from ceas_ray.cli.run import main
from ceas_ray.world import checks
from ceas_ray.world.available_memory import available_memory
from tests.kernel.groups import groups

MACHINE = psutil.virtual_memory().total


@pytest.mark.parametrize(("own", "files", "wanted"), [
    ("", {}, MACHINE),
    ("0::/job\n", {"job/memory.max": "max\n"}, MACHINE),
    ("0::/job/step\n", {"job/memory.max": "1073741824\n", "job/step/memory.max": "max\n"}, 2**30),
    ("0::/docker/ab12\n", {"memory.max": "1073741824\n"}, 2**30),
    ("4:memory:/job\n", {"memory/job/memory.limit_in_bytes": "1073741824\n"}, 2**30),
    ("4:memory:/job\n", {"memory/job/memory.limit_in_bytes": "9223372036854771712\n"}, MACHINE),
    ("3:cpu:/job\n", {"memory/job/memory.limit_in_bytes": "1073741824\n"}, MACHINE),
])  # fmt: skip
def test_the_least_limit_counts(own: str, files: dict[str, str], wanted: int, tmp_path: Path) -> None:
    assert available_memory(*groups(tmp_path, own, files)) == wanted


def test_a_run_that_does_not_fit_its_container_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["training.circuits_per_round=2000000", "scheduling=on_demand", "dry_run=true"]
    assert main(words) == 0
    capsys.readouterr()
    monkeypatch.setattr(checks, "available_memory", lambda: 2**30)
    assert main(words) == 2
    assert "this machine or container has 1" in capsys.readouterr().err
