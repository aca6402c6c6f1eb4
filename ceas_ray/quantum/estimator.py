"""Gradients from outcomes of circuits: exact, by full parameter shift, and doubly stochastic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum.loss import Loss

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
UNSHIFTED = -1
"""In place of a parameter: the circuit runs without a shift."""


@dataclass(frozen=True)
class Circuits:
    """Requests for single shots, one entry each: cell (sample times K + output), parameter (or UNSHIFTED), sign +-1."""

    cell: Integers
    parameter: Integers
    sign: Floats


class Sampler(Protocol):
    """Draws outcomes of circuits."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(B, K, P): samples, outputs, parameters."""

    def __call__(self, circuits: Circuits, generator: np.random.Generator) -> Floats:
        """The outcome of each circuit, +-1."""


@dataclass(frozen=True)
class TableSampler:
    """Draws from exact values: values (B, K); first, second (B, K, P) as `ShiftedValues`; visibility (K,): 1 - 2 r."""

    values: Floats
    first: Floats
    second: Floats
    visibility: Floats

    @property
    def shape(self) -> tuple[int, int, int]:
        """See `Sampler`."""
        samples, outputs, parameters = self.first.shape
        return samples, outputs, parameters

    def __call__(self, circuits: Circuits, generator: np.random.Generator) -> Floats:
        """See `Sampler`."""
        cells, (_, outputs, parameters) = circuits.cell, self.shape
        z = self.values.reshape(-1)[cells]
        shifted = circuits.parameter != UNSHIFTED
        place = cells[shifted], circuits.parameter[shifted]
        z[shifted] += self.second.reshape(-1, parameters)[place]
        z[shifted] += circuits.sign[shifted] * self.first.reshape(-1, parameters)[place]
        visible = self.visibility[cells % outputs] * z
        return np.where(generator.random(len(cells)) < (1 + visible) / 2, 1.0, -1.0)


class Estimate(NamedTuple):
    """A gradient (P,) and its variance from shots, summed over the coordinates, the slopes of the loss being given."""

    gradient: Floats
    variance: float


def exact_gradient(values: Floats, first: Floats, targets: Floats, loss: Loss) -> Floats:
    """The gradient of the mean loss with infinitely many shots, shape (P,). values, targets (B, K); first (B, K, P)."""
    return np.einsum("bk,bkp->p", loss.slope(values, targets), first) / len(values)


def doubly_stochastic_gradient(
    sampler: Sampler,
    targets: Floats,
    loss: Loss,
    usable: NDArray[np.bool_],
    forward_circuits: int,
    contrast: float,
    generator: np.random.Generator,
) -> Estimate:
    """An estimate of the gradient from single-shot circuits (doubly stochastic, arXiv 1910.01155).

    targets (B, K). usable (circuits,): whether the circuit's pairs came in time; what is not usable is left out after
    the draws, which therefore do not depend on it. A random permutation picks `forward_circuits` circuits that estimate
    z, in rotation over the cells (b, k); each other circuit draws (b, k, parameter i, sign s) uniformly and adds
    K P slope_bk s o to coordinate i, where o = +-1 is its outcome and slope_bk the loss's at the cell's mean forward
    outcome. Unbiased for the squared loss, because forward and shifted shots are independent and E[s o] / 2 over the
    sign is half of the derivative. A cell without a usable forward circuit has no slope: its shifted circuits are left
    out. Outcomes are divided by `contrast` (1: nothing is undone). Where the true contrast differs between Pauli
    weights that is biased; with the exact scalar it is still an approximation (DESIGN: 4 % at a fidelity of .97).
    """
    samples, outputs, parameters = sampler.shape
    cells, circuits = samples * outputs, len(usable)
    order = generator.permutation(circuits)
    forward, shifted = order[:forward_circuits], order[forward_circuits:]

    cell_of_forward = (np.arange(len(forward)) + generator.integers(cells)) % cells
    unshifted = Circuits(cell_of_forward, np.full(len(forward), UNSHIFTED), np.zeros(len(forward)))
    outcome = sampler(unshifted, generator) * usable[forward]
    shots = np.bincount(cell_of_forward, weights=usable[forward], minlength=cells)
    total = np.bincount(cell_of_forward, weights=outcome, minlength=cells)
    mean = total / np.maximum(shots, 1) / contrast
    slope = loss.slope(mean.reshape(samples, outputs), targets).reshape(cells)

    cell = generator.integers(cells, size=len(shifted))
    parameter = generator.integers(parameters, size=len(shifted))
    sign = np.where(generator.random(len(shifted)) < 0.5, 1.0, -1.0)
    outcome = sampler(Circuits(cell, parameter, sign), generator)
    counted = usable[shifted] & (shots[cell] > 0)
    count = np.count_nonzero(counted)
    if count == 0:
        return Estimate(np.zeros(parameters), np.inf)
    terms = outputs * parameters * slope[cell] * sign * outcome / contrast * counted
    gradient = np.bincount(parameter, weights=terms, minlength=parameters) / count
    spread = float(np.sum(terms**2) / count - np.sum(gradient**2))
    return Estimate(gradient, spread / (count - 1) if count > 1 else np.inf)


def full_shift_circuits(samples: int, outputs: int, parameters: int) -> int:
    """The fewest circuits of a full parameter shift: one shot of every cell unshifted, and of every shift by +-pi/2."""
    return samples * outputs * (1 + 2 * parameters)


def full_shift_gradient(
    sampler: Sampler,
    targets: Floats,
    loss: Loss,
    usable: NDArray[np.bool_],
    contrast: float,
    generator: np.random.Generator,
) -> Estimate:
    """An estimate of the gradient by the parameter-shift rule (Mitarai et al., PRA 98, 2018) on every cell.

    Circuits are dealt in rotation to the settings (cell; unshifted, or a parameter with its sign), in random order, so
    that all have the same number of shots up to one; `usable` as above. dz/dtheta_i = (z_i+ - z_i-) / 2. Coordinate i
    averages over the cells of which all three values have a usable shot; without any it is 0.
    """
    samples, outputs, parameters = sampler.shape
    cells, settings = samples * outputs, 1 + 2 * parameters
    place = generator.permutation(len(usable)) % (cells * settings)
    cell, setting = place // settings, place % settings
    parameter = np.where(setting == 0, UNSHIFTED, (setting - 1) // 2)
    outcome = sampler(Circuits(cell, parameter, np.where(setting % 2 == 1, 1.0, -1.0)), generator) * usable
    shots = np.bincount(place, weights=usable, minlength=cells * settings).reshape(cells, settings)
    total = np.bincount(place, weights=outcome, minlength=cells * settings).reshape(cells, settings)
    mean = total / np.maximum(shots, 1) / contrast
    slope = loss.slope(mean[:, 0].reshape(samples, outputs), targets).reshape(cells, 1)
    known = (shots[:, :1] > 0) & (shots[:, 1::2] > 0) & (shots[:, 2::2] > 0)
    count = np.maximum(known.sum(axis=0), 1)
    terms = slope * (mean[:, 1::2] - mean[:, 2::2]) / 2 * known
    of_mean = (1 / contrast**2 - mean**2) / np.maximum(shots - 1, 1)
    noise = slope**2 * (of_mean[:, 1::2] + of_mean[:, 2::2]) / 4 * known
    variance = float(np.sum(outputs**2 * noise.sum(axis=0) / count**2))
    return Estimate(outputs * terms.sum(axis=0) / count, variance if known.any() else np.inf)


def inverse_channel_cost(werner: float) -> float:
    """gamma: the l1 norm of the quasi-probabilities that invert a Werner pair's depolarizing of one qubit.

    The inverse is (1 + 3/w)/4 rho + (1 - 1/w)/4 (X rho X + Y rho Y + Z rho Z) (Temme, Bravyi, Gambetta, PRL 119, 2017),
    so gamma = (3/w - 1)/2. An outcome times the sign of its Pauli is +-1 with mean z / gamma^n: undoing exactly costs
    gamma^(2 n) in variance.
    """
    return (3 / werner - 1) / 2
