"""The commit that the running code is from."""

from __future__ import annotations

import subprocess

from ceas_ray.config.conf_path import conf_directory


def git_state() -> tuple[str | None, bool | None]:
    """Return the commit that the code is from, and whether it was changed since; None outside of a checkout."""
    try:
        return _git("rev-parse", "HEAD"), bool(_git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return None, None


def _git(*words: str) -> str:
    command = ["git", "-C", str(conf_directory().parent), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
