"""The examples of one's own run from a folder that holds nothing else, by the command of the installed wheel."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ceas_ray import Result
from tests.cli.warm_commands import WarmProcess, warm_process
from tests.docs.snippets import ROOT
from tests.small_worlds import SMALL

CHOICES = (
    "scheduling=ready_shots", "aggregation=mean_of_medians", "attacks=shrink", "network=two_rings",
    "training=few_for_many", "training=leaves", "processors=mine", "training=qcnn", "training=tree",
    "training=all_to_all", "training=reuploading", "training=hinge",
)  # fmt: skip
TINY = [*(word for word in SMALL if not word.startswith("training.rounds")), "training.rounds=1"]


MAX_CPU_SECONDS = 60


@pytest.fixture
def examples(tmp_path: Path, environment: Path) -> Iterator[WarmProcess]:
    place = tmp_path / "mine"
    shutil.copytree(ROOT / "docs" / "examples", place)
    first, python = [*TINY, f"output={tmp_path / 'first'}"], str(environment / "bin" / "python")
    with warm_process(place, MAX_CPU_SECONDS, first, python) as process:
        yield process


@pytest.mark.slow
def test_every_example_runs_by_itself_and_changes_what_it_is_about(examples: WarmProcess) -> None:
    digests = set()
    for choice in CHOICES:
        folder = examples.folder / "outputs" / choice.partition("=")[2]
        few = ["processors.count=4"] if choice == "training=leaves" else []
        ended = examples.run(["--config-dir", "conf", choice, *TINY, *few, f"output={folder}"])
        assert ended.code == 0, f"{choice}: {ended.err}"
        digests.add(Result.read(folder).summary["trace_digest"])
    assert len(digests) == len(CHOICES)


@pytest.mark.slow
def test_the_wheel_brings_its_commands_and_all_choices(tmp_path: Path, environment: Path) -> None:
    commands = {path.name for path in (environment / "bin").glob("ceas-*")}
    assert commands == {"ceas-ray", "ceas-report", "ceas-ui", "ceas-sync", "ceas-distribute"}
    command = [str(environment / "bin" / "ceas-ray"), "--help"]
    shown = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert all(path.stem in shown for path in (ROOT / "conf").rglob("*/*.yaml"))
    assert str(environment) in shown


@pytest.mark.slow
def test_the_wheel_brings_its_types_and_its_license(environment: Path) -> None:
    (package,) = environment.glob("lib/python*/site-packages/ceas_ray")
    assert (package / "py.typed").is_file()
    (metadata,) = package.parent.glob("ceas_ray-*.dist-info")
    assert "License-Expression: Apache-2.0" in (metadata / "METADATA").read_text()
    assert "Apache License" in (metadata / "licenses" / "LICENSE").read_text()


def test_every_example_is_short_and_named_in_conf() -> None:
    folder = ROOT / "docs" / "examples"
    named = "".join(path.read_text() for path in (folder / "conf").rglob("*.yaml"))
    for path in folder.glob("*.py"):
        assert len(path.read_text().splitlines()) <= 32
        assert f"_target_: {path.stem}." in named or f"circuit: {path.stem}:" in named
    choices = {f"{path.parent.name}={path.stem}" for path in (folder / "conf").rglob("*.yaml")}
    assert choices == set(CHOICES)
