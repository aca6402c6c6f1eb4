"""A fingerprint that machines share if they compute the same bits: versions of libraries, hashes of computed arrays."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from hashlib import blake2b
from importlib.metadata import version
from typing import Any

import numpy as np

LIBRARIES = (
    "ceas-ray", "llvmlite", "msgpack", "numba", "numpy", "openqasm3", "pandas", "pydantic", "pydantic-core", "qiskit",
    "qiskit-aer", "qiskit-qasm3-import", "rustworkx", "scikit-learn", "scipy", "threadpoolctl",
)  # fmt: skip
"""Libraries that a result may depend on."""


def platform_fingerprint() -> dict[str, str]:
    """Return versions, and the bits of exp, log, sin, a Gram product and one noisy gradient on this machine.

    Bits differ between processors with and without FMA or AVX-512, and between BLAS kernels; a run on machines that
    differ would not reproduce its digest. Computing the gradient also compiles the engine, or loads it from
    the disk cache.
    """
    points = np.linspace(0.1, 3.0, 257)
    rows = np.sin(np.outer(points[:50], points[:64]))
    versions = {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}
    arrays = {"exp": np.exp(points), "log": np.log(points), "sin": np.sin(points), "gram": rows @ rows.T}
    arrays["gradient"] = _gradient()
    return versions | {name: blake2b(array.tobytes(), digest_size=8).hexdigest() for name, array in arrays.items()}


def first_difference(expected: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    """Return the first entry that differs, as `name: found instead of expected`, or None."""
    for name in expected:
        if expected[name] != found.get(name):
            return f"{name}: {found.get(name)} instead of {expected[name]}"
    return None


def _gradient() -> np.ndarray[Any, np.dtype[np.float64]]:
    from ceas_ray.quantum.circuit import Circuit  # here, because Numba takes long to import
    from ceas_ray.quantum.pauli_engine import LaneInputs, shifted_values

    circuit = Circuit(qubits=3, layers=2, outputs=1, entangler="cx", reuploaded=False)
    inputs = LaneInputs(
        angles=np.linspace(-1.0, 1.0, 6).reshape(2, 3),
        parameters=np.linspace(-2.0, 2.0, circuit.parameter_count)[None],
        noise=np.tile([1e-3, 5e-4, 2e-4, 1e-2, 3e-3, 1e-3, 1e-2], (1, 3, 1)),
        attenuation=np.array([[1.0, 0.95, 0.9, 0.85]]),
        owner=np.zeros(2, dtype=np.int64),
    )
    values = shifted_values(circuit, inputs, np.zeros(2, dtype=np.int64))
    return np.concatenate([values.value, values.first.ravel(), values.second.ravel()])
