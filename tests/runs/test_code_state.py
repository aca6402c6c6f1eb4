"""The commit of the running code."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ceas_ray.runs import code_state


def test_code_in_a_checkout_has_its_commit_and_says_whether_it_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> str:
        command = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    (tmp_path / "code.py").write_text("x = 1\n")
    git("init", "-q")
    git("add", "code.py")
    git("commit", "-q", "-m", "first")
    monkeypatch.setattr(code_state, "conf_directory", lambda: tmp_path / "conf")
    assert code_state.git_state() == (git("rev-parse", "HEAD"), False)
    (tmp_path / "notes.txt").write_text("files that git does not track change no code")
    assert code_state.git_state()[1] is False
    (tmp_path / "code.py").write_text("x = 2\n")
    assert code_state.git_state()[1] is True


def test_code_outside_of_a_checkout_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_state, "conf_directory", lambda: tmp_path / "conf")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert code_state.git_state() == (None, None)
