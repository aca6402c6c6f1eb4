"""YAML files of a folder that others may have written to."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ceas_ray.tracking.plain_yaml import read_yaml


def test_plain_values_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [1, 2.5, x]\nb: null\n")
    assert read_yaml(tmp_path / "a.yaml") == {"a": [1, 2.5, "x"], "b": None}


@pytest.mark.parametrize("text", ["a: &x 1\nb: *x\n", "!!python/object/apply:os.getcwd []\n", "a: [1\n"])
def test_aliases_objects_and_torn_files_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(yaml.YAMLError):
        read_yaml(tmp_path / "a.yaml")


def test_a_file_of_more_than_a_megabyte_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(OSError, match="it holds more than"):
        read_yaml(tmp_path / "a.yaml")
