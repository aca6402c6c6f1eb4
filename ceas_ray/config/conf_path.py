"""The folder of the configuration files."""

from __future__ import annotations

from pathlib import Path


def conf_directory() -> Path:
    """Return `conf/` inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"
