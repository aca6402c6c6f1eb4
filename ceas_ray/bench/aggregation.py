"""Aggregation rules: CPU time and peak memory, beside ByzFL's NumPy path.

usage: scripts/bench aggregation [--byzfl PYTHON] [--quick]

n = 50 and 500 rows of d = 64, 1024 and 100,000 normal numbers; a fifth of the rows are colluders that send one row.
BLAS on one thread. Every case is a process of its own; ours is compiled before it is timed. ByzFL (`pip install byzfl`
in an environment of its own) may use 18 GB; its geometric median does 3 steps, ours converges. --quick leaves
out d = 100,000. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import numpy as np

from ceas_ray.aggregation.centered_clipping import CenteredClipping
from ceas_ray.aggregation.covariance_filter import CovarianceFilter
from ceas_ray.aggregation.divide_and_conquer import DivideAndConquer
from ceas_ray.aggregation.duplicate_discount import DuplicateDiscount
from ceas_ray.aggregation.geometric_median import GeometricMedian
from ceas_ray.aggregation.krum import Krum
from ceas_ray.aggregation.mean import Mean
from ceas_ray.aggregation.median import Median
from ceas_ray.aggregation.multi_krum import MultiKrum
from ceas_ray.aggregation.nearest_neighbor_mixing import NearestNeighborMixing
from ceas_ray.aggregation.rule import Rule
from ceas_ray.aggregation.similarity_discount import SimilarityDiscount
from ceas_ray.aggregation.spectral_filter import SpectralFilter
from ceas_ray.aggregation.trimmed_mean import TrimmedMean
from ceas_ray.aggregation.weighted_geometric_median import WeightedGeometricMedian
from ceas_ray.aggregation.weighted_mean import WeightedMean
from ceas_ray.aggregation.weighted_median import WeightedMedian
from ceas_ray.aggregation.weighted_nearest_neighbor_mixing import WeightedNearestNeighborMixing
from ceas_ray.aggregation.weighted_trimmed_mean import WeightedTrimmedMean
from ceas_ray.bench import aggregation_peers
from ceas_ray.bench.aggregation_peers import LARGE, measured, rows_of
from ceas_ray.bench.processes import figures_of_module, figures_of_peer

ROWS, LENGTHS = (50, 500), (64, 1024, 100_000)
RULES: dict[str, Rule] = {
    "mean": Mean(), "median": Median(), "trimmed_mean": TrimmedMean(), "geometric_median": GeometricMedian(),
    "krum": Krum(), "multi_krum": MultiKrum(), "centered_clipping": CenteredClipping(None, 3, "median"),
    "nnm_trimmed_mean": NearestNeighborMixing(TrimmedMean()), "weighted_mean": WeightedMean(),
    "weighted_median": WeightedMedian(), "weighted_trimmed_mean": WeightedTrimmedMean(1.15),
    "weighted_geometric_median": WeightedGeometricMedian(),
    "ceas": WeightedNearestNeighborMixing(WeightedTrimmedMean(1.15), 1.15), "spectral_filter": SpectralFilter(),
    "spectral_filter_discount": DuplicateDiscount(SpectralFilter()), "covariance_filter": CovarianceFilter(),
    "divide_and_conquer": DivideAndConquer(), "similarity_discount": SimilarityDiscount(SpectralFilter()),
}  # fmt: skip
BYZFL = ("mean", "median", "trimmed_mean", "geometric_median", "krum", "multi_krum", "centered_clipping",
         "nnm_trimmed_mean")  # fmt: skip


def ours(name: str, count: int, length: int) -> dict[str, float]:
    """Measure our rule of this name on `count` rows of `length` numbers, in this process."""
    rule, rows = RULES[name], rows_of(count, length)
    weights = np.random.default_rng(2).uniform(0.9, 1.0, count)
    weights /= weights.sum()
    rule(rows[:, :64].copy(), weights, count // 5)  # compiles
    return measured(lambda: rule(rows, weights, count // 5), length < LARGE)


def theirs(python: str, name: str, count: int, length: int) -> dict[str, Any]:
    """Measure ByzFL's rule of this name on the same rows, in a process of its own; python: that of its environment."""
    return figures_of_peer([python, str(aggregation_peers.__file__), name, str(count), str(length)])


def main(words: list[str]) -> dict[str, Any]:
    """Return the benchmark's figures."""
    parser = argparse.ArgumentParser(prog="scripts/bench aggregation", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--byzfl", help="the Python of an environment with byzfl")
    parser.add_argument("--quick", action="store_true", help="without d = 100,000")
    parser.add_argument("--case", nargs=3, metavar=("RULE", "ROWS", "LENGTH"), help="one case, ours, in this process")
    chosen = parser.parse_args(words)
    if chosen.case:
        return ours(chosen.case[0], int(chosen.case[1]), int(chosen.case[2]))
    found: dict[str, Any] = {}
    for length in LENGTHS[:2] if chosen.quick else LENGTHS:
        for count in ROWS:
            for name in RULES:
                case = f"{name} {count} x {length}"
                found[case] = _both(chosen.byzfl, name, count, length)
                print(f"{case}: {found[case]}", file=sys.stderr)
    at = {name: found[f"{name} 50 x 1024"]["milliseconds"] for name in RULES}
    return {
        "slowest_at_50_x_1024_milliseconds": max(at.values()),
        "spectral_filter_discount_at_50_x_1024_milliseconds": at["spectral_filter_discount"],
        "cases": found,
    }


def _both(byzfl: str | None, name: str, count: int, length: int) -> dict[str, Any]:
    case = figures_of_module("ceas_ray.bench.aggregation", "--case", name, str(count), str(length))
    if byzfl and name in BYZFL:
        case["byzfl"] = theirs(byzfl, name, count, length)
        if "milliseconds" in case["byzfl"]:
            case["byzfl_over_ours"] = round(case["byzfl"]["milliseconds"] / max(case["milliseconds"], 1e-4), 2)
    return case


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
