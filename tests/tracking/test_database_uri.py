"""URIs of databases."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ceas_ray.tracking.database_uri import checked_database, require_database, sqlite_file, sqlite_path, sqlite_uri
from tests.small_disk import small_disk


@pytest.mark.parametrize("name", ["runs.db", "a b.db", "50%.db", "what?.db", "c#.db", "ümlaut.db"])
def test_the_uri_of_a_file_names_this_file_whatever_its_name(tmp_path: Path, name: str) -> None:
    assert sqlite_file(sqlite_uri(tmp_path / name)) == (tmp_path / name).resolve()


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:", "sqlite:///a.db?mode=ro", "mysql://u@h/d"])
def test_a_uri_that_names_no_file_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match=r"a URI of the form sqlite:///folder/file\.db"):
        sqlite_path(uri)


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="that can be made"):
        sqlite_path(f"sqlite:///{tmp_path}")


def test_a_database_that_cannot_be_written_to_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("no database " * 100)
    with pytest.raises(OSError, match="the database cannot be opened"):
        require_database(sqlite_uri(tmp_path / "a.db"))
    require_database(sqlite_uri(tmp_path / "new.db"))
    require_database("http://localhost:1")


def test_a_server_s_uri_without_a_driver_or_a_database_is_refused() -> None:
    with pytest.raises(ValueError, match="whose driver is installed here"):
        checked_database("oracle+oracledb://user@host/database")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_database_on_a_full_disk_is_refused_at_once(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1000) as disk:
        with pytest.raises(OSError, match=r"the disk of the database has no room for 4 MB \(No space left on device\)"):
            require_database(sqlite_uri(disk / "mlflow.db"))
        assert not any(path.stat().st_size for path in disk.iterdir())
