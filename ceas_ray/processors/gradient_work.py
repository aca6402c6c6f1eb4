"""The heavy work of processors: gradients of many of them in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.streams import Streams
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.contrast import contrast, weight_profiles
from ceas_ray.quantum.estimator import doubly_stochastic_gradient
from ceas_ray.quantum.pauli_engine import ShiftedValues

GRADIENT = "gradient"

Engine = Callable[..., ShiftedValues]
"""`shifted_values` of the exact engine or of Aer: they have one signature."""


@dataclass(frozen=True)
class GradientWork:
    """Computes the work of kind `gradient`: one noisy, sampled gradient per processor.

    Inputs of one item: angles (B, n), targets (B, K), parameters (P,), noise (5,), shrink (n + 1,), usable
    (circuits,) bool, certified_werner (the tested Werner parameter of the link, or None to leave the contrast as it is)
    and the key of its stream (name, round_index). The output is {gradient (P,), contrast: float}.
    Each item's output depends on its own inputs alone, whatever it is packed with.
    """

    circuit: Circuit
    engine: Engine
    streams: Streams
    forward_circuits: int

    def __call__(self, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """All items' shifted values in one call of the engine, then each item's draws from its own stream."""
        lanes = self._lanes(items)
        values = self.engine(
            self.circuit,
            angles=np.concatenate([np.repeat(item["angles"], self.circuit.outputs, axis=0) for item in items]),
            parameters=np.stack([item["parameters"] for item in items]),
            noise=np.stack([item["noise"] for item in items]),
            shrink=np.stack([item["shrink"] for item in items]),
            owner=np.repeat(np.arange(len(items)), lanes),
            output=np.concatenate([np.arange(count) % self.circuit.outputs for count in lanes]),
        )
        ends = np.cumsum(lanes)
        return [
            self._gradient(item, values, slice(end - count, end), assumed)
            for item, count, end, assumed in zip(items, lanes, ends, self._assumed_contrasts(items), strict=True)
        ]

    def _lanes(self, items: Sequence[Mapping[str, Any]]) -> NDArray[np.int64]:
        return np.array([len(item["angles"]) * self.circuit.outputs for item in items])

    def _gradient(self, item: Mapping[str, Any], values: ShiftedValues, lanes: slice, assumed: float) -> dict[str, Any]:
        outputs, parameters = self.circuit.outputs, self.circuit.parameter_count
        gradient = doubly_stochastic_gradient(
            values.value[lanes].reshape(-1, outputs),
            values.first[lanes].reshape(-1, outputs, parameters),
            values.second[lanes].reshape(-1, outputs, parameters),
            item["targets"],
            float(item["noise"][4]),
            item["usable"],
            self.forward_circuits,
            assumed,
            self.streams.generator("processor", item["name"], "circuits", item["round_index"]),
        )
        return {"gradient": gradient, "contrast": assumed}

    def _assumed_contrasts(self, items: Sequence[Mapping[str, Any]]) -> list[float]:
        """The contrasts to divide by: from the certified Werner parameter w, m_s = w^s; 1 where nothing is undone."""
        certified = [item["certified_werner"] for item in items]
        if self.circuit.reuploaded or all(werner is None for werner in certified):
            return [1.0] * len(items)
        profiles = weight_profiles(
            self.circuit,
            np.stack([item["parameters"] for item in items]),
            np.stack([item["noise"] for item in items]),
            [item["angles"] for item in items],
        )
        powers = np.arange(self.circuit.qubits + 1)
        return [
            1.0 if werner is None else contrast(profile, werner**powers)
            for profile, werner in zip(profiles, certified, strict=True)
        ]
