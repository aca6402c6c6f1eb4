"""The data set that settings choose, and the shards of the processors."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.config.errors import SettingsError, UnusableSettings, blame_on
from ceas_ray.config.policies import instantiate
from ceas_ray.config.schema import DataSettings
from ceas_ray.kernel.streams import Streams
from ceas_ray.training.datasets import DataSet, Encoding, prepare, set_aside, split
from ceas_ray.training.shards import Shards, dealt_by, dirichlet_shards, iid_shards, label_shards
from ceas_ray.training.sources import draw_shape, load_classes, load_file
from ceas_ray.training.spin_chain import draw_ground_states
from ceas_ray.world.inputs import RunInputs

Integers = NDArray[np.int64]


_FEW_STATES = 60
"""Enough to see whether ground states fit the circuit. Even: their two phases take turns."""


def load_data(
    choice: DataSettings,
    angles: int,
    *,
    seed: int,
    inputs: RunInputs,
    outline: bool = False,
    key: str = "training.qubits",
) -> DataSet:
    """Return the data set, split and encoded in this many angles a sample; SettingsError for what cannot be.

    key: of the setting that says how many: the number of qubits, or a circuit's inputs.
    outline: in little time, in which a few samples that take long to compute stand for the others; labels, and so
    everybody's share of the samples, are right.
    """
    features, labels, classes = _samples(choice, seed, inputs, outline)
    training, test = blame_on(
        "training.data.test_fraction", lambda: split(features, labels, choice.test_fraction, seed)
    )
    generator = Streams(seed).generator("hub", "hub", "validation samples", 0)
    train, validation = blame_on(
        "training.data.validation_fraction", lambda: set_aside(training, choice.validation_fraction, generator)
    )
    encoding = Encoding(
        angles,
        choice.features,
        called="qubits" if key == "training.qubits" else "inputs of the circuit",
        standardize=choice.standardize,
        repeat_features=choice.repeat_features,
        angle_range=choice.angle_range,
    )
    at_fault = key if choice.features == "pca" else "training.data.features"
    data = blame_on(at_fault, lambda: prepare(train, validation, test, encoding))
    return replace(data, classes=classes, digest=_digest(features, labels))


def _digest(features: NDArray[np.float64], labels: Integers) -> str:
    digest = blake2b(digest_size=16)
    for array in (features, labels):
        digest.update(repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


class _Samples(NamedTuple):
    features: NDArray[np.float64]
    labels: Integers
    classes: tuple[str, ...] = ("0", "1")


def _samples(choice: DataSettings, seed: int, inputs: RunInputs, outline: bool) -> _Samples:
    if choice.name != "file" and choice.file is not None:
        raise SettingsError(
            "training.data.file", f"null for training.data.name={choice.name} (or name: file)", choice.file
        )
    match choice.name:
        case "moons" | "circles" as shape:
            return _Samples(*draw_shape(shape, choice.samples, choice.noise, seed))
        case "spin_chain":
            generator = Streams(seed).generator("hub", "hub", "spin chain", 0)
            few = min(choice.samples, _FEW_STATES) if outline else choice.samples
            features, labels = draw_ground_states(few, choice.spins, choice.copies, generator)
            number = np.arange(choice.samples) % few
            return _Samples(features[number], labels[number])
        case "file":
            file = choice.file
            if file is None:
                raise SettingsError("training.data.file", "given for training.data.name=file", None)
            content = inputs.read("training.data.file", file)
            try:
                features, labels, classes, said = load_file(content)
            except ValueError as error:
                raise UnusableSettings("training.data.file", f"{file}: {error}") from None
            inputs.note(said)
            if choice.classes:
                inputs.note(
                    ("training.data.classes chooses classes of the package's own sets: all of a file are used",)
                )
            return _Samples(features, labels, classes)
        case packaged:
            features, labels = blame_on("training.data.classes", lambda: load_classes(packaged, choice.classes))
            return _Samples(features, labels, tuple(map(str, choice.classes or range(int(labels.max()) + 1))))


def dealt_shards(
    choice: DataSettings, labels: Integers, count: int, generator: np.random.Generator, *, inputs: RunInputs
) -> list[Integers]:
    """Return the numbers of the training samples that each of `count` processors has; labels (samples,).

    Raises SettingsError where there are too few, PolicyError for a policy of one's own that deals wrongly.
    """
    if choice.own_shards is not None:
        own = instantiate(choice.own_shards, "training.data.own_shards", Shards, inputs.read)
        return dealt_by(own, labels, count, generator)
    match choice.shards:
        case "iid":
            return blame_on("processors.count", lambda: iid_shards(len(labels), count, generator))
        case "label":
            per_shard = choice.labels_per_shard
            return blame_on("processors.count", lambda: label_shards(labels, count, per_shard, generator))
        case "dirichlet":
            concentration, min_samples = choice.dirichlet_concentration, choice.min_samples
            return blame_on(
                "processors.count",
                lambda: dirichlet_shards(
                    labels, count, concentration=concentration, min_samples=min_samples, generator=generator
                ),
            )
