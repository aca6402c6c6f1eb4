"""Every rule, for what every attack is held against."""

from __future__ import annotations

from ceas_ray.aggregation.covariance_filter import CovarianceFilter
from ceas_ray.aggregation.divide_and_conquer import DivideAndConquer
from ceas_ray.aggregation.duplicate_discount import DuplicateDiscount
from ceas_ray.aggregation.geometric_median import GeometricMedian
from ceas_ray.aggregation.krum import Krum
from ceas_ray.aggregation.mean import Mean
from ceas_ray.aggregation.median import Median
from ceas_ray.aggregation.nearest_neighbor_mixing import NearestNeighborMixing
from ceas_ray.aggregation.spectral_filter import SpectralFilter
from ceas_ray.aggregation.trimmed_mean import TrimmedMean

RULES = [
    Mean(), Median(), TrimmedMean(), NearestNeighborMixing(TrimmedMean()), GeometricMedian(), Krum(), SpectralFilter(),
    DuplicateDiscount(SpectralFilter()), CovarianceFilter(), DivideAndConquer(),
]  # fmt: skip
