"""What a key pool knows, to compare."""

from __future__ import annotations

from dataclasses import replace

from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.state import saved
from ceas_ray.messages.authentication import KeyPool


def but_for_failures(pool: KeyPool) -> bytes:
    """Return all that a pool knows except what may count failed attempts."""
    return encode(saved(replace(pool.state, failures={}, alarms=0)))
