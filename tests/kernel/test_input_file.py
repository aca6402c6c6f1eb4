"""Files that decide results: read whole, or refused with what they must be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ceas_ray.kernel.input_file import InputFile, carrying


def test_a_file_has_its_absolute_path_its_bytes_and_their_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_bytes(b"1,2\n")
    (tmp_path / "b.csv").write_bytes(b"1,2\n")
    monkeypatch.chdir(tmp_path)
    one, other = InputFile.read("a.csv"), InputFile.read("b.csv")
    assert (one.path, one.content) == (str(tmp_path / "a.csv"), b"1,2\n")
    assert one.digest == other.digest
    (tmp_path / "b.csv").write_bytes(b"1,3\n")
    assert InputFile.read("b.csv").digest != one.digest


def test_what_is_no_file_is_refused_with_what_it_must_be(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^an existing file$"):
        InputFile.read(str(tmp_path / "none"))
    with pytest.raises(ValueError, match=r"^a regular file$"):
        InputFile.read(str(tmp_path))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match=r"^a regular file$"):
        InputFile.read(str(tmp_path / "pipe"))


def test_a_file_with_one_byte_too_many_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(2**20))
    assert len(InputFile.read(str(tmp_path / "a"), 2**20).content) == 2**20
    (tmp_path / "a").write_bytes(bytes(2**20 + 1))
    with pytest.raises(ValueError, match=r"^a file of at most 1 MB$"):
        InputFile.read(str(tmp_path / "a"), 2**20)


def test_contents_that_travel_with_a_run_stand_in_for_files(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.csv"
    with carrying({str(path): b"carried"}):
        assert InputFile.read(str(path)).content == b"carried"
    with pytest.raises(ValueError, match="an existing file"):
        InputFile.read(str(path))


def test_a_file_is_read_once_and_whole_or_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,0\n")
    file = InputFile.read(str(tmp_path / "a.csv"))
    (tmp_path / "a.csv").write_text("other")
    assert file.content.decode() == "1,0\n"
    assert file.digest == InputFile("/elsewhere", b"1,0\n").digest
    for path, must in (
        (tmp_path, "a regular file"),
        ("/dev/zero", "a regular file"),
        (tmp_path / "b", "an existing file"),
    ):
        with pytest.raises(ValueError, match=must):
            InputFile.read(str(path))
    with pytest.raises(ValueError, match="a file of at most 1 MB"):
        (tmp_path / "large").write_bytes(bytes(2**20 + 1))
        InputFile.read(str(tmp_path / "large"), max_bytes=2**20)
