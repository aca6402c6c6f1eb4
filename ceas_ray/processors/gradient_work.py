"""The heavy work of processors: the gradients of many of them, computed in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.streams import Streams
from ceas_ray.processors.gradient_records import GradientInputs, GradientOutput
from ceas_ray.processors.trap_circuit_draws import NO_TRAPS, Answers, TrapCircuits
from ceas_ray.quantum.circuit_values import VariationalCircuit, outcome_visibility
from ceas_ray.quantum.contrast import contrast, contrasts_within, weight_profiles
from ceas_ray.quantum.estimator import (
    UNSHIFTED,
    Circuits,
    Estimate,
    Sampler,
    TableSampler,
    doubly_stochastic_gradient,
    exact_gradient,
    full_shift_gradient,
    inverse_channel_cost,
)
from ceas_ray.quantum.loss import Loss
from ceas_ray.quantum.pauli_engine import LaneInputs, ShiftedValues

GRADIENT = "gradient"

Floats = NDArray[np.float64]
ErrorMitigation = Literal["none", "rescale", "bounded_rescale", "probabilistic_error_cancellation"]
Estimator = Literal["doubly_stochastic", "full_shift", "exact"]
MIN_BOUNDED_CONTRAST = 0.5
"""`bounded_rescale` does not divide by less."""

Engine = Callable[..., ShiftedValues]
"""`shifted_values` of the exact engine or of Aer, which have the same signature."""

OutcomeSampler = Callable[..., NDArray[np.int64]]
"""`sampled_outcomes` of the Aer engine."""


@dataclass(frozen=True, kw_only=True)
class GradientWork:
    """Computes the work of kind `gradient`: one noisy, sampled gradient per processor.

    The output of an item depends on its own inputs alone, whatever it is packed with.

    outcome_sampler: draws outcomes instead of computing their law (Aer's own sampling); None: draws them from exact
    values.
    """

    circuit: VariationalCircuit
    engine: Engine
    streams: Streams
    loss: Loss
    estimator: Estimator
    error_mitigation: ErrorMitigation
    forward_circuits: int
    threads: int = 1
    outcome_sampler: OutcomeSampler | None = None
    trap_circuits: TrapCircuits | None = None

    def __call__(self, items: Sequence[GradientInputs]) -> list[GradientOutput]:
        """Return the outputs of all items: one call of the engine for all shifted values, then each item's draws from
        its own stream.
        """
        answers = [NO_TRAPS] * len(items) if self.trap_circuits is None else self.trap_circuits(items)
        mitigations = [self._bounded(mitigation) for mitigation in self._mitigations(items)]
        samplers = self._samplers(items, mitigations)
        return [
            self._output(self._estimate(item, item.usable & ~of.circuits, sampler, assumed), assumed, of)
            for item, of, sampler, (_, _, assumed) in zip(items, answers, samplers, mitigations, strict=True)
        ]

    def _output(self, found: Estimate, contrast: float, traps: Answers) -> GradientOutput:
        output = GradientOutput(gradient=found.gradient, variance=found.variance, contrast=contrast)
        if self.trap_circuits is not None:
            output["asked"], output["wrong"] = traps.asked, traps.wrong
        return output

    def _samplers(self, items: Sequence[GradientInputs], mitigations: Sequence[_Mitigation]) -> Sequence[Sampler]:
        if self.outcome_sampler is not None:
            return [self._outcome_sampler(item) for item in items]
        circuit = self.circuit
        lanes = np.array([len(item.angles) * circuit.outputs for item in items])
        values = self._mean_over_pairs(items, mitigations, lanes)
        ends = np.cumsum(lanes)
        return [
            TableSampler(
                values.value[end - count : end].reshape(-1, circuit.outputs),
                values.first[end - count : end].reshape(-1, circuit.outputs, circuit.shift_count),
                values.second[end - count : end].reshape(-1, circuit.outputs, circuit.shift_count),
                outcome_visibility(circuit, item.noise) / part.cost,
            )
            for item, count, end, part in zip(items, lanes, ends, mitigations, strict=True)
        ]

    def _mean_over_pairs(
        self, items: Sequence[GradientInputs], mitigations: Sequence[_Mitigation], lanes: NDArray[np.int64]
    ) -> ShiftedValues:
        """Return the items' lanes, computed in one call of the engine with a lane for each node, as sums over the
        nodes.
        """
        nodes = np.array([len(item.coefficients) for item in items])
        item_of = np.repeat(np.arange(len(items)), nodes).tolist()
        inputs, output = engine_call(self.circuit, items, [part.attenuation for part in mitigations])
        values = self.engine(self.circuit, inputs, output, threads=self.threads)
        if np.all(nodes == 1):
            return values
        weights = np.repeat(np.concatenate([item.coefficients for item in items]), lanes[item_of])
        first_lane = np.cumsum(lanes) - lanes
        row = np.concatenate([first_lane[i] + np.arange(lanes[i]) for i in item_of])
        sums = [np.zeros((int(lanes.sum()), *part.shape[1:])) for part in values]
        for total, part in zip(sums, values, strict=True):
            np.add.at(total, row, (part.T * weights).T)
        return ShiftedValues(*sums)

    def _outcome_sampler(self, item: GradientInputs) -> Sampler:
        assert self.outcome_sampler is not None
        key = ("processor", item.name, "outcomes", item.round_index)
        return _CircuitSampler(self.circuit, self.outcome_sampler, item, self.streams.generator(*key))

    def _estimate(self, item: GradientInputs, usable: NDArray[np.bool_], sampler: Sampler, assumed: float) -> Estimate:
        contrast, slopes = assumed / self.circuit.scales, self.circuit.slopes(item.angles)
        if self.estimator == "exact":
            assert isinstance(sampler, TableSampler), "an exact gradient needs exact values"
            if not usable.any():
                return Estimate(np.zeros(self.circuit.parameter_count), np.inf)
            seen = sampler.visibility / contrast
            values, first = sampler.values * seen, sampler.first * seen[:, None]
            return Estimate(exact_gradient(values, first, item.targets, self.loss, slopes=slopes), 0.0)
        generator = self.streams.generator("processor", item.name, "circuits", item.round_index)
        if self.estimator == "full_shift":
            return full_shift_gradient(
                sampler,
                item.targets,
                loss=self.loss,
                usable=usable,
                contrast=contrast,
                generator=generator,
                slopes=slopes,
            )
        return doubly_stochastic_gradient(
            sampler,
            item.targets,
            loss=self.loss,
            usable=usable,
            forward_circuits=self.forward_circuits,
            contrast=contrast,
            generator=generator,
            slopes=slopes,
        )

    def _mitigations(self, items: Sequence[GradientInputs]) -> list[_Mitigation]:
        """Return how each item's loss of contrast is mitigated, from the certified Werner parameter w.

        `rescale` divides by the contrast at m_s = w^s (of a shared circuit: with all pairs at w).
        `probabilistic_error_cancellation` runs the inverse channel on each qubit by quasi-probabilities (Temme, Bravyi,
        Gambetta, PRL 119, 2017): outcomes as of a state with coefficients multiplied by w^-s, at 1 / gamma^n.
        """
        circuit, certified = self.circuit, [item.certified_werner for item in items]
        untouched = [_Mitigation(item.attenuation, 1.0, 1.0) for item in items]
        if self.error_mitigation == "none" or all(werner is None for werner in certified):
            return untouched
        if circuit.pairs_within:
            found = contrasts_within(
                circuit,
                np.stack([item.parameters for item in items]),
                noise=np.stack([item.noise for item in items]),
                angles=[item.angles for item in items],
                werner=np.array([1.0 if werner is None else werner for werner in certified]),
            )
            return [_Mitigation(item.attenuation, 1.0, float(kept)) for item, kept in zip(items, found, strict=True)]
        if circuit.reuploaded:
            return untouched
        powers: NDArray[Any] = np.arange(circuit.qubits + 1)
        if self.error_mitigation == "probabilistic_error_cancellation":
            costs = [1.0 if w is None else inverse_channel_cost(w) ** circuit.qubits for w in certified]
            return [
                _Mitigation(item.attenuation / (1.0 if werner is None else werner) ** powers, cost, 1 / cost)
                for item, werner, cost in zip(items, certified, costs, strict=True)
            ]
        profiles = weight_profiles(
            circuit,
            np.stack([item.parameters for item in items]),
            np.stack([item.noise for item in items]),
            [item.angles for item in items],
        )
        return [
            _Mitigation(item.attenuation, 1.0, 1.0 if werner is None else contrast(profile, werner**powers))
            for item, profile, werner in zip(items, profiles, certified, strict=True)
        ]

    def _bounded(self, mitigation: _Mitigation) -> _Mitigation:
        """Return it with the least contrast that `bounded_rescale` divides by, which doubles a standard deviation."""
        if self.error_mitigation != "bounded_rescale":
            return mitigation
        return mitigation._replace(assumed=max(mitigation.assumed, MIN_BOUNDED_CONTRAST))


def engine_call(
    circuit: VariationalCircuit, items: Sequence[GradientInputs], attenuation: Sequence[Floats]
) -> tuple[LaneInputs, NDArray[np.int64]]:
    """Return the inputs of the engine's one call for all items, and the output that each lane is for.

    Lanes are ordered by item, node of its pairs, sample and output.

    attenuation: of the circuits to run, (n + 1,) for each item.
    """
    item_of = [i for i, item in enumerate(items) for _ in item.coefficients]
    lanes = [len(items[i].angles) * circuit.outputs for i in item_of]
    inputs = LaneInputs(
        angles=np.concatenate([np.repeat(items[i].angles, circuit.outputs, axis=0) for i in item_of]),
        parameters=np.stack([items[i].parameters for i in item_of]),
        noise=np.stack([items[i].noise for i in item_of]),
        attenuation=np.stack([attenuation[i] for i in item_of]),
        owner=np.repeat(np.arange(len(item_of)), lanes),
        werner=np.concatenate([item.werner for item in items]),
    )
    return inputs, np.concatenate([np.arange(count) % circuit.outputs for count in lanes])


class _Mitigation(NamedTuple):
    """How an item's loss of contrast is mitigated.

    attenuation: of the circuits to run, (n + 1,). cost: outcomes have 1/cost of their mean. assumed: contrast by which
    the gradient is divided.
    """

    attenuation: Floats
    cost: float
    assumed: float


@dataclass(frozen=True)
class _CircuitSampler:
    """Runs exactly the circuits that are asked for, each setting once with all of its shots."""

    circuit: VariationalCircuit
    run: OutcomeSampler
    item: GradientInputs
    seeds: np.random.Generator

    @property
    def shape(self) -> tuple[int, int, int]:
        """See `Sampler`."""
        return len(self.item.angles), self.circuit.outputs, self.circuit.parameter_count

    def __call__(self, circuits: Circuits, generator: np.random.Generator) -> Floats:
        """See `Sampler`. The outcomes of a setting come in random order."""
        _, outputs, count = self.shape
        key = (circuits.cell * (count + 1) + circuits.parameter + 1) * 2 + (circuits.sign > 0)
        settings, first, place, shots = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
        parameters = np.tile(self.item.parameters, (len(settings), 1))
        shifted = circuits.parameter[first] != UNSHIFTED
        rows = np.flatnonzero(shifted)
        parameters[rows, circuits.parameter[first][rows]] += np.pi / 2 * circuits.sign[first][rows]
        cell = circuits.cell[first]
        plus = self.run(
            self.circuit, self.item.angles[cell // outputs], parameters, cell % outputs, noise=self.item.noise,
            attenuation=self.item.attenuation, shots=shots, seed=int(self.seeds.integers(2**31)),
        )  # fmt: skip
        order = np.lexsort((generator.random(len(place)), place))
        starts = np.cumsum(shots) - shots
        rank = np.empty(len(place), np.int64)
        rank[order] = np.arange(len(place)) - starts[place[order]]
        return np.where(rank < plus[place], 1.0, -1.0)
