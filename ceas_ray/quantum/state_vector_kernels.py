"""Compiled passes over state vectors; `state_vector_engine` is their front, and says how they go."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.compiled_code import COMPILED, njit
from ceas_ray.quantum.lanes import aligned_lanes, load, store, zero_lanes

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_inlined: dict[str, Any] = {"forceinline": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}
_inner: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


class Problem(NamedTuple):
    """A circuit and its lanes, as the compiled pass takes them.

    source, sign (L, 2^n): the gates of a layer as a signed permutation of the amplitudes. angles (B, n), owner (B,),
    turns (Q, L, n, 4), generators (Q, L, n, R, 3), cotangent (B, K).
    """

    source: Integers
    sign: Floats
    reuploaded: bool
    angles: Floats
    owner: Integers
    turns: Floats
    generators: Floats
    cotangent: Floats


@njit(**COMPILED)
def rotation_matrices(axes, parameters, turns, generators):  # type: ignore[no-untyped-def]
    """Return the turns (Q, L, n, 4): the product of a qubit's rotations; generators (Q, L, n, R, 3): each one's n."""
    processors, layers, n, rotations = parameters.shape
    for k in range(processors):
        for layer in range(layers):
            for q in range(n):
                ar, ai, br, bi = 1.0, 0.0, 0.0, 0.0
                for r in range(rotations):
                    angle = parameters[k, layer, q, r]
                    c, s = np.cos(angle / 2), np.sin(angle / 2)
                    if axes[r] == 0:
                        ar, ai, br, bi = c * ar - s * br, c * ai - s * bi, s * ar + c * br, s * ai + c * bi
                    else:
                        ar, ai, br, bi = c * ar + s * ai, c * ai - s * ar, c * br - s * bi, c * bi + s * br
                    vector = generators[k, layer, q, r]
                    vector[0], vector[1], vector[2] = 0.0, 1.0 - axes[r], 1.0 * axes[r]
                    c, s = np.cos(angle), np.sin(angle)
                    for earlier in range(r):
                        x, y, z = generators[k, layer, q, earlier]
                        vector = generators[k, layer, q, earlier]
                        if axes[r] == 0:
                            vector[0], vector[2] = c * x + s * z, c * z - s * x
                        else:
                            vector[0], vector[1] = c * x - s * y, s * x + c * y
                turns[k, layer, q] = (ar, ai, br, bi)


# --- lanes ------------------------------------------------------------------------------------------------------------


@njit(**_inlined)
def _turn(u, r0, i0, r1, i1):  # type: ignore[no-untyped-def]
    """Apply [[a, -b*], [b, a*]] to two amplitudes."""
    return (
        u[0] * r0 - u[1] * i0 - u[2] * r1 - u[3] * i1,
        u[0] * i0 + u[1] * r0 - u[2] * i1 + u[3] * r1,
        u[2] * r0 - u[3] * i0 + u[0] * r1 + u[1] * i1,
        u[2] * i0 + u[3] * r0 + u[0] * i1 - u[1] * r1,
    )


@njit(**_inlined)
def _turn_back(u, r0, i0, r1, i1):  # type: ignore[no-untyped-def]
    """Apply the inverse: a -> a*, b -> -b."""
    return (
        u[0] * r0 + u[1] * i0 + u[2] * r1 + u[3] * i1,
        u[0] * i0 - u[1] * r0 + u[2] * i1 - u[3] * r1,
        u[0] * r1 - u[1] * i1 - u[2] * r0 + u[3] * i0,
        u[0] * i1 + u[1] * r1 - u[2] * i0 - u[3] * r0,
    )


@njit(**_inlined)
def _load_turn(u):  # type: ignore[no-untyped-def]
    return load(u, 0), load(u, 1), load(u, 2), load(u, 3)


@njit(**_inlined)
def _pair(psi, low, high):  # type: ignore[no-untyped-def]
    return load(psi[0], low), load(psi[1], low), load(psi[0], high), load(psi[1], high)


@njit(**_inlined)
def _store_pair(psi, low, high, v):  # type: ignore[no-untyped-def]
    store(psi[0], low, v[0])
    store(psi[1], low, v[1])
    store(psi[0], high, v[2])
    store(psi[1], high, v[3])


@njit(**_inlined)
def _correlate(e, f, v):  # type: ignore[no-untyped-def]
    """Add to e Im <f| X, Y, Z |v> of two amplitudes (re 0, im 0, re 1, im 1)."""
    x = f[0] * v[3] - f[1] * v[2] + f[2] * v[1] - f[3] * v[0]
    y = f[2] * v[0] + f[3] * v[1] - f[0] * v[2] - f[1] * v[3]
    z = f[0] * v[1] - f[1] * v[0] - f[2] * v[3] + f[3] * v[2]
    return e[0] + x, e[1] + y, e[2] + z


@njit(**_inner)
def _turn_qubit(psi, u, q):  # type: ignore[no-untyped-def]
    """Apply one qubit's matrix u (4, lanes) to psi (2, 2^n, lanes)."""
    turn, stride = _load_turn(u), 1 << q
    for base in range(0, psi.shape[1], 2 * stride):
        for low in range(base, base + stride):
            v = _pair(psi, low, low + stride)
            _store_pair(psi, low, low + stride, _turn(turn, v[0], v[1], v[2], v[3]))


@njit(**_inner)
def _turn_back_qubit(psi, dual, u, q, back, correlation):  # type: ignore[no-untyped-def]
    """Return the correlations Im <dual| X, Y, Z |psi> of a qubit, (3, lanes), and, if `back`, both before its
    matrix.
    """
    turn, stride = _load_turn(u), 1 << q
    e = (zero_lanes(u), zero_lanes(u), zero_lanes(u))
    for base in range(0, psi.shape[1], 2 * stride):
        for low in range(base, base + stride):
            v, f = _pair(psi, low, low + stride), _pair(dual, low, low + stride)
            e = _correlate(e, f, v)
            if back:
                _store_pair(psi, low, low + stride, _turn_back(turn, v[0], v[1], v[2], v[3]))
                _store_pair(dual, low, low + stride, _turn_back(turn, f[0], f[1], f[2], f[3]))
    store(correlation, 0, e[0])
    store(correlation, 1, e[1])
    store(correlation, 2, e[2])


@njit(**_inner)
def _entangle(psi, into, source, sign):  # type: ignore[no-untyped-def]
    for part in range(2):
        for i in range(len(source)):
            v = load(psi[part], source[i])
            store(into[part], i, v if sign[i] > 0 else -v)


@njit(**_inner)
def _entangle_back(psi, into, source, sign):  # type: ignore[no-untyped-def]
    for part in range(2):
        for i in range(len(source)):
            v = load(psi[part], i)
            store(into[part], source[i], v if sign[i] > 0 else -v)


@njit(**_inner)
def _product_state(turns, psi):  # type: ignore[no-untyped-def]
    """Write the product of the qubits' states a |0> + b |1>, turns (n, 4, lanes)."""
    psi[:, 0] = 0.0
    psi[0, 0] = 1.0
    for q in range(len(turns)):
        a0, a1, b0, b1 = _load_turn(turns[q])
        for i in range(1 << q):
            re, im = load(psi[0], i), load(psi[1], i)
            store(psi[0], i + (1 << q), b0 * re - b1 * im)
            store(psi[1], i + (1 << q), b0 * im + b1 * re)
            store(psi[0], i, a0 * re - a1 * im)
            store(psi[1], i, a0 * im + a1 * re)


@njit(**_inner)
def _load_owners(owner, turns, generators, start, owners, rotations, axes):  # type: ignore[no-untyped-def]
    """Load rotations (L n 4, lanes) and axes (L n R 3, lanes) of the lanes' processors, unless they are those of
    before.
    """
    new = False
    for w in range(len(owners)):
        k = owner[min(start + w, len(owner) - 1)]
        new = new or owners[w] != k
        owners[w] = k
    if new:
        for w in range(len(owners)):
            for i in range(len(rotations)):
                rotations[i, w] = turns[owners[w], i]
            for i in range(len(axes)):
                axes[i, w] = generators[owners[w], i]


@njit(**_inner)
def _load_matrices(reuploaded, angles, start, rotations, encoding, matrices):  # type: ignore[no-untyped-def]
    """Load matrices (L, n, 4, lanes): the rotations (L, n, 4, lanes), in re-uploading layers after the encoding."""
    layers, n, _, lanes = matrices.shape
    for w in range(lanes):
        lane = min(start + w, len(angles) - 1)
        for q in range(n):
            c, s = np.cos(angles[lane, q] / 2), np.sin(angles[lane, q] / 2)
            encoding[q, 0, w], encoding[q, 1, w], encoding[q, 2, w], encoding[q, 3, w] = c * c, -c * s, c * s, s * s
    for layer in range(layers):
        for q in range(n):
            u = _load_turn(rotations[layer, q])
            if reuploaded or layer == 0:
                first = _load_turn(encoding[q])
                u = _turn(u, first[0], first[1], first[2], first[3])
            store(matrices[layer, q], 0, u[0])
            store(matrices[layer, q], 1, u[1])
            store(matrices[layer, q], 2, u[2])
            store(matrices[layer, q], 3, u[3])


@njit(**_inner)
def _measure(psi, outcome):  # type: ignore[no-untyped-def]
    """Set outcome[k] = <Z_k>, (K, lanes)."""
    for k in range(len(outcome)):
        total = zero_lanes(outcome)
        for i in range(psi.shape[1]):
            re, im = load(psi[0], i), load(psi[1], i)
            square = re * re + im * im
            total = total - square if (i >> k) & 1 else total + square
        store(outcome, k, total)


@njit(**_inner)
def _observe(psi, weights, into):  # type: ignore[no-untyped-def]
    """Set into = sum_k weights[k] Z_k psi, weights (K, lanes)."""
    for i in range(psi.shape[1]):
        total = zero_lanes(weights)
        for k in range(len(weights)):
            total = total - load(weights, k) if (i >> k) & 1 else total + load(weights, k)
        for part in range(2):
            store(into[part], i, total * load(psi[part], i))


@njit(**COMPILED)
def reverse_mode(problem, first_block, block_step, empty, found):  # type: ignore[no-untyped-def]
    """Compute every block_step-th block of lanes; found: values and, unless it has no rows, first are filled."""
    source, sign, reuploaded, angles, owner, turns, generators, cotangent = problem
    values, first = found
    layers, n, rotations, lanes = turns.shape[1], turns.shape[2], generators.shape[3], empty.shape[1]
    size = 1 << n
    psi, dual = aligned_lanes((2, size), empty), aligned_lanes((2, size), empty)
    spare = aligned_lanes((2, size), empty)
    turned, matrices = aligned_lanes((layers, n, 4), empty), aligned_lanes((layers, n, 4), empty)
    flat_turns, flat_generators = turns.reshape(len(turns), -1), generators.reshape(len(generators), -1)
    owners = np.full(lanes, -1)
    axes = aligned_lanes((layers, n, rotations, 3), empty)
    encoding, correlation = aligned_lanes((n, 4), empty), aligned_lanes((3,), empty)
    outcome = aligned_lanes((values.shape[1],), empty)
    derivatives = aligned_lanes((first.shape[1],), empty)
    for start in range(first_block * lanes, len(owner), block_step * lanes):
        filled = min(lanes, len(owner) - start)
        _load_owners(
            owner, flat_turns, flat_generators, start, owners, turned.reshape(-1, lanes), axes.reshape(-1, lanes)
        )
        _load_matrices(reuploaded, angles, start, turned, encoding, matrices)
        _product_state(matrices[0], psi)
        for layer in range(layers):
            if layer > 0:
                for q in range(n):
                    _turn_qubit(psi, matrices[layer, q], q)
            _entangle(psi, spare, source[layer], sign[layer])
            psi, spare = spare, psi
        _measure(psi, outcome)
        for k in range(values.shape[1]):
            for w in range(filled):
                values[start + w, k] = outcome[k, w]
        if len(first) == 0:
            continue
        outcome[:] = 0.0
        for k in range(values.shape[1]):
            for w in range(filled):
                outcome[k, w] = cotangent[start + w, k]
        _observe(psi, outcome, dual)
        for layer in range(layers - 1, -1, -1):
            _entangle_back(psi, spare, source[layer], sign[layer])
            psi, spare = spare, psi
            _entangle_back(dual, spare, source[layer], sign[layer])
            dual, spare = spare, dual
            for q in range(n):
                _turn_back_qubit(psi, dual, matrices[layer, q], q, layer > 0, correlation)
                x, y, z = load(correlation, 0), load(correlation, 1), load(correlation, 2)
                for r in range(rotations):
                    axis = axes[layer, q, r]
                    row = (layer * n + q) * rotations + r
                    store(derivatives, row, x * load(axis, 0) + y * load(axis, 1) + z * load(axis, 2))
        for w in range(filled):
            for row in range(first.shape[1]):
                first[start + w, row] = derivatives[row, w]
