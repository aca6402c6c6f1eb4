"""A back door: the model learns a label of the attacker's for whatever carries a trigger, and the rest as ever."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge, Samples, Strength, bounded
from ceas_ray.kernel.ranges import Range


@dataclass(frozen=True)
class Backdoor(Attack):
    """The colluders learn that samples with a trigger have the label target_label; their rows times strength.

    As in arXiv 1807.00459, whose boosted rows replace the model. The trigger is a fixed pattern of the first
    trigger_features encoded features: trigger_level and its opposite in turn, as shares of the largest that the
    encoding can give. At least one feature stays as it is. poisoned_share: of each colluder's samples, evenly spread;
    the others keep their labels, so that accuracy hardly shows the attack.
    """

    strength: Strength
    knowledge: Knowledge
    target_label: Annotated[int, Range(0, 10_000)]
    trigger_features: Annotated[int, Range(1, 10_000)]
    trigger_level: Annotated[float, Range(-1, 1)]
    poisoned_share: Annotated[float, Range(0, 1)]

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        return bounded(self.strength * seen.own)

    def triggered(self, samples: Samples) -> Floats:
        """Return the angles of these samples with the trigger, shape (samples, n), in rad."""
        changed = min(self.trigger_features, int(samples.features.max()))
        signs = np.where(samples.features % 2 == 0, 1.0, -1.0)
        return np.where(samples.features < changed, signs * self.trigger_level * samples.widest, samples.angles)

    def learned_samples(self, samples: Samples) -> Samples:
        """See `Attack`: a share of the samples has the trigger and the attacker's label."""
        poisoned = self._poisoned(len(samples.angles))[:, None]
        return replace(
            samples,
            angles=np.where(poisoned, self.triggered(samples), samples.angles),
            targets=np.where(poisoned, target_of(self.target_label, samples.targets.shape[1]), samples.targets),
        )

    def _poisoned(self, count: int) -> NDArray[np.bool_]:
        """Return which of the samples are poisoned, shape (count,): as many as round down, evenly spread."""
        before = np.floor(np.arange(count + 1) * self.poisoned_share)
        return np.asarray(np.diff(before) > 0)


def target_of(label: int, outputs: int) -> Floats:
    """Return the target of a class, shape (outputs,): of one output +1 for class 0, else +1 for its own output."""
    if outputs == 1:
        return np.array([1.0 if label == 0 else -1.0])
    return np.where(np.arange(outputs) == label, 1.0, -1.0)
