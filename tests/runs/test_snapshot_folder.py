"""Snapshots elsewhere than in the run folder, behind a URL too; and whose settings a resumed run has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from ceas_ray.cli.run import main
from ceas_ray.runs.folder import settings_text
from ceas_ray.runs.resume import config_of_run
from tests.composed_settings import composed_once
from tests.runs.test_resume import OFTEN, SIX, interrupted, same, whole
from tests.small_worlds import SMALL
from tests.tracking.object_store import ObjectStore, object_store

__all__ = ["whole"]
SHORT = [*SIX, *OFTEN, "stop.simulated_seconds=12"]
"""Ends after some rounds, with three snapshots."""
ON = "stop.simulated_seconds=null"


@pytest.fixture
def objects() -> Iterator[Any]:
    with object_store() as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("url", ["objects://ceas_ray/run", "file://{folder}/elsewhere"])
def test_a_run_goes_on_from_snapshots_behind_a_url(whole: Path, tmp_path: Path, objects: Any, url: str) -> None:
    folder, url = tmp_path / "run", url.format(folder=tmp_path)
    assert main([*SHORT, f"output={folder}", f"runtime.snapshot_folder={url}"]) == 0
    files, path = fsspec.url_to_fs(url)
    beside = 0 if url.startswith("file://") else 2
    assert len(files.ls(path, detail=False)) == 3 + beside
    assert not (folder / "snapshots").exists()
    assert main([f"resume={folder}", ON]) == 0
    same(folder, whole)
    assert len(files.ls(path, detail=False)) == 3 + beside


@pytest.mark.slow
def test_a_damaged_newest_snapshot_behind_a_url_falls_back(
    whole: Path, tmp_path: Path, objects: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    assert main([*SHORT, f"output={folder}", "runtime.snapshot_folder=objects://ceas_ray/run"]) == 0
    newest = max(name for name in objects.ls("/ceas_ray/run", detail=False) if "/round_" in name)
    objects.pipe_file(newest, objects.cat_file(newest)[:-40])
    assert main([f"resume={folder}", ON]) == 0
    assert f"{newest.rpartition('/')[2]} is not usable (its checksum is wrong" in capsys.readouterr().err
    same(folder, whole)


@pytest.mark.slow
def test_a_resumed_run_may_keep_its_snapshots_elsewhere_and_starts_from_those_of_before(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, there = tmp_path / "run", tmp_path / "there"
    assert main([*SIX, *OFTEN, "stop.simulated_seconds=0.001", f"output={folder}"]) == 0
    assert main([f"resume={folder}", f"runtime.snapshot_folder={there}", "stop.simulated_seconds=12"]) == 0
    assert "going on with" in (said := " ".join(capsys.readouterr().err.split()))
    assert "no usable snapshot" not in said
    assert list(there.iterdir())
    for old in (folder / "snapshots").iterdir():
        old.unlink()
    assert main([f"resume={folder}", f"runtime.snapshot_folder={there}", ON]) == 0
    assert "no usable snapshot" not in capsys.readouterr().err
    same(folder, whole)


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("nowhere://bucket/run", ": nowhere://bucket/run cannot hold snapshots: Protocol not known: nowhere"),
        ("reference::memory://x", ": reference::memory://x cannot hold snapshots: it is a chain of file systems"),
        ("memory://run", ": memory://run cannot hold snapshots: what is kept in memory ends with the process"),
        ("http://127.0.0.1:9/run", ": http://127.0.0.1:9/run cannot be read: Cannot connect"),
        ("s3:/bucket/run", " must be a folder, or a URL as in s3://bucket/run"),
        ("/dev/null/run", " must be a folder that can be made (/dev/null is not a writable folder)"),
        ("a" * 300, " must be a folder that can be made (File name too long)"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_before_anything_is_made(
    tmp_path: Path, url: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SMALL, f"output={tmp_path / 'run'}", f"runtime.snapshot_folder={url}"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"runtime.snapshot_folder{line}")
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_can_only_be_read_is_refused_before_anything_is_made(
    tmp_path: Path, objects: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ObjectStore, "writable", False)
    place = "objects://ceas_ray/run"
    assert main([*SMALL, f"output={tmp_path / 'run'}", f"runtime.snapshot_folder={place}"]) == 2
    said = capsys.readouterr().err
    assert said == f"runtime.snapshot_folder: {place} cannot be written to: only to be read\n"
    assert list(tmp_path.iterdir()) == []


def test_a_new_run_does_not_take_the_snapshot_folder_of_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*SHORT, f"runtime.snapshot_folder={tmp_path / 'snapshots'}"]
    assert main([*words, f"output={tmp_path / 'first'}"]) == 0
    before = sorted((tmp_path / "snapshots").iterdir())
    assert main([*words, f"output={tmp_path / 'second'}"]) == 2
    assert "a folder without snapshots of another run (it has round_" in capsys.readouterr().err
    assert sorted((tmp_path / "snapshots").iterdir()) == before
    assert not (tmp_path / "second").exists()
    assert main([*SHORT, f"output={tmp_path}"]) == 2
    assert "output must be a folder without snapshots of another run" in capsys.readouterr().err


@pytest.mark.slow
def test_each_job_of_a_sweep_has_a_snapshot_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["-m", *SHORT, "seed=1,2", "output=run", "runtime.snapshot_folder=snapshots"]) == 0
    for job in (0, 1):
        assert len(list((tmp_path / f"snapshots_{job}").iterdir())) == 3
    monkeypatch.chdir("/")
    assert main([f"resume={tmp_path / 'run' / '1'}", ON]) == 0


def resumed_config(folder: Path, saved: list[str], words: list[str]) -> dict[str, Any]:
    folder.mkdir()
    (folder / "settings.yaml").write_text(settings_text(composed_once(saved)))
    words = [f"resume={folder}", *words]
    return config_of_run(composed_once(words), words)


LOCAL = {"name": "local", "processor_hosts": 1, "link_hosts": 1}
OWN = [
    "runtime=ray", "runtime.processor_hosts=3", "runtime.snapshot_every_rounds=7", "runtime.snapshots_kept=5",
    "runtime.snapshot_folder=/elsewhere", "tracking.uri=http://127.0.0.1:9", "tracking.experiment_name=mine",
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        ([], {}),
        (["runtime=ray"], {}),
        (["runtime=local"], {"runtime": LOCAL}),
        (["runtime.snapshots_kept=2"], {"runtime": {"snapshots_kept": 2}}),
        (["runtime=ray", "runtime.processor_hosts=2"], {"runtime": {"processor_hosts": 2}}),
        (["runtime=local", "runtime.link_hosts=2"], {"runtime": LOCAL | {"link_hosts": 2}}),
        (["tracking=folder"], {"tracking": {"mlflow": False}}),
        (["tracking=mlflow"], {}),
    ],
)  # fmt: skip
def test_a_resumed_run_keeps_what_its_command_does_not_change(
    tmp_path: Path, words: list[str], changed: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # which confirms it
    wanted = composed_once(OWN)
    for group, entries in changed.items():
        wanted[group] |= entries
    found = resumed_config(tmp_path / "run", OWN, words)
    assert {group: found[group] for group in ("runtime", "tracking", "stop")} == {
        group: wanted[group] for group in ("runtime", "tracking", "stop")
    }


@pytest.mark.slow
def test_a_run_resumed_in_another_runtime_goes_on_saving_as_before(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    interrupted(folder, 3)
    assert main([f"resume={folder}", "runtime=local", "tracking=folder"]) == 0
    same(folder, whole)
    assert [path.name for path in sorted((folder / "snapshots").iterdir())] == [
        f"round_{rounds:08d}.snapshot" for rounds in (3, 4, 5)
    ]
