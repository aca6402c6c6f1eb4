"""A replica's report of a decision, for tests to change."""

from __future__ import annotations

from typing import Any

import numpy as np

from ceas_ray.messages.consensus_payloads import RoundDecided


def a_decision(parties: int, **changes: Any) -> RoundDecided:
    """Return a report of round 0 with no key bits left at any of `parties`, but for the changes."""
    usual: dict[str, Any] = {
        "round_index": 0, "digest": b"value", "skipped": False, "view": 0, "processors": (0,), "weights": np.ones(1),
        "model": np.zeros(3), "quarantined": (), "key_bits": np.zeros((2, parties), np.int64),
    }  # fmt: skip
    return RoundDecided(**usual | changes)
