"""The environment of a peer is made once, whole, in the user's cache folder."""

from __future__ import annotations

import venv
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.bench import peer_environments
from ceas_ray.bench.peer_environments import python_with
from ceas_ray.config.errors import SettingsError


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the folders in which environments were made; pip is a script that fails if `offline` is there."""
    folders: list[Path] = []

    def create(folder: Path, **_: Any) -> None:
        folders.append(folder)
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        python = folder / "bin" / "python"
        python.write_text(f"#!/bin/sh\n[ ! -e {tmp_path}/offline ] || {{ echo 'no network' >&2; exit 1; }}\n")
        python.chmod(0o755)

    monkeypatch.setattr(venv, "create", create)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(peer_environments, "PINNED", {"simpy": ("simpy==4.1.2",)})
    return folders


def test_an_environment_is_made_once_in_the_cache_folder(made: list[Path], tmp_path: Path) -> None:
    python = python_with("simpy")
    assert python == str(tmp_path / "ceas_ray" / "peers" / "simpy==4.1.2" / "bin" / "python")
    assert python_with("simpy") == python
    assert len(made) == 1


def test_an_environment_whose_packages_cannot_be_installed_is_refused_and_made_anew_the_next_time(
    made: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "offline").touch()
    with pytest.raises(SettingsError, match=r"--peers: simpy==4.1.2 could not be installed: no network"):
        python_with("simpy")
    (tmp_path / "offline").unlink()
    python_with("simpy")
    assert len(made) == 2
