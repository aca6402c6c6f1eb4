"""Calls of policies (rules, weights, attacks, schedulers, networks), which may be anybody's own.

Whatever goes wrong in one is a `PolicyError` of one line: the class, its method, what was expected and what came.
"""

from __future__ import annotations

import traceback
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_MAGNITUDE = 1e30


class PolicyError(Exception):
    """A policy failed, or returned what it must not: `package.module.Class.method must return ..., got ...`.

    policy: the class and its method. refusal: what a policy of this package says of arguments that it cannot serve,
    in a whole sentence; None for any other fault, and for policies of others.
    """

    def __init__(self, policy: str, complaint: str, refusal: str | None = None) -> None:
        super().__init__(policy, complaint, refusal)
        self.policy, self.complaint, self.refusal = policy, complaint, refusal

    def __str__(self) -> str:
        return f"{self.policy} {self.complaint}"


def wrong_return(policy: object, method: str, must: str, came: object) -> PolicyError:
    """Return the error for a method of `policy` that returned `came`, which `must` be something else."""
    return PolicyError(_name(policy, method), f"must return {must}, got {_shown(came)}")


def called(policy: object, method: str, *arguments: Any, **keywords: Any) -> Any:
    """Return what the method returns; raises PolicyError for whatever it raises."""
    try:
        return getattr(policy, method)(*arguments, **keywords)
    except PolicyError:
        raise
    except (Exception, SystemExit) as error:  # a policy ends no process
        frame = traceback.extract_tb(error.__traceback__)[-1]
        said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        where = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
        is_ours = type(policy).__module__.startswith(f"{_PACKAGE}.") and isinstance(error, ValueError)
        name = _name(policy, method)
        raise PolicyError(name, f"failed with {said} ({where})", str(error) if is_ours else None) from error


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a copy for a policy, which can neither change it nor make it changeable."""
    copy = np.array(array)
    copy.setflags(write=False)
    return copy.view()


def real_numbers(
    policy: object, method: str, returned: object, *shapes: tuple[int, ...], finite: bool = True
) -> NDArray[np.float64]:
    """Return what the method returned, as floats; raises PolicyError unless it is real numbers of one of the shapes;
    where they must be finite, of at most MAX_MAGNITUDE, so that powers of them are finite too."""
    must = f"{'finite' if finite else 'real'} numbers of shape {' or '.join(map(str, shapes))}"
    try:
        numbers = np.asarray(returned)
    except ValueError:
        raise wrong_return(policy, method, must, returned) from None
    if numbers.shape not in shapes or numbers.dtype.kind not in "fiu":
        raise wrong_return(policy, method, must, returned)
    if finite and not np.all(np.isfinite(numbers)):
        raise wrong_return(policy, method, must, numbers)
    if finite and np.any(np.abs(numbers) > MAX_MAGNITUDE):
        raise wrong_return(
            policy, method, f"{must}, at most {MAX_MAGNITUDE:g} in magnitude", float(np.max(np.abs(numbers)))
        )
    return np.asarray(numbers, np.float64)


_PACKAGE = __name__.partition(".")[0]


def _name(policy: object, method: str) -> str:
    return f"{type(policy).__module__}.{type(policy).__qualname__}.{method}"


def _shown(came: object) -> str:
    if not isinstance(came, np.ndarray):
        text = " ".join(repr(came).split())
        return text if len(text) <= 100 else f"{text[:100]}..."
    others = came.dtype.kind == "f" and not np.all(np.isfinite(came))
    return f"shape {came.shape} of {came.dtype}" + (" with some that are not finite" if others else "")
