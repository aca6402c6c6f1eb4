"""States of Bell pairs: how they decay, are swapped, purified and used. Vectorised over arrays by broadcasting.

A Werner pair is one fidelity F in [1/4, 1], or its Werner parameter w = (4 F - 1) / 3 (Werner, PRA 40, 4277, 1989).
A Bell-diagonal pair is four weights of shape (..., 4) in the order (Phi+, Psi-, Psi+, Phi-): the Paulis (I, Y, X, Z) on
one half of Phi+. Times are in seconds (or in any unit common to all of a call). Scalars give scalars. Arguments are
checked: ValueError, in one line.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ceas_ray.quantum import pair_physics
from ceas_ray.quantum.bell_checks import (
    Floats,
    bell_weights,
    fidelities,
    positive_times,
    probabilities,
    refuse,
    scalar_if_0d,
    times,
)

BELL_MEASUREMENT_WERNER = 0.98
"""What a Bell measurement multiplies w by, unless said otherwise: its gates and readouts err as depolarizing noise."""
_FOREVER = 1e300
"""An infinite age, such that a rate of 0 leaves everything."""


class Idling(NamedTuple):
    """The memory that holds one half of a pair: for how long it does, and its T1 and T2 (T2 <= 2 T1; by default it is
    perfect).

    All three may be arrays. T1 infinite: pure dephasing. T2 = 2 T1: pure amplitude damping.
    """

    age: ArrayLike
    t1: ArrayLike = np.inf
    t2: ArrayLike = np.inf


# --- Werner pairs and Bell-diagonal pairs ----------------------------------------------------------


def werner_parameter(fidelity: ArrayLike) -> Any:
    """Return w = (4 F - 1) / 3, in [0, 1]."""
    return pair_physics.werner_of_fidelity(fidelities(fidelity))


def fidelity_of_werner(werner: ArrayLike) -> Any:
    """Return F = (1 + 3 w) / 4, for w in [0, 1]."""
    return pair_physics.fidelity_of_werner(probabilities("Werner parameter", werner))


def werner_state(fidelity: ArrayLike) -> Any:
    """Return the weights of a Werner pair: F, and (1 - F) / 3 for each of the others."""
    return np.stack(pair_physics.werner_weights(fidelities(fidelity)), axis=-1)


def twirled_state(weights: ArrayLike) -> Any:
    """Return the Werner twirl (random bilateral rotations): the weight of Phi+ stays, the others become equal."""
    return np.stack(pair_physics.werner_weights(bell_weights(weights)[..., 0]), axis=-1)


def correlations(weights: ArrayLike) -> Any:
    """Return <XX>, <YY>, <ZZ> of a Bell-diagonal pair, shape (..., 3). Phi+ has (1, -1, 1)."""
    xx, minus_yy, zz = pair_physics.correlations_of_weights(*np.moveaxis(bell_weights(weights), -1, 0))
    return np.stack([xx, -minus_yy, zz], axis=-1)


def state_of_correlations(xx: ArrayLike, yy: ArrayLike, zz: ArrayLike) -> Any:
    """Return the weights (..., 4) of the Bell-diagonal pair with these correlations, each of shape (...).

    Raises ValueError if no state has them.
    """
    x, y, z = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in (xx, yy, zz)))
    weights = np.stack(pair_physics.weights_of_correlations(x, -y, z), axis=-1)
    return bell_weights(np.where((weights < 0) & (weights > -1e-12), 0.0, weights), "weights of these correlations")


def depolarized_fidelity(fidelity: ArrayLike, werner: ArrayLike = BELL_MEASUREMENT_WERNER) -> Any:
    """Return the fidelity after noise that multiplies w by `werner`, such as that of a Bell measurement."""
    return fidelity_of_werner(werner_parameter(fidelity) * probabilities("Werner factor", werner))


def depolarized_state(weights: ArrayLike, werner: ArrayLike = BELL_MEASUREMENT_WERNER) -> Any:
    """Return `depolarized_fidelity`, for Bell-diagonal weights: each moves towards 1/4."""
    return 0.25 + (bell_weights(weights) - 0.25) * probabilities("Werner factor", werner)[..., None]


# --- memories ----------------------------------------------------------


def _left_over(age: ArrayLike, coherence_time: ArrayLike, name: str = "coherence_time") -> Floats:
    """Return exp(-age / T), 1 for an infinite T whatever the age."""
    old, coherence = times("age", age), positive_times(name, coherence_time)
    with np.errstate(over="ignore", invalid="ignore"):
        exponent = np.where(np.isinf(coherence), 0.0, old / coherence)
    return np.asarray(pair_physics.survival(exponent))


def decayed_fidelity(fidelity: ArrayLike, age: ArrayLike, coherence_time: ArrayLike) -> Any:
    """Return 1/4 + (F - 1/4) exp(-age / T) after depolarizing memories.

    T is the pair's total coherence time: of one memory if one half decays alone, T / 2 for two memories of T each (see
    `pair_coherence_time`). Memories that begin at different times: apply it once for each.
    """
    return scalar_if_0d(0.25 + (fidelities(fidelity) - 0.25) * _left_over(age, coherence_time))


def decayed_state(weights: ArrayLike, age: ArrayLike, coherence_time: ArrayLike) -> Any:
    """Return `decayed_fidelity`, for Bell-diagonal weights: each decays towards 1/4."""
    return 0.25 + (bell_weights(weights) - 0.25) * _left_over(age, coherence_time)[..., None]


def pair_coherence_time(first: ArrayLike, second: ArrayLike) -> Any:
    """Return the coherence time T of a pair in two depolarizing memories: 1/T = 1/T_1 + 1/T_2."""
    one, other = positive_times("first coherence_time", first), positive_times("second coherence_time", second)
    with np.errstate(divide="ignore", over="ignore"):
        return scalar_if_0d(1 / (1 / one + 1 / other))


def dephased_state(weights: ArrayLike, age: ArrayLike, coherence_time: ArrayLike) -> Any:
    """Return the weights after dephasing memories: <XX> and <YY> are multiplied by exp(-age / T2), and <ZZ> stays.

    T2 is the pair's, of one memory if one half dephases alone, T2 / 2 for two memories of T2 each.
    """
    return _phase_kept(weights, _left_over(age, coherence_time))


def dephased_by_attempts(weights: ArrayLike, attempts: ArrayLike, probability: ArrayLike) -> Any:
    """Return a stored pair after entangling attempts that each erase its phase with this probability.

    Erasing is a phase flip half of the time, so <XX> and <YY> are multiplied by (1 - p)^attempts.
    """
    left = pair_physics.phase_left(times("attempts", attempts), probabilities("probability", probability))
    return _phase_kept(weights, left)


def _phase_kept(weights: ArrayLike, kept: Floats) -> Any:
    """Exchange a share (1 - kept) / 2 of Phi+ with Phi-, and of Psi+ with Psi-."""
    state = bell_weights(weights)
    flipped, share = state[..., [3, 2, 1, 0]], (1 - kept)[..., None] / 2
    return state + share * (flipped - state)


def relaxed_state(weights: ArrayLike, first: Idling, second: Idling) -> Any:
    """Return the weights after T1/T2 memories (amplitude damping and dephasing), one for each half, twirled to
    Bell-diagonal.

    <XX>, <YY> times b_1 b_2; <ZZ> -> a_1 a_2 <ZZ> + (1 - a_1)(1 - a_2); a = exp(-t / T1), b = exp(-t / T2) (Nielsen and
    Chuang, 8.3). Count ages from emission in one call: because of the twirl, two calls do not compose when T1 matters.
    """
    state = bell_weights(weights)
    xx, yy, zz = pair_physics.correlations_of_weights(*np.moveaxis(state / state.sum(axis=-1, keepdims=True), -1, 0))
    pair = pair_physics.Pair(xx, yy, zz, 0.0, 0.0)
    (start, start_age), (end, end_age) = _rates(first), _rates(second)
    left = pair_physics.aged(pair, start, start_age, end, end_age)
    return state_of_correlations(left.xx, -left.yy, left.zz)


def _rates(memory: Idling) -> tuple[pair_physics.Rates, Floats]:
    """Return the memory's rates and age; whatever the age, nothing decays in an infinite time."""
    age, t1, t2 = memory
    slow, fast = positive_times("t1", t1), positive_times("t2", t2)
    if not np.all(fast <= 2 * slow * (1 + 1e-12)):
        refuse("t2", "be at most 2 t1", (t1, t2))
    with np.errstate(over="ignore"):
        phase, population = 1 / fast, 1 / slow
    return pair_physics.Rates(phase, phase, population, population), np.minimum(times("age", age), _FOREVER)


def cutoff_age(initial: ArrayLike, min_fidelity: ArrayLike, coherence_time: ArrayLike) -> Any:
    """Return the age at which the fidelity has fallen to `min_fidelity`.

    It is -T ln((min_fidelity - 1/4) / (initial - 1/4)), the inverse of `decayed_fidelity`.
    `min_fidelity` must lie in (1/4, initial]: at 1/4 it would never be reached.
    """
    start, end = fidelities(initial, "initial fidelity"), fidelities(min_fidelity, "minimum fidelity")
    coherence = positive_times("coherence_time", coherence_time)
    if np.any(end > start) or np.any(end <= 0.25):
        refuse("minimum fidelity", f"lie in (0.25, initial fidelity {initial!r}]", min_fidelity)
    periods = np.log((start - 0.25) / (end - 0.25))
    with np.errstate(invalid="ignore"):
        return scalar_if_0d(np.where(periods == 0, 0.0, coherence * periods))


# --- swapping ----------------------------------------------------------


def swapped_fidelity(first: ArrayLike, second: ArrayLike) -> Any:
    """Return the fidelity after ideal entanglement swapping of two Werner pairs: w = w_1 w_2."""
    return fidelity_of_werner(werner_parameter(first) * werner_parameter(second))


def swapped_state(first: ArrayLike, second: ArrayLike) -> Any:
    """Return the weights after ideal swapping of Bell-diagonal pairs: their errors, as Paulis (I, Y, X, Z in our
    order), multiply.
    """
    a, b = bell_weights(first, "first weights"), bell_weights(second, "second weights")
    return np.stack([sum(a[..., i] * b[..., i ^ k] for i in range(4)) for k in range(4)], axis=-1)


def swapped_after_waiting(
    first: ArrayLike,
    second: ArrayLike,
    *,
    first_age: ArrayLike,
    second_age: ArrayLike,
    correction_delay: ArrayLike = 0.0,
    end_coherence_time: ArrayLike,
    middle_coherence_time: ArrayLike,
    bell_measurement: ArrayLike = BELL_MEASUREMENT_WERNER,
) -> Any:
    """Return the fidelity of an end-to-end pair when its correction arrives; all memories depolarize.

    The pairs have these ages at the swap; one memory of each is an end's, the other is in the middle; the measurement
    multiplies w by `bell_measurement`; then both ends idle for `correction_delay` (L / c to the farther one).
    """
    each = pair_coherence_time(end_coherence_time, middle_coherence_time)
    ready = swapped_fidelity(decayed_fidelity(first, first_age, each), decayed_fidelity(second, second_age, each))
    ends = pair_coherence_time(end_coherence_time, end_coherence_time)
    return decayed_fidelity(depolarized_fidelity(ready, bell_measurement), correction_delay, ends)


# --- purification ----------------------------------------------------------


def bbpssw(first: ArrayLike, second: ArrayLike) -> tuple[Any, Any]:
    """Return the fidelity (after a twirl) and success probability of purifying two Werner pairs into one.

    Bennett et al., PRL 76, 722 (1996). A further round must twirl first; without the twirl see `dejmps`.
    """
    fidelity, success = pair_physics.bbpssw(fidelities(first, "first fidelity"), fidelities(second, "second fidelity"))
    return scalar_if_0d(np.clip(fidelity, 0.25, 1.0)), scalar_if_0d(np.minimum(success, 1.0))


def dejmps(first: ArrayLike, second: ArrayLike) -> tuple[Any, Any]:
    """Return the state (..., 4) and success probability (...) of purifying two Bell-diagonal pairs into one.

    Deutsch et al., PRL 77, 2818 (1996), for unequal pairs. Where the two can never agree, success is 0 and the state is
    given as maximally mixed.
    """
    weights, success = pair_physics.dejmps(
        np.moveaxis(bell_weights(first, "first weights"), -1, 0),
        np.moveaxis(bell_weights(second, "second weights"), -1, 0),
    )
    kept = np.stack(weights, axis=-1)
    total = kept.sum(axis=-1, keepdims=True)
    possible = total > 0
    state = np.where(possible, kept / np.where(possible, total, 1.0), 0.25)
    return state, scalar_if_0d(np.minimum(success, 1.0))


# --- what a pair is good for ----------------------------------------------------------


def teleportation_fidelity(fidelity: ArrayLike) -> Any:
    """Return the average fidelity of teleporting a qubit, (2 F + 1) / 3 (Horodecki, PRA 60, 1888, 1999)."""
    return (2 * fidelities(fidelity) + 1) / 3


def teleported_gate_fidelity(fidelity: ArrayLike) -> Any:
    """Return the average fidelity of a teleported CX or CZ with ideal local gates, (4 F + 1) / 5; its entanglement
    fidelity is F.
    """
    return (4 * fidelities(fidelity) + 1) / 5


def chsh_value(fidelity: ArrayLike) -> Any:
    """Return the greatest CHSH value of a Werner pair, 2 sqrt(2) w: above 2 (local models) for F > .780330086."""
    return 2 * np.sqrt(2) * werner_parameter(fidelity)
