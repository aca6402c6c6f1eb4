"""Compiled: the one-qubit maps and the noise of gates, per processor and for a block of lanes; see `pauli_tiles`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ceas_ray.kernel.compiled_code import COMPILED, njit
from ceas_ray.quantum.gate_noise import Noise
from ceas_ray.quantum.lanes import load, store
from ceas_ray.quantum.pauli_tiles import CONTROL_GAIN, store_row

_inlined: dict[str, Any] = {"forceinline": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

_P1, _G1, _L1 = (int(c) for c in (Noise.ONE_QUBIT_DEPOLARIZING, Noise.ONE_QUBIT_DAMPING, Noise.ONE_QUBIT_DEPHASING))
_P2, _G2, _L2 = (int(c) for c in (Noise.TWO_QUBIT_DEPOLARIZING, Noise.TWO_QUBIT_DAMPING, Noise.TWO_QUBIT_DEPHASING))


# --- maps of one processor, in float64 --------------------------------------------------------------------------------


@njit(error_model="numpy")
def _rotation(axis, angle, order, out):  # type: ignore[no-untyped-def]
    """Return RY (axis 0) or RZ (axis 1), or its derivative of the given order, as a 4 x 4 map."""
    c, s = np.cos(angle), np.sin(angle)
    if order == 1:
        c, s = -s, c
    elif order == 2:
        c, s = -c, -s
    out[:] = 0.0
    if order == 0:
        out[0, 0] = out[2 + axis, 2 + axis] = 1.0
    if axis == 0:
        out[1, 1], out[1, 3], out[3, 1], out[3, 3] = c, s, -s, c
    else:
        out[1, 1], out[1, 2], out[2, 1], out[2, 2] = c, -s, s, c


@njit(**_inlined)
def _one_qubit_noise(noise):  # type: ignore[no-untyped-def]
    """Return (s, e, g) of the channel after a one-qubit gate: X, Y -> s X, s Y and Z -> e Z + g I."""
    kept, damping = 1.0 - noise[_P1], noise[_G1]
    return kept * np.sqrt(1.0 - damping) * (1.0 - noise[_L1]), kept * (1.0 - damping), damping


@njit(error_model="numpy")
def _follow(gate, noise, total, scratch):  # type: ignore[no-untyped-def]
    """Set total to one-qubit noise . gate . total."""
    attenuation, keep, gain = _one_qubit_noise(noise)
    for j in range(4):
        for k in range(4):
            scratch[j, k] = 0.0
            for i in range(4):
                scratch[j, k] += gate[j, i] * total[i, k]
    for k in range(4):
        total[0, k] = scratch[0, k]
        total[1, k], total[2, k] = attenuation * scratch[1, k], attenuation * scratch[2, k]
        total[3, k] = keep * scratch[3, k] + gain * scratch[0, k]


@njit(**COMPILED)
def rotation_maps(axes, parameters, noise, maps):  # type: ignore[no-untyped-def]
    """Return a qubit's rotations of a layer as one map, and its first and second derivative by each of its angles.

    axes (R,), parameters (Q, L, n, R), noise (Q, L, n, 7), maps (Q, L, n, 1 + 2 R, 12).
    """
    processors, layers, n, rotations = parameters.shape
    gate, total, scratch = np.empty((4, 4)), np.empty((4, 4)), np.empty((4, 4))
    for k in range(processors):
        for layer in range(layers):
            for q in range(n):
                for d in range(1 + 2 * rotations):
                    total[:] = np.eye(4)
                    for r in range(rotations):
                        order = 1 + (d - 1) % 2 if d > 0 and (d - 1) // 2 == r else 0
                        _rotation(axes[r], parameters[k, layer, q, r], order, gate)
                        _follow(gate, noise[k, layer, q], total, scratch)
                    maps[k, layer, q, d] = total[1:].ravel()


@njit(**COMPILED)
def gate_noise(gates, attenuated, noise, werner, rows):  # type: ignore[no-untyped-def]
    """Fill factors and gains of every entangling gate, rows (Q, L, G, 18), from noise (Q, L, n, 7).

    werner (Q, L, G): of a remote gate's pair, 1 elsewhere; attenuated (16,): the coefficients that it multiplies.
    """
    processors, layers, count, _ = rows.shape
    factors = np.empty((2, 4))
    for k in range(processors):
        for layer in range(layers):
            for g in range(count):
                for side in range(2):
                    figures = noise[k, layer, gates[layer, g, side]]
                    transverse = np.sqrt(1.0 - figures[_G2]) * (1.0 - figures[_L2])
                    factors[side] = (1.0, transverse, transverse, 1.0 - figures[_G2])
                    rows[k, layer, g, CONTROL_GAIN + side] = figures[_G2]
                kept = 1.0 - noise[k, layer, gates[layer, g, 0], _P2]
                for p in range(16):
                    row = factors[0, p // 4] * factors[1, p % 4] * (1.0 if p == 0 else kept)
                    rows[k, layer, g, p] = row * (werner[k, layer, g] if attenuated[p] else 1.0)


# --- a block of lanes -------------------------------------------------------------------------------------------------


@njit(nogil=True, error_model="numpy")
def new_owners(owner, start, known):  # type: ignore[no-untyped-def]
    """Return whether the lanes of this block belong to other processors than those of `known`, which is brought up to
    date."""
    new = False
    for w in range(len(known)):
        k = owner[min(start + w, len(owner) - 1)]
        new = new or known[w] != k
        known[w] = k
    return new


@njit(nogil=True, error_model="numpy")
def gather(table, owner, start, out):  # type: ignore[no-untyped-def]
    """Set out[..., w] = table[owner of lane w, ...], flattened: table (Q, K), out (K, lanes)."""
    for w in range(out.shape[1]):
        row = table[owner[min(start + w, len(owner) - 1)]]
        for i in range(out.shape[0]):
            out[i, w] = row[i]


@njit(nogil=True, error_model="numpy")
def encoding_maps(reuploaded, hops, angles, noise, owner, start, out):  # type: ignore[no-untyped-def]
    """Fill in the maps that come before the rotations of a layer: a teleportation where there is one, the encoding when
    re-uploaded.

    out (L, n, 12, lanes): noise RZ(x) noise RY(x), written out, after a Werner pair that shrinks X, Y and Z.
    """
    layers, n, _, lanes = out.shape
    for w in range(lanes):
        lane = min(start + w, len(owner) - 1)
        k = owner[lane]
        for q in range(n):
            x = angles[lane, q] if reuploaded else 0.0
            c, s = np.cos(x), np.sin(x)
            for layer in range(layers):
                attenuation, keep, gain = _one_qubit_noise(noise[k, layer, q]) if reuploaded else (1.0, 1.0, 0.0)
                across, along = attenuation * attenuation * hops[k, layer, q], keep * keep * hops[k, layer, q]
                m = out[layer, q]
                m[0, w], m[1, w], m[2, w], m[3, w] = 0.0, across * c * c, -across * s, across * c * s
                m[4, w], m[5, w], m[6, w], m[7, w] = 0.0, across * s * c, across * c, across * s * s
                m[8, w], m[9, w], m[10, w], m[11, w] = gain + keep * gain, -along * s, 0.0, along * c


@njit(nogil=True, error_model="numpy")
def input_state(reuploaded, angles, attenuation, weights, owner, start, scratch, state):  # type: ignore[no-untyped-def]
    """Write |0...0>, or the product of the encoded qubits with every coefficient of weight s multiplied by
    attenuation[s].

    scratch: arrays (4, lanes) and (n + 1, lanes), which are filled, as is state (4^n, lanes); weights (4^n,): of Pauli
    strings.
    """
    bloch, attenuated = scratch
    lanes, n = state.shape[1], angles.shape[1]
    state[0] = 1.0
    for q in range(n):
        for w in range(lanes):
            x = 0.0 if reuploaded else angles[min(start + w, len(owner) - 1), q]
            bloch[1, w], bloch[2, w], bloch[3, w] = np.sin(x) * np.cos(x), np.sin(x) * np.sin(x), np.cos(x)
        for p in range(1, 4):
            factor = load(bloch, p)
            for row in range(4**q):
                store(state, p * 4**q + row, factor * load(state, row))
    if not reuploaded:
        gather(attenuation, owner, start, attenuated)
        for row in range(1, 4**n):
            store(state, row, load(attenuated, weights[row]) * load(state, row))


@njit(**_inlined)
def _affine_row(t, m, j):  # type: ignore[no-untyped-def]
    """Return row j of the map `t` after the map `m`."""
    i, x, y, z = load(t, j), load(t, j + 1), load(t, j + 2), load(t, j + 3)
    return (
        i + x * load(m, 0) + y * load(m, 4) + z * load(m, 8),
        x * load(m, 1) + y * load(m, 5) + z * load(m, 9),
        x * load(m, 2) + y * load(m, 6) + z * load(m, 10),
        x * load(m, 3) + y * load(m, 7) + z * load(m, 11),
    )


@njit(nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def compose(rotations, encoding, maps):  # type: ignore[no-untyped-def]
    """Set maps[layer, q] = rotations after encoding; the map after the last qubit is the identity."""
    layers, n = encoding.shape[0], encoding.shape[1]
    for layer in range(layers):
        for q in range(n):
            for j in range(0, 12, 4):
                i, x, y, z = _affine_row(rotations[layer, q, 0], encoding[layer, q], j)
                store_row(maps[layer, q], j, 1, i, x, y, z)
        maps[layer, n] = 0.0
        for j in range(3):
            maps[layer, n, 5 * j + 1] = 1.0


@njit(nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def before_encoding(correlation, encoding):  # type: ignore[no-untyped-def]
    """Replace E by E X^T, X the 4 x 4 encoding: what the rotations alone are correlated with. In place."""
    for j in range(0, 12, 4):
        i, x, y, z = load(correlation, j), load(correlation, j + 1), load(correlation, j + 2), load(correlation, j + 3)
        for k in range(3):
            m = 4 * k
            value = i * load(encoding, m) + x * load(encoding, m + 1)
            value = value + y * load(encoding, m + 2) + z * load(encoding, m + 3)
            store(correlation, j + k + 1, value)


@njit(nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def contract(correlation, derivative, out, row):  # type: ignore[no-untyped-def]
    """Set out[row] = sum of correlation times derivative of the map."""
    total = load(correlation, 0) * load(derivative, 0)
    for m in range(1, 12):
        total = total + load(correlation, m) * load(derivative, m)
    store(out, row, total)
