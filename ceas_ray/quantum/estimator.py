"""Gradients from outcomes of circuits: exact, by full parameter shift, and doubly stochastic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum.loss import Loss

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
UNSHIFTED = -1
"""In place of a parameter: the circuit runs without a shift."""


@dataclass(frozen=True)
class Circuits:
    """Requests for single shots, one entry each: cell (sample times K + output), parameter (or UNSHIFTED), sign +-1.

    The parameter is that of an angle that shifts by +-pi/2. With `slopes` it is the number of such an angle, of which
    several may depend on one parameter of the model.
    """

    cell: Integers
    parameter: Integers
    sign: Floats


class Sampler(Protocol):
    """Draws outcomes of circuits."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(B, K, P): samples, outputs, parameters that shift."""

    def __call__(self, circuits: Circuits, generator: np.random.Generator) -> Floats:
        """Return the outcome of each circuit, +-1."""


@dataclass(frozen=True)
class TableSampler:
    """Draws from exact values: values (B, K); first, second (B, K, P) as `ShiftedValues`; visibility (K,): 1 - 2 r, or
    whatever else separates a value from the mean outcome."""

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
    """A gradient (P,) and an estimate of the variance that shots leave in it, summed over the coordinates.

    Each estimator states what its variance includes; 0 for the exact gradient, infinite where nothing can be said.
    """

    gradient: Floats
    variance: float


def exact_gradient(
    values: Floats, first: Floats, targets: Floats, loss: Loss, *, slopes: Floats | None = None
) -> Floats:
    """Return the gradient of the mean loss with infinitely many shots, shape (P,).

    values, targets (B, K); first (B, K, P), or by the angles that shift, (B, K, R), with slopes, see
    `doubly_stochastic_gradient`.
    """
    slope = loss.slope(values, targets)
    if slopes is None:
        return np.einsum("bk,bkp->p", slope, first) / len(values)
    return _by_parameter(np.einsum("bk,bkr->br", slope, first), slopes).sum(axis=0) / len(values)


def _by_parameter(by_angle: Floats, slopes: Floats) -> Floats:
    """Return the chain rule: (samples, ..., R) by angle and slopes (samples or 1, R, P) -> (samples, ..., P)."""
    of_samples = np.broadcast_to(slopes, (len(by_angle), *slopes.shape[1:]))
    return np.einsum("b...r,brp->b...p", by_angle, of_samples)


def doubly_stochastic_gradient(
    sampler: Sampler, targets: Floats, *, loss: Loss, usable: NDArray[np.bool_], forward_circuits: int,
    contrast: float | Floats, generator: np.random.Generator, slopes: Floats | None = None,
) -> Estimate:  # fmt: skip
    """Return an estimate of the gradient from single-shot circuits (doubly stochastic, arXiv 1910.01155).

    targets (B, K). usable (circuits,): whether the circuit's pairs came in time; what is not usable is left out after
    the draws, which therefore do not depend on it. A random permutation picks `forward_circuits` circuits that estimate
    z, in rotation over the cells (b, k); each other circuit draws (b, k, parameter i, sign s) uniformly and adds
    K P slope_bk s o to coordinate i, where o = +-1 is its outcome and slope_bk the loss's at the cell's mean forward
    outcome. Unbiased for the squared loss, because forward and shifted shots are independent and E[s o] / 2 over the
    sign is half of the derivative. A cell without a usable forward circuit has no slope: its shifted circuits are left
    out. Outcomes are divided by `contrast`, of all outputs or of each (K,) (1: nothing is mitigated). Where the true
    contrast differs between Pauli weights that is biased; with the exact contrast it is still an approximation (4 % at
    a fidelity of .97). slopes (B or 1, R, P): d angle_r / d theta_i where R angles shift that parameters share: then a
    circuit shifts angle r and adds its term times that slope to every coordinate i (the chain rule).

    The variance is that of the shifted circuits, given the forward outcomes: the sample variance of the terms over
    their number, without bias for every loss and any number of circuits from two on (infinite for one). What the
    forward outcomes leave in the slopes is not in it: less than 1 % more with the default numbers of circuits, and
    the larger part where there are few forward and many shifted circuits.
    """
    samples, outputs, parameters = sampler.shape
    cells, order = samples * outputs, generator.permutation(len(usable))
    forward, shifted = order[:forward_circuits], order[forward_circuits:]
    mean, shots = _forward_means(sampler, usable[forward], generator)
    of_cell = _of_cells(contrast, samples, outputs)
    slope = loss.slope((mean / of_cell).reshape(samples, outputs), targets).reshape(cells)
    cell = generator.integers(cells, size=len(shifted))
    parameter = generator.integers(parameters, size=len(shifted))
    sign = np.where(generator.random(len(shifted)) < 0.5, 1.0, -1.0)
    outcome = sampler(Circuits(cell, parameter, sign), generator)
    counted = usable[shifted] & (shots[cell] > 0)
    count = np.count_nonzero(counted)
    if count == 0:
        return Estimate(np.zeros(parameters if slopes is None else slopes.shape[2]), np.inf)
    terms = outputs * parameters * slope[cell] * sign * outcome / of_cell[cell] * counted
    total, squares = _summed(terms, parameter, cell // outputs, slopes=slopes, shape=(samples, parameters))
    spread = float(squares / count - np.sum((total / count) ** 2))
    return Estimate(total / count, spread / (count - 1) if count > 1 else np.inf)


def _summed(
    terms: Floats, parameter: Integers, sample: Integers, *, slopes: Floats | None, shape: tuple[int, int]
) -> tuple[Floats, float]:
    """Return the sum of the terms of circuits as vectors over the parameters of the model, and that of their squared
    lengths.

    shape: (samples, parameters that shift).
    """
    if slopes is None:
        by_parameter = np.bincount(parameter, weights=terms, minlength=shape[1])
        return np.asarray(by_parameter, np.float64), np.sum(terms**2)
    place = sample * shape[1] + parameter
    by_angle = np.bincount(place, weights=terms, minlength=shape[0] * shape[1]).reshape(shape)
    lengths = np.broadcast_to(np.sum(slopes**2, axis=2), shape).reshape(-1)
    total = _by_parameter(np.asarray(by_angle, np.float64), slopes).sum(axis=0)
    return total, np.sum(terms**2 * lengths[place])


def _of_cells(contrast: float | Floats, samples: int, outputs: int) -> Floats:
    """Return the contrast of every cell, (cells,), from that of all outputs, or of each (K,)."""
    return np.tile(np.broadcast_to(contrast, outputs), samples)


def _forward_means(
    sampler: Sampler, usable: NDArray[np.bool_], generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Run one circuit without a shift for each entry of `usable`, in rotation over the cells.

    Return the mean outcome of each cell, and how many usable shots it had, (cells,) each.
    """
    samples, outputs, _ = sampler.shape
    cells, circuits = samples * outputs, len(usable)
    cell = (np.arange(circuits) + generator.integers(cells)) % cells
    unshifted = Circuits(cell, np.full(circuits, UNSHIFTED), np.zeros(circuits))
    outcome = sampler(unshifted, generator) * usable
    shots: Floats = np.bincount(cell, weights=usable, minlength=cells).astype(np.float64, copy=False)
    total = np.bincount(cell, weights=outcome, minlength=cells)
    return total / np.maximum(shots, 1), shots


def full_shift_circuits(samples: int, outputs: int, parameters: int) -> int:
    """Return the fewest circuits of a full parameter shift: one shot of every cell unshifted, and of every shift by
    +-pi/2.
    """
    return samples * outputs * (1 + 2 * parameters)


def full_shift_gradient(
    sampler: Sampler, targets: Floats, *, loss: Loss, usable: NDArray[np.bool_], contrast: float | Floats,
    generator: np.random.Generator, slopes: Floats | None = None,
) -> Estimate:  # fmt: skip
    """Return an estimate of the gradient by the parameter-shift rule (Mitarai et al., PRA 98, 2018) on every cell.

    Circuits are dealt in rotation to the settings (cell; unshifted, or a parameter with its sign), in random order, so
    that all have the same number of shots up to one; `usable` as above. dz/dtheta_i = (z_i+ - z_i-) / 2. Coordinate i
    averages over the cells of which all three values have a usable shot; without any it is 0. contrast and slopes as in
    `doubly_stochastic_gradient`; a parameter of several angles counts cells of which all of them are known.

    The variance is the whole of it, of unshifted and shifted shots and of which cells are left out. It is unbiased for
    the squared loss and at least two shots a setting; otherwise it is on average not too small, see `_term_variances`.
    """
    samples, outputs, parameters = sampler.shape
    cells, settings = samples * outputs, 1 + 2 * parameters
    place = generator.permutation(len(usable)) % (cells * settings)
    cell, setting = place // settings, place % settings
    parameter = np.where(setting == 0, UNSHIFTED, (setting - 1) // 2)
    outcome = sampler(Circuits(cell, parameter, np.where(setting % 2 == 1, 1.0, -1.0)), generator) * usable
    shots = np.bincount(place, weights=usable, minlength=cells * settings).reshape(cells, settings)
    total = np.bincount(place, weights=outcome, minlength=cells * settings).reshape(cells, settings)
    of_cell = _of_cells(contrast, samples, outputs)[..., None]
    mean = total / np.maximum(shots, 1) / of_cell
    slope = loss.slope(mean[:, 0].reshape(samples, outputs), targets).reshape(cells, 1)
    seen = _Shots(np.asarray(shots, np.float64), mean, of_cell)
    found = _Derivatives.of(seen, slopes, targets.shape)
    terms = slope * found.mean
    of_terms = _term_variances(seen, found, targets, loss=loss, terms=terms)
    variance = outputs**2 * _variance_of_means(terms, of_terms, found.known)
    count = np.maximum(found.known.sum(axis=0), 1)
    return Estimate(outputs * terms.sum(axis=0) / count, variance if found.known.any() else np.inf)


class _Shots(NamedTuple):
    """Usable shots and their mean outcomes over the contrast, each (cells, settings); setting 0 has no shift.

    contrast: (cells, 1).
    """

    usable: Floats
    mean: Floats
    contrast: Floats

    def variances(self) -> Floats:
        """Return the unbiased variances of the means (cells, settings); 0 for one shot, of which nothing can be
        said.
        """
        return (1 / self.contrast**2 - self.mean**2) / np.maximum(self.usable - 1, 1)


class _Derivatives(NamedTuple):
    """Derivatives of cells by parameters and their variances, 0 where unknown; which are known; and which of those a
    setting with a single shot has a part in, (cells, P) each."""

    mean: Floats
    variance: Floats
    known: NDArray[np.bool_]
    single: NDArray[np.bool_]

    @classmethod
    def of(cls, shots: _Shots, slopes: Floats | None, shape: tuple[int, ...]) -> _Derivatives:
        """Return the derivatives from shots at all settings; slopes as in `doubly_stochastic_gradient`; shape (B,
        K).
        """
        usable, mean, variances = shots.usable, shots.mean, shots.variances()
        known = (usable[:, :1] > 0) & (usable[:, 1::2] > 0) & (usable[:, 2::2] > 0)
        single = (usable[:, 1::2] == 1) | (usable[:, 2::2] == 1)
        derivative = (mean[:, 1::2] - mean[:, 2::2]) / 2 * known
        variance = (variances[:, 1::2] + variances[:, 2::2]) / 4 * known
        if slopes is None:
            return cls(derivative, variance, known, single)

        def chained(by_angle: Any, factors: Floats) -> Floats:
            return _by_parameter(np.reshape(by_angle, (*shape, -1)), factors).reshape(len(known), -1)

        touched = (slopes != 0).astype(np.float64)
        known_all = chained((~known).astype(np.float64), touched) == 0
        return cls(
            chained(derivative, slopes) * known_all,
            chained(variance, slopes**2) * known_all,
            known_all,
            chained(single.astype(np.float64), touched) > 0,
        )


def _variance_of_means(terms: Floats, of_terms: Floats, known: NDArray[np.bool_]) -> float:
    """Return the variance of the means over known cells of terms (cells, P) with variances of_terms, summed over P.

    Which n of the N cells are known is a matter of chance: they are a sample in two stages, so that the variance is
    (1 - n/N) S^2 / n + (n/N) (mean of_terms) / n, S^2 the sample variance of the terms (Cochran, Sampling Techniques,
    1977, chapter 10). Of one known cell the square of its term stands for S^2. A coordinate without a known cell is 0
    and adds nothing.
    """
    cells, count = len(terms), known.sum(axis=0)
    some = np.maximum(count, 1)
    about = np.where(count > 1, terms - terms.sum(axis=0) / some, terms) * known
    spread = np.sum(about**2, axis=0) / np.maximum(count - 1, 1)
    share = count / cells
    return float(np.sum(((1 - share) * spread + share * of_terms.sum(axis=0) / some) / some))


def _term_variances(shots: _Shots, found: _Derivatives, targets: Floats, *, loss: Loss, terms: Floats) -> Floats:
    """Return the estimates of the variances of the terms t = s d of a full shift, (cells, P).

    The slope s comes from the unshifted shots, the derivative d from the shifted ones, so they are independent:
    Var(t) = E[s^2] Var(d) + Var(s) E[d]^2. Variances of d come from its shots, those of s from a jackknife over shots
    (`_slope_moves`): the estimate is unbiased for the squared loss and, as jackknives are (Efron and Stein, Ann. Stat.
    9, 1981), on average not too small for others. What an output's shots do to all slopes of its sample is booked at
    that output's cell. A setting with a single shot shows no variance: then t^2, of mean Var(t) + E[t]^2, stands for
    Var(t). That is never too small on average, and too large by the square of the true term.
    """
    samples, outputs = targets.shape
    slope = loss.slope(shots.mean[:, 0].reshape(samples, outputs), targets).reshape(-1, 1)
    moves, alone = _slope_moves(shots, targets, loss)
    per_sample = samples, outputs, -1
    moved = np.einsum("bjk,bkp->bjp", moves, found.mean.reshape(per_sample)) ** 2
    moved -= np.einsum("bjk,bkp->bjp", moves**2, found.variance.reshape(per_sample))
    single = alone.reshape(-1, 1) | found.single
    return np.where(single, terms**2, slope**2 * found.variance + moved.reshape(terms.shape))


def _slope_moves(shots: _Shots, targets: Floats, loss: Loss) -> tuple[Floats, NDArray[np.bool_]]:
    """Return how far the slopes move with the unshifted outcomes, by the jackknife over single shots.

    moves (B, K, K): [b, j, k] squared and summed over j is the variance of the slope of output k. Leaving out one of n
    outcomes of output j of which a share q is +1 gives one of two slopes, with the sum of squares n q (1 - q) D^2 about
    its mean, D their difference: the variance is (n - 1) q (1 - q) D^2. alone (B, K): slopes that depend on an output
    with a single shot, of which the jackknife says nothing.
    """
    samples, outputs = targets.shape
    count, mean = (part[:, 0].reshape(samples, outputs) for part in (shots.usable, shots.mean))
    contrast = shots.contrast.reshape(samples, outputs)
    step, others = 1 / contrast, np.maximum(count - 1, 1)
    share = (1 + mean * contrast) / 2
    moves, alone = np.zeros((samples, outputs, outputs)), np.zeros((samples, outputs), bool)
    for j in range(outputs):
        less, more = mean.copy(), mean.copy()
        less[:, j] = (count * mean - step)[:, j] / others[:, j]
        more[:, j] = (count * mean + step)[:, j] / others[:, j]
        difference = loss.slope(more, targets) - loss.slope(less, targets)
        moves[:, j] = np.sqrt((count - 1).clip(0) * share * (1 - share))[:, j, None] * difference
        alone |= (count[:, j, None] == 1) & (difference != 0)
    return moves, alone


def inverse_channel_cost(werner: float) -> float:
    """Return gamma: the l1 norm of the quasi-probabilities that invert a Werner pair's depolarizing of one qubit.

    The inverse is (1 + 3/w)/4 rho + (1 - 1/w)/4 (X rho X + Y rho Y + Z rho Z) (Temme, Bravyi, Gambetta, PRL 119, 2017),
    so gamma = (3/w - 1)/2. An outcome times the sign of its Pauli is +-1 with mean z / gamma^n: cancelling
    all errors costs gamma^(2 n) in variance.
    """
    return (3 / werner - 1) / 2
