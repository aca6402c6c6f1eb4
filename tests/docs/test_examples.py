"""The examples of one's own run from a folder that holds nothing else."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from ceas_ray import Result
from ceas_ray.cli.run import main
from tests.docs.snippets import ROOT
from tests.small_worlds import SMALL

CHOICES = (
    "scheduling=ready_shots", "aggregation=mean_of_medians", "attacks=shrink", "network=two_rings",
    "training=few_for_many", "training=leaves", "processors=mine", "training=qcnn", "training=tree",
    "training=all_to_all", "training=reuploading", "training=hinge",
)  # fmt: skip
TINY = [*(word for word in SMALL if not word.startswith("training.rounds")), "training.rounds=1"]


@pytest.fixture
def examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "mine"
    shutil.copytree(ROOT / "docs" / "examples", place)
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in [name for name in sys.modules if name.startswith("my_")]:
        monkeypatch.delitem(sys.modules, name)
    return place


@pytest.mark.slow
def test_every_example_runs_by_itself_and_changes_what_it_is_about(examples: Path) -> None:
    digests = set()
    for choice in CHOICES:
        folder = examples / "outputs" / choice.partition("=")[2]
        few = ["processors.count=4"] if choice == "training=leaves" else []
        assert main(["--config-dir", "conf", choice, *TINY, *few, f"output={folder}"]) == 0, choice
        digests.add(Result.read(folder).summary["trace_digest"])
        for module in [name for name in sys.modules if name.startswith("my_")]:
            del sys.modules[module]
    assert len(digests) == len(CHOICES)


def test_every_example_is_short_and_named_in_conf() -> None:
    folder = ROOT / "docs" / "examples"
    named = "".join(path.read_text() for path in (folder / "conf").rglob("*.yaml"))
    for path in folder.glob("*.py"):
        assert len(path.read_text().splitlines()) <= 32
        assert f"_target_: {path.stem}." in named or f"circuit: {path.stem}:" in named
    choices = {f"{path.parent.name}={path.stem}" for path in (folder / "conf").rglob("*.yaml")}
    assert choices == set(CHOICES)
