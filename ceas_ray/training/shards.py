"""Shards: the training data, spread over the processors."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heapreplace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.policy_calls import called, read_only, wrong_return

Integers = NDArray[np.int64]


class Shards(Protocol):
    """Deals the training samples to the processors (or groups of them that share a circuit)."""

    def __call__(self, labels: Integers, count: int, generator: np.random.Generator) -> Sequence[Integers]:
        """Return the numbers of the samples of each of `count` processors; labels (samples,) from 0.

        Every processor needs a sample, and no sample may be dealt twice; some may be left out.
        """


def dealt_by(shards: Shards, labels: Integers, count: int, generator: np.random.Generator) -> list[Integers]:
    """Return the parts that a policy deals, sorted. Raises PolicyError unless there is one for each of `count`
    processors.
    """
    returned = called(shards, "__call__", read_only(labels), count, generator)
    try:
        parts = [np.asarray(part) for part in returned]
        right = len(parts) == count and all(part.ndim == 1 and part.dtype.kind in "iu" and len(part) for part in parts)
        dealt = np.concatenate(parts) if right else np.zeros(0, np.int64)
        right = right and dealt.min() >= 0 and dealt.max() < len(labels) and len(np.unique(dealt)) == len(dealt)
    except (TypeError, ValueError):
        right = False
    if not right:
        must = f"{count} arrays with the numbers of samples (0 to {len(labels) - 1}), none empty and none dealt twice"
        raise wrong_return(shards, "__call__", must, returned)
    return [np.sort(part).astype(np.int64) for part in parts]


def iid_shards(samples: int, count: int, generator: np.random.Generator) -> list[Integers]:
    """Put every sample in exactly one of `count` shards of equal size (up to one).

    Raises ValueError for too few samples.
    """
    if samples < count:
        raise ValueError(f"every one of {count} processors needs a training sample, got {samples}")
    return [np.sort(part) for part in np.array_split(generator.permutation(samples), count)]


def dirichlet_shards(
    labels: Integers, count: int, *, concentration: float, min_samples: int, generator: np.random.Generator
) -> list[Integers]:
    """Put every sample in exactly one shard; each class is split over the shards by Dirichlet(concentration) shares.

    Shards with fewer than `min_samples` samples then take some from the largest. Raises ValueError for too few samples.
    """
    _check_min_samples(len(labels), count, min_samples)
    shards: list[list[int]] = [[] for _ in range(count)]
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        shares = generator.dirichlet(np.full(count, concentration))
        ends = np.round(np.cumsum(shares) * len(members)).astype(np.int64)
        for shard, part in zip(shards, np.split(members, ends[:-1]), strict=True):
            shard.extend(int(index) for index in part)
    largest_first = [(-len(shard), number) for number, shard in enumerate(shards)]
    heapify(largest_first)
    for shard in shards:
        while len(shard) < min_samples:
            number = largest_first[0][1]
            largest = shards[number]
            shard.append(largest.pop(int(generator.integers(len(largest)))))
            heapreplace(largest_first, (-len(largest), number))
    return [np.sort(np.array(shard, dtype=np.int64)) for shard in shards]


def _check_min_samples(samples: int, count: int, min_samples: int) -> None:
    """Raise ValueError where `count` shards cannot have `min_samples` samples each."""
    if samples < count * min_samples:
        raise ValueError(
            f"{count} processors need {min_samples} training samples each ({count * min_samples}), got {samples}"
        )


def label_shards(labels: Integers, count: int, labels_per_shard: int, generator: np.random.Generator) -> list[Integers]:
    """Put every sample in exactly one shard, and give no shard more than `labels_per_shard` labels.

    labels (samples,). Returns the numbers of each shard's samples. Labels are dealt in turn, in a random order; a
    label's samples are shared equally by the shards that hold it. Raises ValueError where the shards cannot hold all
    labels, or a label has fewer samples than shards that hold it.
    """
    present = generator.permutation(np.unique(labels))
    held = min(labels_per_shard, len(present))
    if count * held < len(present):
        raise ValueError(f"shards must hold all {len(present)} labels, got {count} of {labels_per_shard} labels each")
    holders: dict[int, list[int]] = {int(label): [] for label in present}
    for turn in range(count * held):
        holders[int(present[turn % len(present)])].append(turn // held)
    shards: list[list[Integers]] = [[] for _ in range(count)]
    for label, shard_numbers in holders.items():
        members = generator.permutation(np.flatnonzero(labels == label))
        if len(members) < len(shard_numbers):
            raise ValueError(f"{len(shard_numbers)} processors need a sample of label {label} each, got {len(members)}")
        for shard, part in zip(shard_numbers, np.array_split(members, len(shard_numbers)), strict=True):
            shards[shard].append(part)
    return [np.sort(np.concatenate(parts)) for parts in shards]
