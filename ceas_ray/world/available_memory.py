"""The memory that this process may use: the machine's, or less where its container has a limit."""

from __future__ import annotations

from pathlib import Path

import psutil

from ceas_ray.kernel.control_groups import CGROUPS, OWN_CGROUPS, group_folders, text_of

_LIMITS = ("memory.max", "memory.limit_in_bytes")
"""Of control groups of version 2, and of version 1; `max`, or more than any machine has, where there is none."""


def available_memory(cgroups: Path = CGROUPS, own_cgroups: Path = OWN_CGROUPS) -> int:
    """Return the bytes of memory of this machine, or the least limit of this process's control groups and their
    parents.
    """
    limits = (
        text_of(folder / name).strip() for folder in group_folders("memory", cgroups, own_cgroups) for name in _LIMITS
    )
    return min([int(psutil.virtual_memory().total), *(int(limit) for limit in limits if limit.isdigit())])
