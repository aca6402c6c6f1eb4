"""The making of Bell pairs: heralded emission, dark counts, the single-click scheme, and how many attempts it takes.

Vectorised over arrays by broadcasting; scalars give scalars; ValueError, in one line, for what cannot be.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ceas_ray.quantum.bell_checks import Floats, bell_weights, chances, fidelities, probabilities, scalar_if_0d, times

# --- emission ----------------------------------------------------------


def heralded_probability(signal: ArrayLike, dark_count: ArrayLike) -> Any:
    """Return the probability that an attempt is heralded, by its signal or else by a dark count."""
    light, dark = probabilities("signal probability", signal), probabilities("dark count probability", dark_count)
    return scalar_if_0d(light + (1 - light) * dark)


def _dark_share(signal: ArrayLike, dark_count: ArrayLike) -> Floats:
    heralded = chances("probability of a herald", heralded_probability(signal, dark_count))
    light, dark = np.asarray(signal, dtype=np.float64), np.asarray(dark_count, dtype=np.float64)
    return (1 - light) * dark / heralded


def heralded_fidelity(fidelity: ArrayLike, signal: ArrayLike, dark_count: ArrayLike) -> Any:
    """Return the fidelity at emission when a dark count heralds a maximally mixed pair: it falls with the fibre's loss.

    That is exact for two-photon schemes, whose photons are each maximally entangled with their emitter (in
    polarization or time bins): a lost photon leaves its emitter mixed, and a photon that meets a dark count leaves its
    own in a state of which the herald says nothing. The single-click scheme has `single_click_state`.

    fidelity: of pairs that their signal heralds. signal, dark_count: probabilities per attempt (and mode), of a herald
    by both photons and of one without them. Both zero is refused: nothing is heralded.
    """
    pure = fidelities(fidelity)
    return scalar_if_0d(pure + _dark_share(signal, dark_count) * (0.25 - pure))


def heralded_state(weights: ArrayLike, signal: ArrayLike, dark_count: ArrayLike) -> Any:
    """Return what `heralded_fidelity` returns, for Bell-diagonal weights (..., 4)."""
    pure = bell_weights(weights)
    return pure + _dark_share(signal, dark_count)[..., None] * (0.25 - pure)


def single_click(bright_population: ArrayLike, efficiency: ArrayLike, dark_count: ArrayLike = 0.0) -> tuple[Any, Any]:
    """Return the fidelity and success probability of the single-click scheme with two number-resolving detectors.

    bright_population: alpha, of each emitter; efficiency: eta, that a photon is detected (one arm); dark_count: that
    either detector has a dark count in an attempt. Exactly one count is heralded. Without dark counts that is
    p = 2 alpha eta (1 - alpha eta), F = (1 - alpha) / (1 - alpha eta): for small eta about 2 alpha eta and 1 - alpha
    (Cabrillo et al., PRA 59, 1025, 1999; Humphreys et al., Nature 558, 268, 2018). With them see `single_click_parts`.
    """
    signal, dark = single_click_parts(bright_population, efficiency, dark_count)
    return scalar_if_0d(mixed_by_dark_counts(signal, dark)[..., 0]), scalar_if_0d(signal[1] + dark[1])


def single_click_state(bright_population: ArrayLike, efficiency: ArrayLike, dark_count: ArrayLike = 0.0) -> Any:
    """Return the weights (..., 4) of the single-click scheme; arguments as of `single_click`.

    A fidelity below 1/4 is possible, and what uses such a pair will refuse it.
    """
    return mixed_by_dark_counts(*single_click_parts(bright_population, efficiency, dark_count))


Part = tuple[Floats, Floats]
"""Weights (..., 4) of the pairs that something heralds, and the probability (...) per attempt that it does."""


def single_click_parts(bright_population: ArrayLike, efficiency: ArrayLike, dark_count: ArrayLike) -> tuple[Part, Part]:
    """Return the pairs that one photon heralds, and those that a dark count heralds alone.

    An emitter and its photon are sqrt(1 - alpha) |0, no photon> + sqrt(alpha) |1, photon>. One photon and no dark
    count: both emitters bright is the error, a bit flip of random phase. No photon and exactly one dark count: each
    emitter is by itself |1> with probability b = alpha (1 - eta) / (1 - alpha eta), and a lost photon leaves no phase.
    So the emitters are nearly in |00>, not maximally mixed: after the correction by X, that bright emitters would need
    too, Phi+ and Phi- have the weight b (1 - b) each, Psi+ and Psi- half of the rest (Bell-diagonal part). A photon
    with a dark count, and two of either, make two counts and are not heralded. dark_count D is of two alike detectors:
    of p_d = 1 - sqrt(1 - D) each. Derived here from the scheme of Cabrillo et al. (as of `single_click`).
    """
    alpha, eta = probabilities("bright population", bright_population), probabilities("efficiency", efficiency)
    darkness = probabilities("dark count probability", dark_count)
    seen = alpha * eta
    if np.any(seen >= 1):
        raise ValueError("bright population times efficiency must be below 1 (or never one photon alone), got 1.0")
    of_each = darkness / (1 + np.sqrt(1 - darkness))
    kept, bright = (1 - alpha) / (1 - seen), alpha * (1 - eta) / (1 - seen)
    rest, odd = (1 - kept) / 2, bright * (1 - bright)
    clicked = np.stack([kept, rest, rest, np.zeros_like(kept)], axis=-1)
    dark = np.stack([odd, 0.5 - odd, 0.5 - odd, odd], axis=-1)
    return (clicked, 2 * seen * (1 - seen) * (1 - darkness)), (dark, (1 - seen) ** 2 * (darkness - of_each**2))


def mixed_by_dark_counts(signal: Part, dark: Part) -> Any:
    """Return the weights of all heralded pairs; those of the signal where nothing is ever heralded."""
    heralded = signal[1] + dark[1]
    share = np.divide(dark[1], heralded, out=np.zeros_like(heralded), where=heralded > 0)
    return signal[0] + share[..., None] * (dark[0] - signal[0])


# --- attempts ----------------------------------------------------------


def expected_attempts(success: ArrayLike) -> Any:
    """Return the mean number of attempts until one succeeds, 1 / p (geometric); times the period: the mean time."""
    return 1 / chances("success probability", success)


def attempts_deviation(success: ArrayLike) -> Any:
    """Return the standard deviation of the number of attempts, sqrt(1 - p) / p."""
    p = chances("success probability", success)
    return np.sqrt(1 - p) / p


def success_within(success: ArrayLike, attempts: ArrayLike) -> Any:
    """Return the probability that at least one of the attempts succeeds, 1 - (1 - p)^attempts."""
    return scalar_if_0d(1 - _fails(probabilities("success probability", success), times("attempts", attempts)))


def two_link_attempts(success: ArrayLike, swap_success: ArrayLike = 1.0) -> Any:
    """Return the mean number of rounds until two links, tried at the same time, both have a pair: (3 - 2 p) / (p (2 -
    p)).

    A swap that works with probability `swap_success`, and loses both pairs if not, divides it by that.
    """
    p, q = chances("success probability", success), chances("swap success probability", swap_success)
    return (3 - 2 * p) / (p * (2 - p)) / q


def two_link_attempts_with_cutoff(success: ArrayLike, cutoff: ArrayLike, swap_success: ArrayLike = 1.0) -> Any:
    """Return `two_link_attempts`, where the early pair lives `cutoff` further attempts, then both links restart.

    With q = 1 - p, P = 1 - q^2 (someone succeeds), a = p^2 / P (both do), b = 2 p q / P (one does): a try lasts
    1 / P + b (1 - q^m) / p rounds and ends well with probability a + b (1 - q^m). m = infinity: no cut-off.
    """
    p, q = chances("success probability", success), chances("swap success probability", swap_success)
    someone = p * (2 - p)
    both, one = p**2 / someone, 2 * p * (1 - p) / someone
    in_time = 1 - _fails(p, times("cutoff", cutoff))
    return scalar_if_0d((1 / someone + one * in_time / p) / (both + one * in_time) / q)


def _fails(p: Floats, attempts: Floats) -> Floats:
    """Return (1 - p)^attempts."""
    return (1 - p) ** attempts
