"""Closed forms of Bell pairs, vectorised over arrays. Fidelities lie in [1/4, 1], times are in seconds.

Bell-diagonal weights have shape (..., 4), in the order (Phi+, Psi-, Psi+, Phi-). Formulas and values: Werner states
(Werner 1989), swapping and QKD as in the standard literature on quantum repeaters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def _fidelity(fidelity: ArrayLike) -> Floats:
    values = np.asarray(fidelity, dtype=np.float64)
    if not np.all((values >= 0.25) & (values <= 1.0)):
        raise ValueError(f"fidelity must lie in [0.25, 1], got {fidelity!r}")
    return values


def _not_negative(name: str, value: ArrayLike) -> Floats:
    values = np.asarray(value, dtype=np.float64)
    if not np.all(values >= 0):
        raise ValueError(f"{name} must not be negative, got {value!r}")
    return values


def _weights(weights: ArrayLike) -> Floats:
    values = np.asarray(weights, dtype=np.float64)
    if values.shape[-1:] != (4,) or np.any(values < 0) or not np.allclose(values.sum(axis=-1), 1, atol=1e-9):
        raise ValueError(f"Bell-diagonal weights must be four numbers >= 0 that sum to 1, got {weights!r}")
    return values


def werner_parameter(fidelity: ArrayLike) -> Any:
    """w = (4 F - 1) / 3."""
    return (4 * _fidelity(fidelity) - 1) / 3


def fidelity_of_werner(werner: ArrayLike) -> Any:
    """F = (1 + 3 w) / 4, w in [0, 1]."""
    return (1 + 3 * np.asarray(werner, dtype=np.float64)) / 4


def decayed_fidelity(fidelity: ArrayLike, age: ArrayLike, coherence_time: ArrayLike) -> Any:
    """1/4 + (F - 1/4) exp(-age / T), T the pair's total coherence time (two memories of T each: T / 2)."""
    exponent = _not_negative("age", age) / _not_negative("coherence_time", coherence_time)
    return 0.25 + (_fidelity(fidelity) - 0.25) * np.exp(-exponent)


def swapped_fidelity(first: ArrayLike, second: ArrayLike) -> Any:
    """The fidelity after entanglement swapping of two Werner pairs: w = w1 w2."""
    return fidelity_of_werner(werner_parameter(first) * werner_parameter(second))


def decayed_state(weights: ArrayLike, age: ArrayLike, coherence_time: ArrayLike) -> Any:
    """Bell-diagonal weights after depolarizing memories of total coherence time T: each decays towards 1/4."""
    exponent = _not_negative("age", age) / _not_negative("coherence_time", coherence_time)
    return 0.25 + (_weights(weights) - 0.25) * np.exp(-np.asarray(exponent))[..., None]


def swapped_state(first: ArrayLike, second: ArrayLike) -> Any:
    """Bell-diagonal weights after swapping: errors, as Paulis (I, Y, X, Z in our order), multiply."""
    a, b = _weights(first), _weights(second)
    return np.stack([sum(a[..., i] * b[..., i ^ k] for i in range(4)) for k in range(4)], axis=-1)


def teleportation_fidelity(fidelity: ArrayLike) -> Any:
    """Average fidelity of teleporting a qubit, (2 F + 1) / 3."""
    return (2 * _fidelity(fidelity) + 1) / 3


def qber(fidelity: ArrayLike) -> Any:
    """Error rate in each basis of a Werner pair, e = 2 (1 - F) / 3."""
    return 2 * (1 - _fidelity(fidelity)) / 3


def binary_entropy(probability: ArrayLike) -> Any:
    """h(e) in bits, with h(0) = h(1) = 0."""
    e = np.clip(np.asarray(probability, dtype=np.float64), 1e-300, 1 - 1e-16)
    return -(e * np.log2(e) + (1 - e) * np.log2(1 - e))


def key_rate(fidelity: ArrayLike) -> Any:
    """Asymptotic BBM92 key bits per sifted pair, max(0, 1 - 2 h(e))."""
    return np.maximum(0.0, 1 - 2 * binary_entropy(qber(fidelity)))


def cutoff_age(initial: ArrayLike, least: ArrayLike, coherence_time: ArrayLike) -> Any:
    """The age at which the fidelity has fallen from `initial` to `least`: -T ln((least - 1/4) / (initial - 1/4))."""
    start, end = _fidelity(initial), _fidelity(least)
    if np.any(end > start) or np.any(end <= 0.25):
        raise ValueError(f"least fidelity must lie in (0.25, {initial!r}], got {least!r}")
    return -_not_negative("coherence_time", coherence_time) * np.log((end - 0.25) / (start - 0.25))
