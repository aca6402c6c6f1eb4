"""Control groups in a folder: what the kernel shows of them."""

from __future__ import annotations

from pathlib import Path


def groups(folder: Path, own: str, files: dict[str, str]) -> tuple[Path, Path]:
    """Write the groups' files, and the list of those that a process is in; return where they are mounted, and it."""
    mounted, memberships = folder / "cgroup", folder / "memberships"
    memberships.write_text(own)
    for name, content in files.items():
        (mounted / name).parent.mkdir(parents=True, exist_ok=True)
        (mounted / name).write_text(content)
    return mounted, memberships
