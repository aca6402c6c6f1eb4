"""When jobs of a sweep run in warm processes of this machine. Imports next to nothing: they start before all else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ceas_ray.runtime.available_cpus import available_cpus
from ceas_ray.runtime.warm_processes import WarmProcesses
from ceas_ray.world.available_memory import available_memory

_IMPORTS = "ceas_ray.runs.sweeps.work"
_MEMORY_SHARE = 0.8
"""Of this machine's memory, for all jobs that run at the same time."""
_NAME_HOSTS = frozenset({"runtime", "runtime.processor_hosts", "runtime.link_hosts"})
"""Overrides with which a user asks for hosts."""
_NAME_RAY = _NAME_HOSTS | {"runtime.address", "runtime.dashboard", "sweep.workers", "hydra/launcher"}
"""Overrides of which another value than the default asks for something other than processes."""
_SWEEPS = ("-m", "--multirun")


def names_hosts(overrides: Sequence[str]) -> bool:
    """Return whether a command line says how jobs are to be run."""
    return not _NAME_HOSTS.isdisjoint(map(_key, overrides))


def takes_processes(words: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Return whether a command line is one of a sweep that is likely to run in processes of this machine."""
    return (
        any(word in _SWEEPS for word in words)
        and not any(word.startswith("--") and word not in (*_SWEEPS, "--config-dir") for word in words)
        and _NAME_RAY.isdisjoint(map(_key, words))
        and "RAY_ADDRESS" not in environment
    )


def start_processes() -> WarmProcesses:
    """Start processes for jobs: one per CPU, which share the memory of this machine."""
    return WarmProcesses(available_cpus(), _MEMORY_SHARE * available_memory(), _IMPORTS)


def _key(word: str) -> str:
    return word.lstrip("+").partition("=")[0]
