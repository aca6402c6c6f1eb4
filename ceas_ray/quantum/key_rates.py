"""The key that Bell pairs yield (BBM92, measured in X and Z): error rates, asymptotic and finite-key lengths.

Sifting factor 1: the efficient choice of bases. Fidelities are of Werner pairs, weights as in `bell_states`. Scalars
give scalars; ValueError, in one line, for what cannot be.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ceas_ray.quantum import pair_physics
from ceas_ray.quantum.bell_checks import Floats, bell_weights, fidelities, probabilities, refuse, scalar_if_0d, times

ERROR_CORRECTION = 1.16
"""f_EC: what error correction leaks, over the Shannon limit."""
EPSILON = 1e-10
"""Security parameter: of secrecy, and of correctness."""
_LONGEST_BLOCK = 10**15


def binary_entropy(probability: ArrayLike) -> Any:
    """Return h(e) = -e log2 e - (1 - e) log2(1 - e) in bits; h(0) = h(1) = 0."""
    entropy = pair_physics.binary_entropy(probabilities("probability", probability))
    return scalar_if_0d(np.minimum(entropy, 1.0))


def qber(fidelity: ArrayLike) -> Any:
    """Return the error rate in each basis of a Werner pair, e = 2 (1 - F) / 3."""
    return pair_physics.error_rate(pair_physics.werner_of_fidelity(fidelities(fidelity)))


def qber_of_state(weights: ArrayLike) -> Any:
    """Return the error rates in the bases X, Y, Z of a Bell-diagonal pair, shape (..., 3), relative to Phi+.

    X errs on Psi- and Phi-, Y on Psi+ and Phi-, Z on Psi- and Psi+.
    """
    _, b, c, d = np.moveaxis(bell_weights(weights), -1, 0)
    return np.minimum(np.stack([b + d, c + d, b + c], axis=-1), 1.0)


def key_rate(fidelity: ArrayLike) -> Any:
    """Return the asymptotic key bits per sifted pair, max(0, 1 - 2 h(e)) (Shor and Preskill, PRL 85, 441, 2000)."""
    error = qber(fidelity)
    return key_rate_of_errors(error, error)


def key_rate_of_errors(error_x: ArrayLike, error_z: ArrayLike) -> Any:
    """Return the asymptotic key bits per sifted pair with unequal error rates, max(0, 1 - h(e_x) - h(e_z))."""
    return pair_physics.key_bits(probabilities("error rate", error_x), probabilities("error rate", error_z))


def key_rate_of_state(weights: ArrayLike) -> Any:
    """Return `key_rate_of_errors` of Bell-diagonal pairs; weights (..., 4)."""
    errors = qber_of_state(weights)
    return key_rate_of_errors(errors[..., 0], errors[..., 2])


# --- finite blocks ----------------------------------------------------------


def finite_key_length(
    fidelity: ArrayLike,
    sifted: ArrayLike,
    *,
    test_share: float | None = None,
    epsilon: float = EPSILON,
    error_correction: float = ERROR_CORRECTION,
) -> Any:
    """Return the key bits that a block of `sifted` Werner pairs yields, an integer >= 0 (an array of them for arrays).

    Of N = n + k pairs k are compared openly, n become key (Tomamichel, Lim, Gisin, Renner, Nat. Commun. 3, 634, 2012;
    arXiv 1103.4130):

        l = floor(n (1 - h(Q + mu)) - f_EC n h(Q) - log2(2 / (eps_sec^2 eps_cor))),
        mu = sqrt((n + k) / (n k) * (k + 1) / k * ln(4 / eps_sec)),

    with eps_sec = eps_cor = `epsilon`, Q the expected error rate in both bases, and Q + mu counted as 1/2 beyond it.
    test_share: k / N; None: the k that yields most. Fluctuations of the measured Q and aborts are not counted.
    """
    share = None if test_share is None else float(probabilities("test_share", test_share))
    epsilon, error_correction = _security(epsilon, error_correction)
    errors, blocks = np.broadcast_arrays(qber(fidelity), times("sifted", sifted))
    if not np.all((blocks == np.floor(blocks)) & (blocks <= _LONGEST_BLOCK)):
        refuse("sifted", "be a whole number of pairs up to 1e15", sifted)
    lengths = [
        _length(float(error), int(block), share=share, epsilon=epsilon, error_correction=error_correction)
        for error, block in zip(errors.flat, blocks.flat, strict=True)
    ]
    return np.array(lengths, dtype=np.int64).reshape(errors.shape) if errors.ndim else lengths[0]


def min_block(fidelity: ArrayLike, epsilon: float = EPSILON, error_correction: float = ERROR_CORRECTION) -> Any:
    """Return the smallest block of sifted pairs with a key of one bit or more, the share that is compared being the
    best.

    Infinite where no block has any (up to 1e15 pairs). See `finite_key_length`; a longer block has a longer key.
    """
    epsilon, error_correction = _security(epsilon, error_correction)
    errors = np.asarray(qber(fidelity))
    blocks = [_min_block(float(error), epsilon, error_correction) for error in errors.flat]
    return scalar_if_0d(np.array(blocks, dtype=np.float64).reshape(errors.shape))


def _security(epsilon: float, error_correction: float) -> tuple[float, float]:
    if not 0 < epsilon < 1:
        raise ValueError(f"epsilon must lie in (0, 1), got {epsilon!r}")
    if not 1 <= error_correction < math.inf:
        raise ValueError(f"error_correction must be at least 1 (the Shannon limit), got {error_correction!r}")
    return float(epsilon), float(error_correction)


def _min_block(error: float, epsilon: float, error_correction: float) -> float:
    if 1 - (1 + error_correction) * binary_entropy(error) <= 0:
        return math.inf

    def length(block: int) -> int:
        return _length(error, block, share=None, epsilon=epsilon, error_correction=error_correction)

    low, high = 1, 2
    while length(high) < 1:
        low, high = high, 2 * high
        if high > _LONGEST_BLOCK:
            return math.inf
    blocks = range(low + 1, high + 1)
    return float(blocks[bisect_left(blocks, 1, key=length)])


def _length(error: float, block: int, *, share: float | None, epsilon: float, error_correction: float) -> int:
    if share is not None:
        tested = np.array([float(round(share * block))])
    elif block <= 4096:
        tested = np.arange(1.0, block)
    else:
        tested = _best_tested(error, block, epsilon, error_correction)
    tested = tested[(tested >= 1) & (tested < block)]
    if not len(tested):
        return 0
    return max(
        0, math.floor(_bits(error, block, tested=tested, epsilon=epsilon, error_correction=error_correction).max())
    )


def _best_tested(error: float, block: int, epsilon: float, error_correction: float) -> Floats:
    """Return the candidates for the best number of compared pairs: a grid, refined around its best point to whole
    numbers.
    """
    low, high = 1.0, block - 1.0
    while high - low > 2048:
        grid = np.unique(np.round(np.geomspace(low, high, 512) if low == 1 else np.linspace(low, high, 512)))
        best = int(np.argmax(_bits(error, block, tested=grid, epsilon=epsilon, error_correction=error_correction)))
        low, high = grid[max(0, best - 1)], grid[min(len(grid) - 1, best + 1)]
    return np.arange(low, high + 1)


def _bits(error: float, block: int, *, tested: Floats, epsilon: float, error_correction: float) -> Floats:
    """Return the bound before it is rounded down, for each number of compared pairs."""
    kept = block - tested
    deviation = np.sqrt(block / (kept * tested) * (tested + 1) / tested * math.log(4 / epsilon))
    phase_errors = np.minimum(error + deviation, 0.5)
    per_bit = 1 - binary_entropy(phase_errors) - error_correction * binary_entropy(error)
    bits: Floats = kept * per_bit - math.log2(2 / epsilon**3)
    return bits
