"""The number of CPUs that this process may use: its affinity and the quota of its container, not what the machine
has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import ceil
from pathlib import Path

from ceas_ray.kernel.control_groups import CGROUPS, OWN_CGROUPS, group_folders, text_of


def available_cpus(cgroups: Path = CGROUPS, own_cgroups: Path = OWN_CGROUPS) -> int:
    """Return the number of CPUs that the scheduler grants to this process, at least 1.

    That is the minimum of its affinity mask and the CPU quotas of its control groups (versions 1 and 2) and of their
    parents; a quota of 1.5 CPUs counts as 2.
    """
    affine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([affine, *(ceil(quota) for quota in _quotas(cgroups, own_cgroups))]))


def _quotas(cgroups: Path, own_cgroups: Path) -> Iterator[float]:
    """Yield the CPU quotas of the groups that this process is in, in CPUs."""
    for folder in group_folders("cpu", cgroups, own_cgroups):
        yield from _ratio(text_of(folder / "cpu.max").split())
        yield from _ratio([text_of(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")])


def _ratio(words: list[str]) -> Iterator[float]:
    """Yield quota / period; nothing for a group without a quota (`max`, or -1)."""
    if len(words) == 2 and words[0].isdigit() and words[1].isdigit() and int(words[1]) > 0:
        yield int(words[0]) / int(words[1])
