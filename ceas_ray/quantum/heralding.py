"""How Bell pairs come about: heralded emission, dark counts, the single-click scheme, and how many attempts it takes.

Vectorised over arrays by broadcasting; scalars give scalars; ValueError, in one line, for what cannot be.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ceas_ray.quantum.bell_checks import Floats, bell_weights, chances, fidelities, probabilities, scalar_if_0d, times

# --- emission ----------------------------------------------------------


def heralded_probability(signal: ArrayLike, dark_count: ArrayLike) -> Any:
    """Probability that an attempt is heralded: by its signal, or else by a dark count."""
    light, dark = probabilities("signal probability", signal), probabilities("dark count probability", dark_count)
    return scalar_if_0d(light + (1 - light) * dark)


def _dark_share(signal: ArrayLike, dark_count: ArrayLike) -> Floats:
    heralded = chances("probability of a herald", heralded_probability(signal, dark_count))
    light, dark = np.asarray(signal, dtype=np.float64), np.asarray(dark_count, dtype=np.float64)
    return (1 - light) * dark / heralded


def heralded_fidelity(fidelity: ArrayLike, signal: ArrayLike, dark_count: ArrayLike) -> Any:
    """Fidelity at emission when a dark click heralds a maximally mixed pair: it falls with the fibre's loss.

    fidelity: of pairs that their signal heralds. signal, dark_count: probabilities per attempt (and mode). Both zero is
    refused: nothing is heralded.
    """
    pure = fidelities(fidelity)
    return scalar_if_0d(pure + _dark_share(signal, dark_count) * (0.25 - pure))


def heralded_state(weights: ArrayLike, signal: ArrayLike, dark_count: ArrayLike) -> Any:
    """As `heralded_fidelity`, for Bell-diagonal weights."""
    pure = bell_weights(weights)
    return pure + _dark_share(signal, dark_count)[..., None] * (0.25 - pure)


def single_click(bright_population: ArrayLike, efficiency: ArrayLike) -> tuple[Any, Any]:
    """Fidelity and success probability of the single-click scheme with number-resolving detectors, no dark counts.

    bright_population: alpha, of each emitter; efficiency: eta, that a photon is detected (one arm). Exactly one photon
    must be: p = 2 alpha eta (1 - alpha eta), F = (1 - alpha) / (1 - alpha eta): for small eta about 2 alpha eta and
    1 - alpha (Cabrillo et al., PRA 59, 1025, 1999; Humphreys et al., Nature 558, 268, 2018).
    """
    alpha, eta = probabilities("bright population", bright_population), probabilities("efficiency", efficiency)
    seen = alpha * eta
    if np.any(seen >= 1):
        raise ValueError("bright population times efficiency must be below 1 (or never one photon alone), got 1.0")
    return scalar_if_0d((1 - alpha) / (1 - seen)), scalar_if_0d(2 * seen * (1 - seen))


def single_click_state(bright_population: ArrayLike, efficiency: ArrayLike) -> Any:
    """Weights of the single-click scheme: its error leaves both emitters bright, a bit flip of random phase.

    An error of more than 1/2 is not a pair: alpha must leave F at least 1/4, or what uses it will refuse.
    """
    kept = np.asarray(single_click(bright_population, efficiency)[0])
    rest = (1 - kept) / 2
    return np.stack([kept, rest, rest, np.zeros_like(kept)], axis=-1)


# --- attempts ----------------------------------------------------------


def expected_attempts(success: ArrayLike) -> Any:
    """Mean number of attempts until one succeeds, 1 / p (geometric); times the period: the mean time."""
    return 1 / chances("success probability", success)


def attempts_deviation(success: ArrayLike) -> Any:
    """Standard deviation of the number of attempts, sqrt(1 - p) / p."""
    p = chances("success probability", success)
    return np.sqrt(1 - p) / p


def success_within(success: ArrayLike, attempts: ArrayLike) -> Any:
    """Probability that one of so many attempts succeeds, 1 - (1 - p)^attempts."""
    return scalar_if_0d(1 - _fails(probabilities("success probability", success), times("attempts", attempts)))


def two_link_attempts(success: ArrayLike, swap_success: ArrayLike = 1.0) -> Any:
    """Mean number of rounds until two links, tried at the same time, both have a pair: (3 - 2 p) / (p (2 - p)).

    A swap that works with probability `swap_success`, and loses both pairs if not, divides it by that.
    """
    p, q = chances("success probability", success), chances("swap success probability", swap_success)
    return (3 - 2 * p) / (p * (2 - p)) / q


def two_link_attempts_with_cutoff(success: ArrayLike, cutoff: ArrayLike, swap_success: ArrayLike = 1.0) -> Any:
    """As `two_link_attempts`, when the early pair lives `cutoff` further attempts, then both links restart.

    With q = 1 - p, P = 1 - q^2 (someone succeeds), a = p^2 / P (both do), b = 2 p q / P (one does): a try lasts
    1 / P + b (1 - q^m) / p rounds and ends well with probability a + b (1 - q^m). m = infinity: no cut-off.
    """
    p, q = chances("success probability", success), chances("swap success probability", swap_success)
    someone = p * (2 - p)
    both, one = p**2 / someone, 2 * p * (1 - p) / someone
    in_time = 1 - _fails(p, times("cutoff", cutoff))
    return scalar_if_0d((1 / someone + one * in_time / p) / (both + one * in_time) / q)


def _fails(p: Floats, attempts: Floats) -> Floats:
    """(1 - p)^attempts."""
    return (1 - p) ** attempts
