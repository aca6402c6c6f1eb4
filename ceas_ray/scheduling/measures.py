"""The measures by which schedulers and runs are judged."""

from __future__ import annotations


def utilization(used: float, generated: float) -> float:
    """Return used over generated pairs: the one definition that everything here reports; 1 where nothing was generated.

    used: pairs of shots on time and of tests, and pairs whose key bits were spent. generated: every pair that was
    heralded, kept or not.
    """
    return float(used) / float(generated) if generated else 1.0
