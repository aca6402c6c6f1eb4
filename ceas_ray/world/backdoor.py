"""What a back door changes in a world: the samples that colluders learn, and the test of its success."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ceas_ray.attacks.attack import Samples
from ceas_ray.attacks.checked_attack import CheckedAttack
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import TrainingSettings
from ceas_ray.processors.processor import Shard
from ceas_ray.quantum.circuit_values import VariationalCircuit
from ceas_ray.training.datasets import DataSet
from ceas_ray.training.metrics import LabelShare


def poisoned(shard: Shard, attack: CheckedAttack, *, training: TrainingSettings, data: DataSet) -> Shard:
    """Return what a colluder with this shard learns. Raises SettingsError for a label that there is not."""
    if attack.target_label is not None:
        _check_label(attack.target_label, data)
    learned = attack.learned_samples(_samples(shard.angles, shard.targets, training=training, data=data))
    return Shard(learned.angles, learned.targets)


def backdoor_test(
    attack: CheckedAttack | None, *, training: TrainingSettings, circuit: VariationalCircuit, data: DataSet
) -> LabelShare | None:
    """Return what measures the success of a back door; None if the attack is not a back door.

    Over the test samples of other classes, with the trigger: the share that a model labels as the attacker wants.
    """
    if attack is None or attack.target_label is None:
        return None
    _check_label(attack.target_label, data)
    others = data.test_labels != attack.target_label
    samples = _samples(data.test_angles[others], data.test_targets[others], training=training, data=data)
    return LabelShare(circuit=circuit, angles=attack.triggered(samples), label=attack.target_label)


def _samples(
    angles: NDArray[np.float64], targets: NDArray[np.float64], *, training: TrainingSettings, data: DataSet
) -> Samples:
    features, widest = _features_of(data), training.data.angle_range * np.pi
    return Samples(angles, targets, features=features, widest=widest)


def _features_of(data: DataSet) -> NDArray[np.int64]:
    """Return which encoded feature each angle has, shape (n,): qubits that repeat a feature have the same."""
    count = data.train_angles.shape[1]
    if data.feature_map is None:
        return np.arange(count)
    columns = np.vstack([data.feature_map.matrix, data.feature_map.offset]).T
    first = [int(np.argmax((columns == column).all(axis=1))) for column in columns]
    return np.searchsorted(np.unique(first), first)


def _check_label(label: int, data: DataSet) -> None:
    classes = max(2, data.outputs)
    if label >= classes:
        raise SettingsError("attacks.attack.target_label", f"a class of the data, 0 to {classes - 1}", label)
