"""The environment that Ray reads once, when it is imported: so this comes first."""

from __future__ import annotations

import os
import secrets

_SAID_BY_US = "Raylet is terminated|has been marked dead"
"""What Ray prints pages about, and we one line."""


def prepare_ray_environment(address: str | None) -> None:
    """Set threads, no usage statistics, logs that rotate; and for a cluster that we start, a token of its own.

    A cluster that runs already has its own mode and token, which must be set alike on every machine.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    os.environ.setdefault("RAY_ROTATION_MAX_BYTES", str(16 * 2**20))
    os.environ.setdefault("RAY_ROTATION_BACKUP_COUNT", "2")
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", _SAID_BY_US)
    if address is None:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
