"""The control groups of this process: where the limits of its container stand, in versions 1 and 2."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


def group_folders(controller: str, cgroups: Path = CGROUPS, own_cgroups: Path = OWN_CGROUPS) -> Iterator[Path]:
    """Yield the folders of the groups that limit this process in `controller`, and of their parents."""
    for line in text_of(own_cgroups).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            yield from _with_parents(cgroups, path)
        elif controller in controllers.split(","):
            for mounted in sorted({cgroups / controllers, cgroups / controller}):
                yield from _with_parents(mounted, path)


def text_of(path: Path) -> str:
    """Return what stands in a file, nothing if it cannot be read."""
    try:
        return path.read_text()
    except OSError:
        return ""


def _with_parents(mounted: Path, path: str) -> list[Path]:
    """Return the group's folder and all above it; inside a container its path may be that of the host, and only the
    last one, the mount itself, is there.
    """
    group = mounted / path.strip("/")
    return [group, *(parent for parent in group.parents if parent.is_relative_to(mounted))]
