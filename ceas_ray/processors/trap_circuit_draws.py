"""Trap circuits: the hub secretly gives some of a processor's circuits an input whose answer it knows. Ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.streams import Streams
from ceas_ray.processors.gradient_records import GradientInputs
from ceas_ray.quantum.circuit_values import VariationalCircuit
from ceas_ray.quantum.estimator import UNSHIFTED
from ceas_ray.quantum.gate_circuit import GateCircuit
from ceas_ray.quantum.gate_noise import visibility
from ceas_ray.quantum.trap_circuits import answer_contrasts, asked_circuits, drawn_settings, own_answer_contrasts


class Answers(NamedTuple):
    """Answers of trap circuits in a round.

    circuits: which circuits were traps, bool (circuits,) or (1,). asked: how many of them had their pairs in time.
    wrong: how many of those gave a wrong outcome.
    """

    circuits: NDArray[np.bool_]
    asked: int
    wrong: int


NO_TRAPS = Answers(np.zeros(1, bool), 0, 0)


@dataclass(frozen=True)
class TrapCircuits:
    """Turns a share of the circuits into traps, with the shifts that circuits of data have, and one random output of
    each.

    Their inputs arrive as those of data do, so a processor cannot tell them apart before all outcomes are announced.
    share, unshifted_share: of the circuits.
    """

    circuit: VariationalCircuit
    streams: Streams
    share: float
    unshifted_share: float

    def __call__(self, items: Sequence[GradientInputs]) -> list[Answers]:
        """Return the answers of items as in `GradientWork`, one item after the other, since each setting takes 4^n
        numbers per output.
        """
        return [self._answers(item) for item in items]

    def _answers(self, item: GradientInputs) -> Answers:
        circuit, usable = self.circuit, item.usable
        generator = self.streams.generator("hub", item.name, "known answers", item.round_index)
        circuits = asked_circuits(len(usable), self.share, generator)
        asked = int(np.count_nonzero(circuits & usable))
        parameter, sign = drawn_settings(asked, self.unshifted_share, circuit.shift_count, generator)
        output, chance = generator.integers(circuit.outputs, size=asked), generator.random(asked)
        pairs, setting = np.unique(np.stack([parameter, sign.astype(np.int64)]), axis=1, return_inverse=True)
        count = pairs.shape[1]
        if count == 0:
            return Answers(circuits, 0, 0)
        contrasts = self._contrasts(item, pairs)
        wrong = chance < (1 - contrasts[setting.reshape(-1), output]) / 2
        return Answers(circuits, asked, int(np.count_nonzero(wrong)))

    def _contrasts(self, item: GradientInputs, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the contrasts of answers (settings, K); pairs (2, settings): which angle shifts (or UNSHIFTED), and
        its sign.
        """
        circuit, count = self.circuit, pairs.shape[1]
        settings, shifts = np.tile(item.parameters, (count, 1)), np.zeros((count, circuit.shift_count))
        (rows,) = np.nonzero(pairs[0] != UNSHIFTED)
        shifts[rows, pairs[0, rows]] = np.pi / 2 * pairs[1, rows]
        noise, attenuation = np.tile(item.noise, (count, 1, 1)), np.tile(item.attenuation, (count, 1))
        if isinstance(circuit, GateCircuit):
            return own_answer_contrasts(circuit, settings, shifts, noise=noise, attenuation=attenuation)
        seen = np.tile(visibility(item.noise, circuit.outputs), (count, 1))
        return answer_contrasts(circuit, settings + shifts, noise=noise, attenuation=attenuation, visibility=seen)
