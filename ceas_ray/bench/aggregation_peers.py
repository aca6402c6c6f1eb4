"""One case of the benchmark of aggregation rules with ByzFL, run by path in an environment that has it.

That environment does not have this package, so what both sides measure with is here.

usage: PYTHON aggregation_peers.py RULE ROWS LENGTH; prints one JSON line.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

MAX_GIGABYTES = 18
LARGE, MIN_SECONDS, MAX_CALLS = 10_000, 2.0, 200


def rows_of(count: int, length: int) -> Any:
    """Return the updates of a case, shape (count, length): normal numbers; a fifth of the rows are the same."""
    rows = np.random.default_rng(1).normal(0.1, 1.0, (count, length))
    rows[: count // 5] = -2 * rows[count // 5 :].mean(axis=0)
    return rows


def measured(call: Callable[[], Any], warm: bool) -> dict[str, float]:
    """Return the CPU milliseconds of a call, the median of several, and the peak memory of the process in MB. warm:
    whether to make one call before.
    """
    if warm:
        call()
    times: list[float] = []
    while not times or (sum(times) < MIN_SECONDS and len(times) < MAX_CALLS):
        started = time.process_time()
        call()
        times.append(time.process_time() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"milliseconds": round(sorted(times)[len(times) // 2] * 1e3, 4), "peak_megabytes": round(peak, 1)}


def main() -> None:
    """Measure the case of the command line."""
    name, count, length = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    byzfl, faults = importlib.import_module("byzfl"), count // 5
    trimmed = byzfl.TrMean(faults)
    rules = {
        "mean": byzfl.Average(), "median": byzfl.Median(), "trimmed_mean": trimmed,
        "geometric_median": byzfl.GeometricMedian(), "krum": byzfl.Krum(faults), "multi_krum": byzfl.MultiKrum(faults),
        "centered_clipping": byzfl.CenteredClipping(L=3, tau=1.0),
        "nnm_trimmed_mean": lambda rows: trimmed(byzfl.NNM(faults)(rows)),
    }  # fmt: skip
    resource.setrlimit(resource.RLIMIT_AS, (MAX_GIGABYTES << 30,) * 2)
    rows = rows_of(count, length)
    print(json.dumps(measured(lambda: rules[name](rows), length < LARGE)))


if __name__ == "__main__":
    main()
