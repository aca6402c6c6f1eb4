"""Training and test samples, every class in its share: the samples that scikit-learn's `train_test_split` draws.

They are drawn here because scikit-learn takes longer to import than a short run takes to compute, and so that no
release of it changes a digest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def stratified_split(labels: Integers, test: int, seed: int) -> tuple[Integers, Integers]:
    """Return the numbers of the training samples and those of `test` other samples, each in random order.

    labels: shape (samples,); each part must have room for every class. seed: of NumPy's `RandomState`, whose numbers
    never change. Raises ValueError for a class with a single sample.
    """
    random = np.random.RandomState(seed)
    classes, positions, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.min() < 2:
        raise ValueError(f"every class needs two samples, class {classes[counts.argmin()]} has one")
    members = np.split(np.argsort(positions, kind="stable"), np.cumsum(counts)[:-1])
    training_counts = _shares(counts, len(labels) - test, random)
    test_counts = _shares(counts - training_counts, test, random)
    chosen: tuple[list[Integers], list[Integers]] = ([], [])
    for numbers, first, second in zip(members, training_counts, test_counts, strict=True):
        drawn = numbers[random.permutation(len(numbers))]
        chosen[0].append(drawn[:first])
        chosen[1].append(drawn[first : first + second])
    training, others = (random.permutation(np.concatenate(part)) for part in chosen)
    return training, others


def _shares(counts: Integers, total: int, random: np.random.RandomState) -> Integers:
    """Return how many of `total` samples each class gets by its count: whole numbers, ties broken by chance."""
    exact = counts / counts.sum() * total
    shares = np.floor(exact)
    remainders, left = exact - shares, int(total - shares.sum())
    for remainder in np.unique(remainders)[::-1] if left > 0 else ():
        (tied,) = np.nonzero(remainders == remainder)
        chosen = random.choice(tied, size=min(len(tied), left), replace=False)
        shares[chosen] += 1
        left -= len(chosen)
        if left == 0:
            break
    return shares.astype(np.int64)
