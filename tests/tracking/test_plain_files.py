"""Files of a folder that others may have written to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ceas_ray.tracking.plain_files import content_of, opened, require_plain


def test_a_plain_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    require_plain(tmp_path / "a")
    assert content_of(tmp_path / "a", 5) == b"12345"
    with pytest.raises(OSError, match="it holds more than 4 bytes"):
        content_of(tmp_path / "a", 4)


def test_a_missing_file_is_made_where_that_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        opened(tmp_path / "a", os.O_RDWR)
    os.close(opened(tmp_path / "a", os.O_RDWR | os.O_CREAT))
    assert (tmp_path / "a").is_file()


def test_links_pipes_folders_and_devices_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "link", tmp_path / "pipe", Path("/dev/null"), tmp_path):
        with pytest.raises(OSError, match="no plain file"):
            content_of(path, 10)
