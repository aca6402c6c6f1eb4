"""A tracking URI is refused before a run makes anything, or names the place that it says."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.cli.run import main
from ceas_ray.cli.sync import main as sync
from ceas_ray.tracking.database_uri import sqlite_file, sqlite_uri
from ceas_ray.tracking.tracking_uri import checked_tracking_uri
from tests.small_worlds import SMALL

BAD = [
    "", "mlruns", "file:///runs", "htp://server:5000", "http://", "http:/server", "http://:5000", "http://server:0",
    "http://server:99999", "http://a server", "http://[::1", "http://server\n", "sqlite://", "sqlite:///",
    "sqlite:///:memory:", "sqlite:////dev/null/my.db", "sqlite:////tmp", "sqlite:////tmp/a?b/my.db", "sqlite:/my.db",
    "sqlite:////tmp/a#b/my.db", "sqlite:////tmp/a%00b.db", "sqlite:///my.db?mode=ro", "sqlite3:///my.db", "sqlite+aiosqlite:///my.db",
    "mysql+nothing://me@server/runs", "postgresql:", "s3://bucket/runs",
]  # fmt: skip


@pytest.mark.parametrize("uri", BAD)
def test_what_mlflow_cannot_use_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="URI"):
        checked_tracking_uri(uri)


@pytest.mark.parametrize("uri", ["http://server", "https://server:5000/runs", "http://[::1]:5000"])
def test_servers_are_taken_as_they_are(uri: str) -> None:
    assert checked_tracking_uri(uri) == uri


def test_databricks_is_refused_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "databricks", None)
    with pytest.raises(ValueError, match="URI whose package is installed here"):
        checked_tracking_uri("databricks")
    package, sdk = ModuleType("databricks"), ModuleType("databricks.sdk")
    sdk.__spec__ = ModuleSpec("databricks.sdk", None)
    monkeypatch.setitem(sys.modules, "databricks", package)
    monkeypatch.setitem(sys.modules, "databricks.sdk", sdk)
    assert checked_tracking_uri("databricks") == "databricks"


@given(st.lists(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_the_uri_of_a_database_is_that_of_its_file_whatever_characters_it_has(names: list[str]) -> None:
    path = Path("/nowhere").joinpath(*names, "my.db").resolve()
    assert sqlite_file(sqlite_uri(path)) == path


def test_a_relative_database_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert sqlite_file(checked_tracking_uri("sqlite:///my.db")) == tmp_path.resolve() / "my.db"


@pytest.mark.parametrize("uri", ["htp://server:5000", "sqlite:////tmp/a?b/my.db"])
def test_a_run_refuses_a_bad_uri_before_it_makes_anything(
    uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    assert main([*SMALL, "tracking=mlflow", f"tracking.uri='{uri}'", f"output={folder}"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("tracking.uri must be a URI")
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a%20b", "a?b", "a#b", "a b", "größe", "a&b=1"])
def test_a_folder_with_any_name_keeps_its_database_and_artifacts(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)
    runs = tmp_path / name / "outputs"
    assert main([*SMALL, "training.rounds=1", "tracking=mlflow", "output=outputs/run"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert runs_in(runs / "mlflow.db") == 1
    assert [path.name for path in (runs / "mlflow_artifacts").rglob("artifacts/model/data/model.npz")] == ["model.npz"]
    assert sync(["--uri", "htp://server", str(runs / "run")]) == 2
    assert sync([str(runs / "run")]) == 0
    assert runs_in(runs / "mlflow.db") == 1


@pytest.mark.slow
def test_runs_have_one_database_wherever_they_are_and_it_is_found_again_where_both_were_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    monkeypatch.chdir(one)
    assert main([*SMALL, "training.rounds=1", "tracking=mlflow", "output=outputs/first"]) == 0
    assert main([*SMALL, "training.rounds=1", "tracking=mlflow", f"output={tmp_path}/elsewhere/second"]) == 0
    monkeypatch.chdir(tmp_path)
    one.rename(two)
    command = [sys.executable, "-m", "ceas_ray.cli.sync", str(two / "outputs" / "first")]
    assert subprocess.run(command, cwd=tmp_path / "elsewhere").returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "two"]
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["second"]
    runs = two / "outputs"
    assert runs_in(runs / "mlflow.db") == 2
    assert len(list((runs / "mlflow_artifacts").rglob("artifacts/model/data/model.npz"))) == 2
    with sqlite3.connect(runs / "mlflow.db") as database:
        places = [uri for (uri,) in database.execute("select artifact_uri from runs")]
        places += [uri for (uri,) in database.execute("select artifact_location from logged_models")]
    assert len(places) == 4
    assert all(uri.startswith((runs / "mlflow_artifacts").as_uri()) for uri in places)


def runs_in(database: Path) -> int:
    with sqlite3.connect(database) as connection:
        return int(connection.execute("select count(*) from runs").fetchone()[0])
