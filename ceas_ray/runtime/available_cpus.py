"""The number of CPUs that this process may use: its affinity and the quota of its container, not what the machine
has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import ceil
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")


def available_cpus(cgroups: Path = _CGROUPS, own_cgroups: Path = _OWN_CGROUPS) -> int:
    """Return the number of CPUs that the scheduler grants to this process, at least 1.

    That is the least of its affinity mask and of the CPU quotas of its control groups (versions 1 and 2) and of their
    parents; a quota of 1.5 CPUs counts as 2.
    """
    affine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([affine, *(ceil(quota) for quota in _quotas(cgroups, own_cgroups))]))


def _quotas(cgroups: Path, own_cgroups: Path) -> Iterator[float]:
    """Yield the CPU quotas of the groups that this process is in, in CPUs."""
    for line in _text(own_cgroups).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            for folder in _with_parents(cgroups, path):
                yield from _ratio(_text(folder / "cpu.max").split())
        elif "cpu" in controllers.split(","):
            for mounted in {cgroups / controllers, cgroups / "cpu"}:
                for folder in _with_parents(mounted, path):
                    yield from _ratio([_text(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")])


def _with_parents(mounted: Path, path: str) -> list[Path]:
    """Return the group's folder and all above it; inside a container its path may be that of the host, and only the
    last one, the mount itself, is there.
    """
    group = mounted / path.strip("/")
    return [group, *(parent for parent in group.parents if parent.is_relative_to(mounted))]


def _ratio(words: list[str]) -> Iterator[float]:
    """Yield quota / period; nothing for a group without a quota (`max`, or -1)."""
    if len(words) == 2 and words[0].isdigit() and words[1].isdigit() and int(words[1]) > 0:
        yield int(words[0]) / int(words[1])


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
