"""The processes of this machine on which Ray's part of this process depends: when one dies, Ray soon ends it too."""

from __future__ import annotations

import psutil
import ray

from ceas_ray.runtime.failure import ClusterLost

_VITAL = ("gcs_server", "raylet")


class OwnNode:
    """The head and the raylet that are children of this process; or the raylet through which it joined a cluster."""

    def __init__(self) -> None:
        self._vital = [process for process in psutil.Process().children() if process.name() in _VITAL]
        self._complaint = "the Ray cluster that this command started is lost: somebody ended its head or its raylet"
        if not self._vital:
            self._vital = _joined_raylet()
            self._complaint = "the Ray cluster is lost to this machine: its raylet here has ended"

    def is_alive(self) -> bool:
        """Return whether none of them has ended."""
        return all(map(_lives, self._vital))

    def require_alive(self) -> None:
        """Raise ClusterLost if one has ended. Call this before a call in which Ray would end this process."""
        if not self.is_alive():
            raise ClusterLost(self._complaint)


def _joined_raylet() -> list[psutil.Process]:
    """Return the raylet that this process is connected to; none where it cannot be seen (in another container)."""
    node = ray._private.worker.global_worker.node
    socket = None if node is None else node.raylet_socket_name
    found = [process for process in psutil.process_iter() if socket is not None and _is_raylet(process, socket)]
    return found[:1]


def _is_raylet(process: psutil.Process, socket: str) -> bool:
    try:
        return process.name() == "raylet" and any(word.endswith(f"={socket}") for word in process.cmdline())
    except psutil.Error:
        return False  # the process ended meanwhile, or is another user's


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
