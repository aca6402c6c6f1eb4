"""Bounds on the loss that training can reach with processors of unequal noise.

**Statement.** Let f be L-smooth with least value f*, and let it obey the Polyak-Lojasiewicz inequality
|grad f|^2 >= 2 mu (f - f*). Descent takes theta' = theta - eta (grad f + b + e), 0 < eta <= 1/L, with a bias of norm at
most |b| and noise e of mean 0 and E|e|^2 <= V, where V = sum_k w_k^2 v_k for independent processors of weight w_k and
variance v_k. Then
    E f_T - f* <= (1 - eta mu)^T (f_0 - f*) + eta L V / (2 mu) + |b|^2 / (2 mu).

**Derivation.** Smoothness gives f(theta') <= f - eta <grad f, grad f + b + e> + (L eta^2 / 2) |grad f + b + e|^2. Take
the mean over e: E f(theta') <= f - eta <grad f, grad f + b> + (L eta^2 / 2)(|grad f + b|^2 + V). With L eta <= 1 and
-<g, g + b> + |g + b|^2 / 2 = -|g|^2 / 2 + |b|^2 / 2, this is at most f - (eta/2) |grad f|^2 + (eta/2) |b|^2 +
(L eta^2 / 2) V. The inequality of Polyak and Lojasiewicz makes it, for D = E f - f*,
    D' <= (1 - eta mu) D + eta |b|^2 / 2 + L eta^2 V / 2,
whose geometric sum is the statement. (Karimi, Nutini and Schmidt, ECML 2016, have it for V alone.)

A quantum neural network is smooth, but no mu is known for it: the statement is not claimed there; its excess loss is
measured by `noisy_descent`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def loss_bound(
    excess: float, *, smoothness: float, growth: float, step: float, variance: float, bias: float, steps: int
) -> float:
    """Return the right side of the statement: excess f_0 - f*, L, mu, eta, V, |b|, T.

    Raises ValueError where it does not hold.
    """
    if not (0 < growth <= smoothness and 0 < step <= 1 / smoothness):
        raise ValueError(f"0 < mu <= L and 0 < step <= 1 / L must hold, got mu {growth}, L {smoothness}, step {step}")
    return (1 - step * growth) ** steps * excess + (step * smoothness * variance + bias**2) / (2 * growth)


def stationary_quadratic_loss(step: float, variance: float) -> float:
    """Return E f in the stationary state of f = |theta|^2 / 2: eta V / (2 (2 - eta)), exact for 0 < eta < 2.

    From E|theta'|^2 = (1 - eta)^2 E|theta|^2 + eta^2 V. Raises ValueError where descent has no stationary state.
    """
    if not 0 < step < 2:
        raise ValueError(f"the step must lie in (0, 2), got {step}")
    return step * variance / (2 * (2 - step))


def min_variance_weights(variances: Floats) -> Floats:
    """Return w_k proportional to 1 / v_k: the least sum w_k^2 v_k, the harmonic mean of v_k over n (uniform:
    arithmetic).
    """
    precision = np.min(variances) / variances
    return precision / np.sum(precision)


def noisy_descent(
    gradient: Callable[[Floats], Floats],
    start: Floats,
    *,
    step: float,
    variances: Floats,
    weights: Floats,
    steps: int,
    generator: np.random.Generator,
) -> Floats:
    """Return the path (steps + 1, d) of theta' = theta - eta (gradient(theta) + sum_k w_k e_k) from `start` (d,).

    Processor k's noise e_k is Gaussian with E|e_k|^2 = variances[k], the same in every direction.
    """
    dimension = len(start)
    spread = weights * np.sqrt(variances / dimension)
    path = np.empty((steps + 1, dimension))
    path[0] = start
    for t in range(steps):
        noise = spread @ generator.standard_normal((len(weights), dimension))
        path[t + 1] = path[t] - step * (gradient(path[t]) + noise)
    return path
