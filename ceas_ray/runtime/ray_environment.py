"""The environment that Ray's processes are started with, and read when they start."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_MODE, _TOKEN = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"

_JOB, _JOB_STOP_SECONDS = "RAY_JOB_CONFIG_JSON_ENV_VAR", "RAY_JOB_STOP_WAIT_TIME_S"
_ADDRESS_FILE = Path("ray", "ray_current_cluster")
"""Where `ray start` notes the address of this machine's cluster, in Ray's folder for temporary files."""

_SAID_BY_US = "Raylet is terminated|has been marked dead"
"""Pattern of events about which Ray prints pages, and we one line."""


def prepare_ray_environment() -> None:
    """Set one thread, no usage statistics and rotating logs, where the user has not set them."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    os.environ.setdefault("RAY_ROTATION_MAX_BYTES", str(16 * 2**20))
    os.environ.setdefault("RAY_ROTATION_BACKUP_COUNT", "2")
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", _SAID_BY_US)


def is_submitted_job() -> bool:
    """Return whether `ray job submit` (or a RayJob of KubeRay) started this process."""
    return _JOB in os.environ


def seconds_to_stop_job() -> float | None:
    """Return how long Ray waits for a job that it stops before it kills it; None in a process that is no job."""
    if not is_submitted_job():
        return None
    given = os.environ.get(_JOB_STOP_SECONDS, "")
    return float(given) if given.isdigit() else 3.0


def noted_cluster() -> str | None:
    """Return the address that the last `ray start` on this machine noted, whether its cluster still runs or not."""
    try:
        return (Path(os.environ.get("RAY_TMPDIR", "/tmp")) / _ADDRESS_FILE).read_text().strip() or None
    except (OSError, ValueError):
        return None


@contextmanager
def outside_of_job() -> Iterator[None]:
    """Hide the job that this process belongs to: another cluster does not have its working folder and its modules."""
    hidden = os.environ.pop(_JOB, None)
    try:
        yield
    finally:
        if hidden is not None:
            os.environ[_JOB] = hidden


@contextmanager
def authentication(required: bool, read: Callable[[], None]) -> Iterator[None]:
    """Set the authentication mode and token for one cluster; restore the former ones afterwards.

    required: whether the cluster, which starts within, must require a token: the user's, or else a fresh one. read:
    makes Ray read mode and token anew; called once they are set, and again once they are restored.
    """
    before = {name: os.environ.get(name) for name in (_MODE, _TOKEN)}
    if required:
        os.environ[_MODE] = "token"
        os.environ.setdefault(_TOKEN, secrets.token_hex(32))
    try:
        read()
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        read()
