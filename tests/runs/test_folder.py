"""Every run has a folder of its own, whoever else starts at the same moment."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier

import pytest

from ceas_ray.cli.run import main
from ceas_ray.config.errors import SettingsError
from ceas_ray.runs.folder import claimed
from ceas_ray.runtime.failure import RuntimeFailure
from tests.small_worlds import SMALL

ONE_ROUND = [*(s for s in SMALL if not s.startswith("training.rounds")), "training.rounds=1"]


def at_once(folder: Path, by_default: bool, processes: int) -> list[Path | str]:
    """What `claimed` gives to callers that start together: folders, which they hold meanwhile, or complaints."""
    together = Barrier(processes)

    def claim(_: int) -> Path | str:
        together.wait()
        try:
            with claimed(folder, by_default) as lock:
                together.wait()
                return lock.folder
        except SettingsError as error:
            together.wait()
            return str(error)

    with ThreadPoolExecutor(processes) as pool:
        return list(pool.map(claim, range(processes)))


def test_runs_that_start_in_the_same_second_get_folders_of_their_own(tmp_path: Path) -> None:
    wanted = tmp_path / "outputs" / "2030-01-01_00-00-00_seed1"
    found = at_once(wanted, True, 32)
    assert {Path(path).name for path in found} == {wanted.name, *(f"{wanted.name}-{n}" for n in range(2, 33))}


def test_processes_that_start_in_the_same_second_get_folders_of_their_own(tmp_path: Path) -> None:
    forks, wanted = get_context("fork"), tmp_path / "outputs" / "2030-01-01_00-00-00_seed1"
    together, found = forks.Barrier(20), forks.SimpleQueue()

    def claim() -> None:
        together.wait()
        with claimed(wanted, True) as lock:
            found.put(lock.folder)
            together.wait()

    processes = [forks.Process(target=claim) for _ in range(20)]
    for process in processes:
        process.start()
    names = {found.get().name for _ in processes}
    for process in processes:
        process.join()
    assert names == {wanted.name, *(f"{wanted.name}-{n}" for n in range(2, 21))}


def test_of_runs_that_are_given_the_same_folder_one_has_it(tmp_path: Path) -> None:
    for wanted in (tmp_path / "new", tmp_path):
        found = at_once(wanted, False, 16)
        assert found.count(wanted) == 1
        must = f"output must be a folder that no other process writes to (held by process {os.getpid()} on "
        assert sum(str(line).startswith(must) for line in found) == 15


def test_a_folder_in_which_nothing_was_begun_is_not_left_behind(tmp_path: Path) -> None:
    for by_default in (True, False):
        with pytest.raises(RuntimeFailure), claimed(tmp_path / "a" / "b", by_default):
            raise RuntimeFailure("no cluster")
        assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    with claimed(tmp_path / "mine", False):
        pass
    assert list((tmp_path / "mine").iterdir()) == [], "but one that was there stays"


@pytest.mark.parametrize("left", ["journal.jsonl", "settings.yaml", "summary.json"])
def test_a_folder_in_which_a_run_left_something_is_refused(
    tmp_path: Path, left: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / left).write_text("of another run")
    assert main([*ONE_ROUND, f"output={tmp_path}"]) == 2
    assert "output must be a folder without a run in it" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [left]
    assert (tmp_path / left).read_text() == "of another run"


def test_a_default_folder_that_is_taken_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(ONE_ROUND) == 0
    (first,) = (tmp_path / "outputs").iterdir()
    before = {path: path.read_bytes() for path in first.iterdir() if path.is_file()}
    with claimed(first, True) as again:
        assert again.folder.name == f"{first.name}-2"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_seed1", first.name)
    assert {path: path.read_bytes() for path in first.iterdir() if path.is_file()} == before


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    for by_default in (True, False):
        with (
            pytest.raises(SettingsError, match="output must be a folder that can be made"),
            claimed(blocked / "run", by_default),
        ):
            raise AssertionError("it was made")
    assert os.listdir(tmp_path) == ["file"]
