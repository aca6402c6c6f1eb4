"""The physics of Bell pairs, written once: decay, swapping, purification, measurement.

Each function is plain arithmetic. Called from Python it works on numbers and on arrays, and checks nothing:
`bell_states` and `key_rates` check their arguments and call it. Called from a compiled function it is compiled into it.

A pair is Bell-diagonal but for what relaxation to the ground state adds: see `Pair`. Times are in seconds, rates in
1/s.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic, overload, register_jitable

_formula: Any = register_jitable(error_model="numpy", fastmath={"contract", "nsz"})
_SMALLEST, _LARGEST = 1e-300, 1.0 - 2.0**-53


class Pair(NamedTuple):
    """A pair with one half at its start and one at its end.

    xx, yy, zz: <XX>, -<YY>, <ZZ>, all 1 for Phi+, so that fidelity = (1 + xx + yy + zz) / 4; all w for a Werner pair.
    z_start, z_end: <Z> of each half, 0 at emission. Amplitude damping makes them positive, and what the other half's
    damping does to zz depends on them, so with them decay and swaps compose exactly. A twirl sets them to 0.
    """

    xx: Any
    yy: Any
    zz: Any
    z_start: Any
    z_end: Any


class Rates(NamedTuple):
    """The decay of one half in its memory: <X>, <Y>, <Z> shrink at these rates; <Z> grows towards 1 at `damping`."""

    x: Any
    y: Any
    z: Any
    damping: Any


# --- fidelities ----------------------------------------------------------


@_formula
def werner_of_fidelity(fidelity):  # type: ignore[no-untyped-def]
    """Return w = (4 F - 1) / 3."""
    return (4.0 * fidelity - 1.0) / 3.0


@_formula
def fidelity_of_werner(werner):  # type: ignore[no-untyped-def]
    """Return F = (1 + 3 w) / 4."""
    return (1.0 + 3.0 * werner) / 4.0


@_formula
def fidelity_of(pair):  # type: ignore[no-untyped-def]
    """Return the fidelity with Phi+."""
    return (1.0 + pair.xx + pair.yy + pair.zz) / 4.0


@_formula
def werner_of(pair):  # type: ignore[no-untyped-def]
    """Return the Werner parameter of the pair after a twirl."""
    return (pair.xx + pair.yy + pair.zz) / 3.0


@_formula
def werner_pair(werner):  # type: ignore[no-untyped-def]
    """Return a Werner pair."""
    return Pair(werner, werner, werner, 0.0 * werner, 0.0 * werner)


@_formula
def werner_weights(fidelity):  # type: ignore[no-untyped-def]
    """Return the Bell-diagonal weights of a Werner pair: F, and (1 - F) / 3 for each of the others."""
    rest = (1.0 - fidelity) / 3.0
    return fidelity, rest, rest, rest


@_formula
def correlations_of_weights(a, b, c, d):  # type: ignore[no-untyped-def]
    """Return <XX>, -<YY>, <ZZ> of the Bell-diagonal weights (Phi+, Psi-, Psi+, Phi-)."""
    return a - b + c - d, a + b - c - d, a - b - c + d


@_formula
def weights_of_correlations(xx, yy, zz):  # type: ignore[no-untyped-def]
    """Return the inverse of `correlations_of_weights`."""
    return (1 + xx + yy + zz) / 4, (1 - xx + yy - zz) / 4, (1 + xx - yy - zz) / 4, (1 - xx - yy + zz) / 4


# --- memories ----------------------------------------------------------


@_formula
def survival(periods):  # type: ignore[no-untyped-def]
    """Return exp(-t / T): what is left after t / T coherence times."""
    return np.exp(-periods)


@_formula
def loss(periods):  # type: ignore[no-untyped-def]
    """Return 1 - exp(-t / T)."""
    return -np.expm1(-periods)


@_formula
def phase_left(attempts, probability):  # type: ignore[no-untyped-def]
    """Return the share of xx and yy after attempts that each erase the phase with probability p: (1 - p)^attempts."""
    return (1.0 - probability) ** attempts


@_formula
def aged(pair, start, start_seconds, end, end_seconds):  # type: ignore[no-untyped-def]
    """Return a pair whose halves were stored for these times in memories with these rates (each a `Rates`).

    A memory maps <Z> of its half to a <Z> + d, so zz to a zz + d z of the other half, with a = exp(-z t) and
    d = 1 - exp(-damping t); <X> and <Y> shrink (Nielsen and Chuang, 8.3: amplitude damping has a = 1 - d).
    """
    left_x = survival(start.x * start_seconds + end.x * end_seconds)
    left_y = survival(start.y * start_seconds + end.y * end_seconds)
    left_start, left_end = survival(start.z * start_seconds), survival(end.z * end_seconds)
    fallen_start, fallen_end = loss(start.damping * start_seconds), loss(end.damping * end_seconds)
    z_start = left_start * pair.z_start + fallen_start
    zz = left_end * (left_start * pair.zz + fallen_start * pair.z_end) + fallen_end * z_start
    return Pair(left_x * pair.xx, left_y * pair.yy, zz, z_start, left_end * pair.z_end + fallen_end)


# --- operations ----------------------------------------------------------


@_formula
def swapped(first, second, werner):  # type: ignore[no-untyped-def]
    """Return the pair of the outer halves after a Bell measurement on the inner ones, corrected at the second one's
    end.

    werner: what the measurement multiplies correlations by (its gates and readouts err as depolarizing noise).
    """
    return Pair(
        werner * first.xx * second.xx, werner * first.yy * second.yy, werner * first.zz * second.zz,
        first.z_start, werner * first.z_end * second.zz,
    )  # fmt: skip


@_formula
def bbpssw(first, second):  # type: ignore[no-untyped-def]
    """Return the fidelity after a twirl, and success, of purifying Werner pairs of these fidelities (PRL 76, 722,
    1996).
    """
    success = (
        first * second
        + (first * (1.0 - second) + second * (1.0 - first)) / 3.0
        + 5.0 * (1.0 - first) * (1.0 - second) / 9.0
    )
    return (first * second + (1.0 - first) * (1.0 - second) / 9.0) / success, success


@_formula
def dejmps(first, second):  # type: ignore[no-untyped-def]
    """Return the four weights, before they are divided by their sum, and success, of purifying two Bell-diagonal pairs.

    first, second: weights (Phi+, Psi-, Psi+, Phi-), four each (Deutsch et al., PRL 77, 2818, 1996).
    """
    a, b, c, d = first
    e, f, g, h = second
    return (a * e + b * f, c * h + d * g, c * g + d * h, a * f + b * e), (a + b) * (e + f) + (c + d) * (g + h)


@_formula
def error_rate(correlation):  # type: ignore[no-untyped-def]
    """Return the share of unequal outcomes in a basis with this correlation (see `Pair`)."""
    return (1.0 - correlation) / 2.0


@_formula
def correlation_of_error_rate(rate):  # type: ignore[no-untyped-def]
    """Return the inverse of `error_rate`, 1 - 2 e; of the rate over all bases, the Werner parameter."""
    return 1.0 - 2.0 * rate


def _sum_of_products(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Return a b + c d. Compiled, a b is not rounded before c d is added: which of the two is not would depend on the
    code around otherwise, and with it the last bits of keys.
    """
    return a * b + c * d


@overload(_sum_of_products)  # type: ignore[untyped-decorator]
def _compiled_sum_of_products(a: Any, b: Any, c: Any, d: Any) -> Any:
    def rounded_once(a: Any, b: Any, c: Any, d: Any) -> Any:
        return _fused(a, b, c * d)

    return rounded_once


@intrinsic  # type: ignore[untyped-decorator]
def _fused(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a b + c, rounded once."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), code


@_formula
def binary_entropy(probability):  # type: ignore[no-untyped-def]
    """Return h(e) = -e log2 e - (1 - e) log2(1 - e), 0 at both ends."""
    inside, below = np.maximum(probability, _SMALLEST), np.minimum(probability, _LARGEST)
    return -_sum_of_products(probability, np.log(inside), 1.0 - probability, np.log1p(-below)) / np.log(2.0)


@_formula
def key_bits(error_x, error_z):  # type: ignore[no-untyped-def]
    """Return the asymptotic BBM92 bits of one sifted pair, max(0, 1 - h(e_x) - h(e_z)) (PRL 85, 441, 2000)."""
    return np.maximum(0.0, 1.0 - binary_entropy(error_x) - binary_entropy(error_z))
