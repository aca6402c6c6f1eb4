"""Of each processor's circuits the hub secretly gives some an input whose answer it knows. Ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.streams import Streams
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.estimator import UNSHIFTED
from ceas_ray.quantum.gate_noise import visibility
from ceas_ray.quantum.known_answer_circuits import answer_contrasts, asked_circuits, drawn_settings


class Answers(NamedTuple):
    """circuits: which of the round were not data, bool (circuits,) or (1,); how many had pairs in time; wrong."""

    circuits: NDArray[np.bool_]
    asked: int
    wrong: int


NOTHING_ASKED = Answers(np.zeros(1, bool), 0, 0)


@dataclass(frozen=True)
class KnownAnswers:
    """Asks a share of the circuits, with the shifts that circuits of data have, and one random output of each.

    Inputs come as those of data do, so a processor cannot tell them apart until it is told, after all outcomes.
    unshifted_share: of the circuits.
    """

    circuit: Circuit
    streams: Streams
    share: float
    unshifted_share: float

    def __call__(self, items: Sequence[Mapping[str, Any]]) -> list[Answers]:
        """For items as of `GradientWork`; all settings that were drawn in one call of the engine."""
        drawn = [self._drawn(item) for item in items]
        counts = [len(each.settings) for each in drawn]
        owner = np.repeat(np.arange(len(items)), counts)
        contrasts = answer_contrasts(
            self.circuit,
            np.concatenate([each.settings for each in drawn]),
            np.stack([item["noise"] for item in items])[owner],
            np.stack([item["shrink"] for item in items])[owner],
            np.stack([visibility(item["noise"], self.circuit.outputs) for item in items])[owner],
        )
        of_item = np.split(contrasts, np.cumsum(counts)[:-1])
        return [each.answers(found) for each, found in zip(drawn, of_item, strict=True)]

    def _drawn(self, item: Mapping[str, Any]) -> _Drawn:
        circuit, usable = self.circuit, item["usable"]
        generator = self.streams.generator("hub", item["name"], "known answers", item["round_index"])
        circuits = asked_circuits(len(usable), self.share, generator)
        asked = int(np.count_nonzero(circuits & usable))
        parameter, sign = drawn_settings(asked, self.unshifted_share, circuit.parameter_count, generator)
        output, chance = generator.integers(circuit.outputs, size=asked), generator.random(asked)
        pairs, setting = np.unique(np.stack([parameter, sign.astype(np.int64)]), axis=1, return_inverse=True)
        settings = np.tile(item["parameters"], (pairs.shape[1], 1))
        (rows,) = np.nonzero(pairs[0] != UNSHIFTED)
        settings[rows, pairs[0, rows]] += np.pi / 2 * pairs[1, rows]
        return _Drawn(circuits, settings, setting.reshape(-1), output, chance)


class _Drawn(NamedTuple):
    """settings (distinct, P): parameters, shifted; of each asked circuit its setting, output and uniform draw."""

    circuits: NDArray[np.bool_]
    settings: NDArray[np.float64]
    setting: NDArray[np.int64]
    output: NDArray[np.int64]
    chance: NDArray[np.float64]

    def answers(self, contrasts: NDArray[np.float64]) -> Answers:
        """contrasts: of the settings and outputs, (distinct, K)."""
        wrong = self.chance < (1 - contrasts[self.setting, self.output]) / 2
        return Answers(self.circuits, len(self.setting), int(np.count_nonzero(wrong)))
