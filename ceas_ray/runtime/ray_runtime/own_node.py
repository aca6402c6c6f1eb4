"""The vital processes of a cluster that this process started: when one of them dies, Ray soon ends this process too."""

from __future__ import annotations

import psutil

from ceas_ray.runtime.failure import RuntimeFailure

_VITAL = ("gcs_server", "raylet")


class OwnNode:
    """The head and the raylet that are children of this process; none where it joined a cluster that ran before."""

    def __init__(self) -> None:
        self._vital = [process for process in psutil.Process().children() if process.name() in _VITAL]

    def is_alive(self) -> bool:
        """Return whether none of them has ended."""
        return all(map(_lives, self._vital))

    def require_alive(self) -> None:
        """Raise RuntimeFailure if one has ended: to be asked before a call in which Ray would end this process."""
        if not self.is_alive():
            raise RuntimeFailure(
                "the Ray cluster that this command started is lost: somebody ended its head or its raylet; "
                "resume=FOLDER goes on with a run"
            )


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
