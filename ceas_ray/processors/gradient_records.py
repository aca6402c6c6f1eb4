"""The inputs and the output of the work of kind `gradient`."""

from __future__ import annotations

from typing import NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.codec import message

Floats = NDArray[np.float64]


@message(kw_only=True)
class GradientInputs:
    """The inputs from which one processor's gradient is computed.

    name, round_index: the key of its random streams. angles: (B, n) in rad. targets: (B, K). parameters: (P,) in rad.
    noise: ([layers,] n, 7). attenuation: (n + 1,). werner (J, places) and coefficients (J,): the mean over pairs inside
    the circuit, see `ShotsDelivered`. usable: circuits that have their pairs, bool (circuits,). certified_werner: the
    tested Werner parameter of the link or group; None mitigates nothing.
    """

    name: str
    round_index: int
    angles: Floats
    targets: Floats
    parameters: Floats
    noise: Floats
    attenuation: Floats
    werner: Floats
    coefficients: Floats
    usable: NDArray[np.bool_]
    certified_werner: float | None


class GradientOutput(TypedDict):
    """The result, in the plain form in which digests hold it.

    gradient: (P,) in 1/rad. variance: see `Estimate`. contrast: by which the gradient was divided. With trap circuits
    also how many were asked, which the gradient lacks, and how many of them gave a wrong answer.
    """

    gradient: Floats
    variance: float
    contrast: float
    asked: NotRequired[int]
    wrong: NotRequired[int]
