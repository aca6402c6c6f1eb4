"""Which files of tests two processes of pytest may run at once: those on machines in namespaces stay together."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

ON_MACHINES = (
    "tests/runtime/test_machines.py",
    "tests/runtime/test_chaos.py",
    "tests/runtime/ray_runtime/test_open_cluster.py",
)


class FilesSideBySide(LoadScopeScheduling):  # type: ignore[misc]
    """Share out files among processes; there is one set of machines, so one process takes all files that use them."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "machines" if file in ON_MACHINES else file
