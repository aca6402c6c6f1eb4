"""A demand for tests, with whatever a test asks to be different."""

from __future__ import annotations

from typing import Any

from ceas_ray.entanglement.demand import Demand


def demand(**changes: Any) -> Demand:
    values: dict[str, Any] = {
        "shots": 1024, "pairs_per_shot": 6, "burst_shots": 8, "gap_periods": 8.0, "supply": 1.6,
        "deadline_periods": 1.0, "useful_age_periods": 3.0, "min_fidelity": None, "slots": 24, "hub_channels": 32,
        "multiplexing": 8, "test_share": 0.03, "warm_up_test_shots": 200, "key_useful_age": 5 * 10**8,
        "key_margin": 1.25, "fresh_hash_keys": True,
    }  # fmt: skip
    return Demand(**(values | changes))
