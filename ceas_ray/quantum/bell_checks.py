"""Checks of the arguments of Bell-pair formulas: one line that says what was required and what came."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_SUM_TOLERANCE = 1e-9


def numbers(name: str, value: ArrayLike) -> Floats:
    """Return `value` as an array of floats of the same shape. Raises ValueError for anything but numbers."""
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        refuse(name, "be a number or an array of numbers", value)


def fidelities(value: ArrayLike, name: str = "fidelity") -> Floats:
    """Return fidelities of Werner pairs. Raises ValueError unless they lie in [1/4, 1]."""
    return _checked(name, "lie in [0.25, 1]", value=value, minimum=0.25, maximum=1.0)


def probabilities(name: str, value: ArrayLike) -> Floats:
    """Return probabilities. Raises ValueError unless they lie in [0, 1]."""
    return _checked(name, "lie in [0, 1]", value=value, minimum=0.0, maximum=1.0)


def chances(name: str, value: ArrayLike) -> Floats:
    """Return probabilities of what can happen. Raises ValueError unless they lie in (0, 1]."""
    return _checked(name, "lie in (0, 1]", value=value, minimum=np.nextafter(0.0, 1.0), maximum=1.0)


def times(name: str, value: ArrayLike) -> Floats:
    """Return times (or counts), which may be infinite. Raises ValueError for negative ones."""
    return _checked(name, "not be negative", value=value, minimum=0.0, maximum=np.inf)


def positive_times(name: str, value: ArrayLike) -> Floats:
    """Return times, which may be infinite. Raises ValueError unless they are positive."""
    return _checked(name, "be positive", value=value, minimum=np.nextafter(0.0, 1.0), maximum=np.inf)


def bell_weights(value: ArrayLike, name: str = "Bell-diagonal weights") -> Floats:
    """Return the weights of shape (..., 4). Raises ValueError unless they are >= 0 and sum to 1."""
    weights = numbers(name, value)
    must = "be four numbers >= 0 that sum to 1"
    if weights.shape[-1:] != (4,):
        refuse(name, must, value)
    good = (weights >= 0).all(axis=-1) & (np.abs(weights.sum(axis=-1) - 1) <= _SUM_TOLERANCE)
    if not good.all():
        refuse(name, must, weights[~good][0].tolist())
    return weights


def scalar_if_0d(values: Any) -> Any:
    """Return a number for what came from numbers, an array for what came from arrays."""
    return np.asarray(values)[()]


def _checked(name: str, must: str, *, value: ArrayLike, minimum: float, maximum: float) -> Floats:
    values = numbers(name, value)
    good = (values >= minimum) & (values <= maximum)  # false for NaN
    if not good.all():
        refuse(name, must, float(values[~good].flat[0]))
    return values


def refuse(name: str, must: str, came: object) -> NoReturn:
    """Raise ValueError with one line."""
    raise ValueError(" ".join(f"{name} must {must}, got {came!r}".split()))
