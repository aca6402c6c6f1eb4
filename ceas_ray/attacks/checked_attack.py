"""An attack whose returns are checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge, RowMaker, Samples
from ceas_ray.kernel.policy_calls import called, read_only, real_numbers, wrong_return


@dataclass(frozen=True)
class CheckedAttack(Attack):
    """Wraps an attack, which may be anybody's own: it cannot change what it is shown, and PolicyError names it if it
    fails or returns what no colluder can do.

    Rows may hold any numbers: what is not finite, or too large for fixed point, is as silence.
    """

    attack: RowMaker

    def __post_init__(self) -> None:
        """Raise PolicyError for an attack whose knowledge is not one that there is."""
        if self.knowledge not in get_args(Knowledge):
            raise wrong_return(self.attack, "knowledge", f"one of {', '.join(get_args(Knowledge))}", self.knowledge)

    @property
    def knowledge(self) -> Knowledge:  # type: ignore[override]
        """See `Attack`."""
        return getattr(self.attack, "knowledge", "colluders")

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        returned = called(self.attack, "__call__", _shown(seen), generator)
        rows, parameters = seen.own.shape
        versions = np.shape(returned)[1] if isinstance(returned, np.ndarray) and returned.ndim == 3 else 1
        several = (rows, max(1, versions), parameters)
        return real_numbers(self.attack, "__call__", returned, (rows, parameters), several, finite=False)

    def remembered(self, seen: AttackContext) -> Floats:
        """See `Attack`."""
        if not hasattr(self.attack, "remembered"):
            return super().remembered(seen)
        returned = called(self.attack, "remembered", _shown(seen))
        length = len(returned) if isinstance(returned, np.ndarray) and returned.ndim == 1 else 0
        return real_numbers(self.attack, "remembered", returned, (length,))

    def learned_targets(self, targets: Floats) -> Floats:
        """See `Attack`."""
        if not hasattr(self.attack, "learned_targets"):
            return targets
        returned = called(self.attack, "learned_targets", read_only(targets))
        return real_numbers(self.attack, "learned_targets", returned, targets.shape)

    @property
    def target_label(self) -> int | None:
        """The label that a back door wants for samples with its trigger; None for an attack that is not a back door."""
        if not hasattr(self.attack, "triggered"):
            return None
        label = getattr(self.attack, "target_label", None)
        if isinstance(label, bool) or not isinstance(label, int) or label < 0:
            raise wrong_return(self.attack, "target_label", "the number of a class", label)
        return label

    def triggered(self, samples: Samples) -> Floats:
        """Return the angles of these samples with the trigger of a back door, shape (samples, n), in rad."""
        returned = called(self.attack, "triggered", _read_only(samples))
        return real_numbers(self.attack, "triggered", returned, samples.angles.shape)

    def learned_samples(self, samples: Samples) -> Samples:
        """Return what colluders learn instead of the samples of their shards."""
        if not hasattr(self.attack, "learned_samples"):
            return replace(samples, targets=self.learned_targets(samples.targets))
        learned = called(self.attack, "learned_samples", _read_only(samples))
        if not isinstance(learned, Samples):
            raise wrong_return(self.attack, "learned_samples", "Samples", learned)
        angles = real_numbers(self.attack, "learned_samples", learned.angles, samples.angles.shape)
        targets = real_numbers(self.attack, "learned_samples", learned.targets, samples.targets.shape)
        return replace(samples, angles=angles, targets=targets)


def _read_only(samples: Samples) -> Samples:
    """Return the same samples, whose arrays cannot be changed."""
    return replace(
        samples,
        angles=read_only(samples.angles),
        targets=read_only(samples.targets),
        features=read_only(samples.features),
    )


def _shown(seen: AttackContext) -> AttackContext:
    """Return the same view, whose arrays cannot be changed."""
    return replace(seen, own=read_only(seen.own), honest=read_only(seen.honest), memory=read_only(seen.memory))
