"""A quantum data set with two phases: ground states of the transverse-field Ising chain, by exact diagonalisation.

H = -sum_i Z_i Z_(i+1) - g sum_i X_i on an open chain. The infinite chain is ordered for g < 1 and disordered for g > 1
(Pfeuty, Ann. Phys. 57, 1970): that is the label, so near g = 1 a short chain's state speaks for neither.

The states themselves are entangled and cannot enter a product encoding. What enters (ours) is what a laboratory would
measure on copies of them: the local expectation values <X_i> and <Z_i Z_(i+1)>, each estimated from its own copies. The
network classifies these measured values, not the states.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def draw_ground_states(
    samples: int, spins: int, copies: int | None, generator: np.random.Generator
) -> tuple[Floats, Integers]:
    """Return features (samples, 2 spins - 1) and labels (0 ordered, 1 disordered), the same number of each.

    Fields g are uniform in [0.2, 1) and (1, 1.8]. copies: measured per expectation value; None: exact values.
    """
    labels = np.arange(samples) % 2
    fields = np.where(labels == 0, 1, -1) * generator.uniform(-0.8, 0.0, samples) + 1.0
    values = np.array([local_expectations(ground_state(spins, field)) for field in fields])
    if copies is not None:
        chances = np.clip((1 + values) / 2, 0.0, 1.0)
        values = 2 * generator.binomial(copies, chances) / copies - 1
    return values, labels.astype(np.int64)


def ground_state(spins: int, field: float) -> Floats:
    """Return the amplitudes (2^spins,) of the ground state at g = field > 0, in the basis of Z, spin i being bit i.

    It is positive (Perron and Frobenius), hence even under the flip of all spins, and unique: half the basis, the
    symmetric states (|s> + |not s>) / sqrt(2) with the last spin up, is enough. Found by Lanczos from a fixed start.
    """
    from scipy.sparse import coo_array  # type: ignore[import-untyped]
    from scipy.sparse.linalg import eigsh  # type: ignore[import-untyped]

    half = np.arange(2 ** (spins - 1))
    signs = 1.0 - 2.0 * (half[:, None] >> np.arange(spins) & 1)
    couplings = -np.sum(signs[:, 1:] * signs[:, :-1], axis=1)
    flips = [half ^ (1 << spin) for spin in range(spins - 1)] + [half[::-1]]  # the last spin: all others, then all
    values = np.concatenate([couplings, np.full(spins * len(half), -field)])
    columns = np.concatenate([half, *flips])
    hamiltonian = coo_array((values, (np.tile(half, spins + 1), columns))).tocsr()
    _, vectors = eigsh(hamiltonian, k=1, which="SA", v0=np.ones(len(half)), tol=0)
    lowest = np.abs(vectors[:, 0])
    return np.concatenate([lowest, lowest[::-1]]) / np.sqrt(2)


def local_expectations(state: Floats) -> Floats:
    """Return <X_i> of every spin, then <Z_i Z_(i+1)> of neighbours: real amplitudes (2^n,) -> (2 n - 1,)."""
    spins = int(np.log2(len(state)))
    index = np.arange(len(state))
    signs = 1.0 - 2.0 * (index[:, None] >> np.arange(spins) & 1)
    flips = [float(state @ state[index ^ (1 << spin)]) for spin in range(spins)]
    return np.concatenate([flips, state**2 @ (signs[:, 1:] * signs[:, :-1])])
