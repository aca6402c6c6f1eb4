"""Compiled passes over density matrices in the Pauli basis; `pauli_engine` is their front.

A state is an array (4^n, lanes): row P holds <P> of every lane, digit q of P in base 4 (I, X, Y, Z) being qubit q's
Pauli. One pass serves one entangling gate: it takes the 16 rows that differ in the gate's two qubits (a `tile`, index
4 a + b with a the control's Pauli), applies the fused one-qubit maps of the qubits that the layer meets first here, the
gate, and its noise. A map is 12 numbers, the rows X, Y, Z of a 4 x 4 matrix whose row I is (1, 0, 0, 0).

The backward pass carries the observable h: with z = h . M s for a map M that acts on state s, the correlation
E = h s^T, summed over the other qubits, gives the derivative of z by every parameter of M.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ceas_ray.kernel.compiled_code import COMPILED, njit
from ceas_ray.quantum.gate_noise import Noise
from ceas_ray.quantum.lanes import load, store, zero_lanes

_inlined: dict[str, Any] = {"forceinline": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

CONTROL_GAIN, TARGET_GAIN = 16, 17
"""Rows of a gate's noise after its 16 factors: what damping feeds from I to Z, on the control and on the target."""
GATE_NOISE_ROWS = 18

_P1, _G1, _L1 = (int(c) for c in (Noise.ONE_QUBIT_DEPOLARIZING, Noise.ONE_QUBIT_DAMPING, Noise.ONE_QUBIT_DEPHASING))
_P2, _G2, _L2 = (int(c) for c in (Noise.TWO_QUBIT_DEPOLARIZING, Noise.TWO_QUBIT_DAMPING, Noise.TWO_QUBIT_DEPHASING))


# --- tiles ------------------------------------------------------------------------------------------------------------


@njit(**_inlined)
def _load_tile(state, base, control, target):  # type: ignore[no-untyped-def]
    x, y, z = base + control, base + 2 * control, base + 3 * control
    return (
        load(state, base), load(state, base + target), load(state, base + 2 * target), load(state, base + 3 * target),
        load(state, x), load(state, x + target), load(state, x + 2 * target), load(state, x + 3 * target),
        load(state, y), load(state, y + target), load(state, y + 2 * target), load(state, y + 3 * target),
        load(state, z), load(state, z + target), load(state, z + 2 * target), load(state, z + 3 * target),
    )  # fmt: skip


@njit(**_inlined)
def _store_row(state, row, target, i, x, y, z):  # type: ignore[no-untyped-def]
    store(state, row, i)
    store(state, row + target, x)
    store(state, row + 2 * target, y)
    store(state, row + 3 * target, z)


@njit(**_inlined)
def _store_tile(state, base, control, target, v):  # type: ignore[no-untyped-def]
    _store_row(state, base, target, v[0], v[1], v[2], v[3])
    _store_row(state, base + control, target, v[4], v[5], v[6], v[7])
    _store_row(state, base + 2 * control, target, v[8], v[9], v[10], v[11])
    _store_row(state, base + 3 * control, target, v[12], v[13], v[14], v[15])


@njit(**_inlined)
def _load_map(m):  # type: ignore[no-untyped-def]
    return (
        load(m, 0), load(m, 1), load(m, 2), load(m, 3), load(m, 4), load(m, 5),
        load(m, 6), load(m, 7), load(m, 8), load(m, 9), load(m, 10), load(m, 11),
    )  # fmt: skip


@njit(**_inlined)
def _apply(m, i, x, y, z):  # type: ignore[no-untyped-def]
    """Apply one qubit's map to its four coefficients."""
    return (
        i,
        m[0] * i + m[1] * x + m[2] * y + m[3] * z,
        m[4] * i + m[5] * x + m[6] * y + m[7] * z,
        m[8] * i + m[9] * x + m[10] * y + m[11] * z,
    )


@njit(**_inlined)
def _apply_adjoint(m, i, x, y, z):  # type: ignore[no-untyped-def]
    """The transposed map."""
    return (
        i + m[0] * x + m[4] * y + m[8] * z,
        m[1] * x + m[5] * y + m[9] * z,
        m[2] * x + m[6] * y + m[10] * z,
        m[3] * x + m[7] * y + m[11] * z,
    )


@njit(**_inlined)
def _transposed(i, x, y, z):  # type: ignore[no-untyped-def]
    """A tile from its four columns, or its columns from its rows."""
    return (
        i[0], x[0], y[0], z[0], i[1], x[1], y[1], z[1],
        i[2], x[2], y[2], z[2], i[3], x[3], y[3], z[3],
    )  # fmt: skip


@njit(**_inlined)
def _map_target(m, v):  # type: ignore[no-untyped-def]
    return (
        _apply(m, v[0], v[1], v[2], v[3])
        + _apply(m, v[4], v[5], v[6], v[7])
        + _apply(m, v[8], v[9], v[10], v[11])
        + _apply(m, v[12], v[13], v[14], v[15])
    )


@njit(**_inlined)
def _map_control(m, v):  # type: ignore[no-untyped-def]
    return _transposed(
        _apply(m, v[0], v[4], v[8], v[12]),
        _apply(m, v[1], v[5], v[9], v[13]),
        _apply(m, v[2], v[6], v[10], v[14]),
        _apply(m, v[3], v[7], v[11], v[15]),
    )


@njit(**_inlined)
def _map_target_adjoint(m, v):  # type: ignore[no-untyped-def]
    return (
        _apply_adjoint(m, v[0], v[1], v[2], v[3])
        + _apply_adjoint(m, v[4], v[5], v[6], v[7])
        + _apply_adjoint(m, v[8], v[9], v[10], v[11])
        + _apply_adjoint(m, v[12], v[13], v[14], v[15])
    )


@njit(**_inlined)
def _map_control_adjoint(m, v):  # type: ignore[no-untyped-def]
    return _transposed(
        _apply_adjoint(m, v[0], v[4], v[8], v[12]),
        _apply_adjoint(m, v[1], v[5], v[9], v[13]),
        _apply_adjoint(m, v[2], v[6], v[10], v[14]),
        _apply_adjoint(m, v[3], v[7], v[11], v[15]),
    )


@njit(**_inlined)
def _entangle(cz, v):  # type: ignore[no-untyped-def]
    """CX (`cz` None) or CZ on a tile: a signed permutation, its own inverse and transpose."""
    (ii, ix, iy, iz, xi, xx, xy, xz, yi, yx, yy, yz, zi, zx, zy, zz) = v
    if cz is None:
        return (ii, ix, zy, zz, xx, xi, yz, -yy, yx, yi, -xz, xy, zi, zx, iy, iz)
    return (ii, zx, zy, iz, xz, yy, -yx, xi, yz, -xy, xx, yi, zi, ix, iy, zz)


@njit(**_inlined)
def _scale(noise, v):  # type: ignore[no-untyped-def]
    return (
        v[0], load(noise, 1) * v[1], load(noise, 2) * v[2], load(noise, 3) * v[3],
        load(noise, 4) * v[4], load(noise, 5) * v[5], load(noise, 6) * v[6], load(noise, 7) * v[7],
        load(noise, 8) * v[8], load(noise, 9) * v[9], load(noise, 10) * v[10], load(noise, 11) * v[11],
        load(noise, 12) * v[12], load(noise, 13) * v[13], load(noise, 14) * v[14], load(noise, 15) * v[15],
    )  # fmt: skip


@njit(**_inlined)
def _add_gate_noise(noise, v):  # type: ignore[no-untyped-def]
    """Shrink every coefficient, then let damping feed Z from I, on the control and on the target."""
    c, t = load(noise, CONTROL_GAIN), load(noise, TARGET_GAIN)
    (ii, ix, iy, iz, xi, xx, xy, xz, yi, yx, yy, yz, zi, zx, zy, zz) = _scale(noise, v)
    zi = zi + c * ii
    return (
        ii, ix, iy, iz + t * ii, xi, xx, xy, xz + t * xi,
        yi, yx, yy, yz + t * yi, zi, zx + c * ix, zy + c * iy, zz + c * iz + t * zi,
    )  # fmt: skip


@njit(**_inlined)
def _add_gate_noise_adjoint(noise, v):  # type: ignore[no-untyped-def]
    c, t = load(noise, CONTROL_GAIN), load(noise, TARGET_GAIN)
    (ii, ix, iy, iz, xi, xx, xy, xz, yi, yx, yy, yz, zi, zx, zy, zz) = v
    zi = zi + t * zz
    return _scale(
        noise,
        (
            ii + t * iz + c * zi, ix + c * zx, iy + c * zy, iz + c * zz,
            xi + t * xz, xx, xy, xz, yi + t * yz, yx, yy, yz, zi, zx, zy, zz,
        ),
    )  # fmt: skip


@njit(**_inlined)
def _correlate_row(e, v, i, x, y, z):  # type: ignore[no-untyped-def]
    """e += (X, Y, Z of the observable) times (I, X, Y, Z of the state)."""
    return (
        e[0] + v[0] * i, e[1] + v[0] * x, e[2] + v[0] * y, e[3] + v[0] * z,
        e[4] + v[1] * i, e[5] + v[1] * x, e[6] + v[1] * y, e[7] + v[1] * z,
        e[8] + v[2] * i, e[9] + v[2] * x, e[10] + v[2] * y, e[11] + v[2] * z,
    )  # fmt: skip


@njit(**_inlined)
def _correlate_target(e, v, s):  # type: ignore[no-untyped-def]
    e = _correlate_row(e, (v[1], v[2], v[3]), s[0], s[1], s[2], s[3])
    e = _correlate_row(e, (v[5], v[6], v[7]), s[4], s[5], s[6], s[7])
    e = _correlate_row(e, (v[9], v[10], v[11]), s[8], s[9], s[10], s[11])
    return _correlate_row(e, (v[13], v[14], v[15]), s[12], s[13], s[14], s[15])


@njit(**_inlined)
def _correlate_control(e, v, s):  # type: ignore[no-untyped-def]
    e = _correlate_row(e, (v[4], v[8], v[12]), s[0], s[4], s[8], s[12])
    e = _correlate_row(e, (v[5], v[9], v[13]), s[1], s[5], s[9], s[13])
    e = _correlate_row(e, (v[6], v[10], v[14]), s[2], s[6], s[10], s[14])
    return _correlate_row(e, (v[7], v[11], v[15]), s[3], s[7], s[11], s[15])


# --- one gate ---------------------------------------------------------------------------------------------------------


@njit(nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def _gate(source, into, control, target, control_map, target_map, noise, cz):  # type: ignore[no-untyped-def]
    """[maps,] gate and noise. control, target: strides 4^qubit. A map that is None is left out when compiling."""
    if control_map is not None:
        m_control = _load_map(control_map)
    if target_map is not None:
        m_target = _load_map(target_map)
    low, high = min(control, target), max(control, target)
    for above in range(0, source.shape[0], 4 * high):
        for middle in range(above, above + high, 4 * low):
            for base in range(middle, middle + low):
                v = _load_tile(source, base, control, target)
                if control_map is not None:
                    v = _map_control(m_control, v)
                if target_map is not None:
                    v = _map_target(m_target, v)
                _store_tile(into, base, control, target, _add_gate_noise(noise, _entangle(cz, v)))


@njit(**_inlined)
def _no_correlation(h):  # type: ignore[no-untyped-def]
    o = zero_lanes(h)
    return (o, o, o, o, o, o, o, o, o, o, o, o)


@njit(**_inlined)
def _store_map(out, m):  # type: ignore[no-untyped-def]
    _store_row(out, 0, 1, m[0], m[1], m[2], m[3])
    _store_row(out, 4, 1, m[4], m[5], m[6], m[7])
    _store_row(out, 8, 1, m[8], m[9], m[10], m[11])


@njit(nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def _gate_adjoint(  # type: ignore[no-untyped-def]
    h, state, control, target, control_map, target_map, noise, cz, control_correlation, target_correlation
):
    """Pull h back through `_gate`, in place; state is what the gate was given. Writes E of the maps, (12, lanes)."""
    if control_map is not None:
        m_control = _load_map(control_map)
    if target_map is not None:
        m_target = _load_map(target_map)
    e_control, e_target = _no_correlation(h), _no_correlation(h)
    low, high = min(control, target), max(control, target)
    for above in range(0, h.shape[0], 4 * high):
        for middle in range(above, above + high, 4 * low):
            for base in range(middle, middle + low):
                v = _entangle(cz, _add_gate_noise_adjoint(noise, _load_tile(h, base, control, target)))
                if target_map is not None:
                    s = _load_tile(state, base, control, target)
                    if control_map is not None:
                        s = _map_control(m_control, s)
                    e_target = _correlate_target(e_target, v, s)
                    v = _map_target_adjoint(m_target, v)
                if control_map is not None:
                    e_control = _correlate_control(e_control, v, _load_tile(state, base, control, target))
                    v = _map_control_adjoint(m_control, v)
                _store_tile(h, base, control, target, v)
    if target_map is not None:
        _store_map(target_correlation, e_target)
    if control_map is not None:
        _store_map(control_correlation, e_control)


@njit(nogil=True, error_model="numpy")
def _any_gate(source, into, gate, strides, maps, noise, cz):  # type: ignore[no-untyped-def]
    """A gate with the maps of those qubits that the layer meets first here. gate: control, target, first, first."""
    control, target = strides[gate[0]], strides[gate[1]]
    if gate[2]:
        _gate(source, into, control, target, maps[gate[0]], maps[gate[1]] if gate[3] else maps[-1], noise, cz)
    elif gate[3]:
        _gate(source, into, control, target, None, maps[gate[1]], noise, cz)
    else:
        _gate(source, into, control, target, None, None, noise, cz)


@njit(nogil=True, error_model="numpy")
def _any_gate_adjoint(h, state, gate, strides, maps, noise, cz, correlations):  # type: ignore[no-untyped-def]
    """The adjoint; correlations (n + 1, 12, lanes), the last one to be thrown away."""
    c, t = gate[0], gate[1]
    control, target = strides[c], strides[t]
    if gate[2]:
        t = t if gate[3] else len(maps) - 1
        _gate_adjoint(h, state, control, target, maps[c], maps[t], noise, cz, correlations[c], correlations[t])
    elif gate[3]:
        _gate_adjoint(h, state, control, target, None, maps[t], noise, cz, correlations[c], correlations[t])
    else:
        _gate_adjoint(h, state, control, target, None, None, noise, cz, correlations[c], correlations[t])


@njit(nogil=True, error_model="numpy")
def _layer(states, offset, last, gates, strides, maps, noise, is_cz):  # type: ignore[no-untyped-def]
    """Apply all gates of a layer, from states[offset] through the following states to `last`."""
    for g in range(len(gates)):
        into = last if g == len(gates) - 1 else states[offset + g + 1]
        if is_cz:
            _any_gate(states[offset + g], into, gates[g], strides, maps, noise[g], 1)
        else:
            _any_gate(states[offset + g], into, gates[g], strides, maps, noise[g], None)


@njit(nogil=True, error_model="numpy")
def _layer_adjoint(h, states, offset, gates, strides, maps, noise, is_cz, correlations):  # type: ignore[no-untyped-def]
    for g in range(len(gates) - 1, -1, -1):
        if is_cz:
            _any_gate_adjoint(h, states[offset + g], gates[g], strides, maps, noise[g], 1, correlations)
        else:
            _any_gate_adjoint(h, states[offset + g], gates[g], strides, maps, noise[g], None, correlations)


# --- maps of one processor, in float64 --------------------------------------------------------------------------------


@njit(error_model="numpy")
def _rotation(axis, angle, order, out):  # type: ignore[no-untyped-def]
    """RY (axis 0) or RZ (axis 1), or its derivative of the given order, as a 4 x 4 map."""
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
    """(s, e, g) of the channel after a one-qubit gate: X, Y -> s X, s Y and Z -> e Z + g I."""
    kept, damping = 1.0 - noise[_P1], noise[_G1]
    return kept * np.sqrt(1.0 - damping) * (1.0 - noise[_L1]), kept * (1.0 - damping), damping


@njit(error_model="numpy")
def _follow(gate, noise, total, scratch):  # type: ignore[no-untyped-def]
    """total <- one-qubit noise . gate . total."""
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
    """A qubit's rotations of a layer as one map, and its first and second derivative by each of its angles.

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
    """Factors and gains of every entangling gate, rows (Q, L, G, 18), from noise (Q, L, n, 7).

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
def _new_owners(owner, start, known):  # type: ignore[no-untyped-def]
    """Return whether the lanes of this block belong to other processors than those of `known`, which is brought up to
    date."""
    new = False
    for w in range(len(known)):
        k = owner[min(start + w, len(owner) - 1)]
        new = new or known[w] != k
        known[w] = k
    return new


@njit(nogil=True, error_model="numpy")
def _gather(table, owner, start, out):  # type: ignore[no-untyped-def]
    """out[..., w] = table[owner of lane w, ...], flattened: table (Q, K), out (K, lanes)."""
    for w in range(out.shape[1]):
        row = table[owner[min(start + w, len(owner) - 1)]]
        for i in range(out.shape[0]):
            out[i, w] = row[i]


@njit(nogil=True, error_model="numpy")
def _encoding_maps(reuploaded, hops, angles, noise, owner, start, out):  # type: ignore[no-untyped-def]
    """Fill in what comes before the rotations of a layer: a teleportation where there is one, the encoding when
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
def _input_state(reuploaded, angles, attenuation, weights, owner, start, bloch, attenuated, state):  # type: ignore[no-untyped-def]
    """|0...0>, or the product of the encoded qubits with every coefficient of weight s multiplied by attenuation[s].

    bloch (4, lanes), attenuated (n + 1, lanes) and state (4^n, lanes) are filled; weights (4^n,): of Pauli strings.
    """
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
        _gather(attenuation, owner, start, attenuated)
        for row in range(1, 4**n):
            store(state, row, load(attenuated, weights[row]) * load(state, row))


@njit(**_inlined)
def _affine_row(t, m, j):  # type: ignore[no-untyped-def]
    """Row j of the map `t` after the map `m`."""
    i, x, y, z = load(t, j), load(t, j + 1), load(t, j + 2), load(t, j + 3)
    return (
        i + x * load(m, 0) + y * load(m, 4) + z * load(m, 8),
        x * load(m, 1) + y * load(m, 5) + z * load(m, 9),
        x * load(m, 2) + y * load(m, 6) + z * load(m, 10),
        x * load(m, 3) + y * load(m, 7) + z * load(m, 11),
    )


@njit(nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def _compose(rotations, encoding, maps):  # type: ignore[no-untyped-def]
    """maps[layer, q] = rotations after encoding; the map after the last qubit is the identity."""
    layers, n = encoding.shape[0], encoding.shape[1]
    for layer in range(layers):
        for q in range(n):
            for j in range(0, 12, 4):
                i, x, y, z = _affine_row(rotations[layer, q, 0], encoding[layer, q], j)
                _store_row(maps[layer, q], j, 1, i, x, y, z)
        maps[layer, n] = 0.0
        for j in range(3):
            maps[layer, n, 5 * j + 1] = 1.0


@njit(nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def _before_encoding(correlation, encoding):  # type: ignore[no-untyped-def]
    """E <- E X^T, X the 4 x 4 encoding: what the rotations alone are correlated with. In place."""
    for j in range(0, 12, 4):
        i, x, y, z = load(correlation, j), load(correlation, j + 1), load(correlation, j + 2), load(correlation, j + 3)
        for k in range(3):
            m = 4 * k
            value = i * load(encoding, m) + x * load(encoding, m + 1)
            value = value + y * load(encoding, m + 2) + z * load(encoding, m + 3)
            store(correlation, j + k + 1, value)


@njit(nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def _contract(correlation, derivative, out, row):  # type: ignore[no-untyped-def]
    """out[row] = sum of correlation times derivative of the map."""
    total = load(correlation, 0) * load(derivative, 0)
    for m in range(1, 12):
        total = total + load(correlation, m) * load(derivative, m)
    store(out, row, total)


def workspace_rows(layers: int, gates: int, coefficients: int, keep_all: bool) -> int:
    """Rows of lanes for the states of a forward pass, the one after it, and h; `gates` in each layer."""
    return coefficients * (2 + (layers * gates if keep_all else gates + layers))


class Problem(NamedTuple):
    """A circuit and its lanes, as all passes take them.

    gates (L, G, 4), strides (n,), weights (4^n,), hops (Q, L, n): the Werner parameter of the pair that teleports a
    qubit on before a layer, 1 where none does; angles (B, n), noise (Q, L, n, 7), attenuation (Q, n + 1), owner (B,),
    rotations (Q, L, n, 1 + 2 R, 12), gate_rows (Q, L, G, 18).
    """

    gates: Any
    strides: Any
    weights: Any
    is_cz: bool
    reuploaded: bool
    hops: Any
    angles: Any
    noise: Any
    attenuation: Any
    owner: Any
    rotations: Any
    gate_rows: Any


@njit(**COMPILED)
def reverse_mode(  # type: ignore[no-untyped-def]
    problem, cotangent, first_block, block_step, keep_all, empty, workspace, found
):
    """Compute all outputs, and the derivatives of sum_k cotangent_k z_k, for every block_step-th block of lanes.

    cotangent (B, K). found: values (B, K), first (B, P) and, unless it has no rows, second (B, P) are filled. keep_all:
    keep all states of the forward pass; if not, those at the start of each layer, and run each layer again. empty: an
    array (0, lanes) of the dtype to compute in; workspace: as many rows as `workspace_rows` says.
    """
    gates, strides, weights, is_cz, reuploaded, hops, angles, noise, attenuation, owner, rotations, gate_rows = problem
    values, first, second = found
    layers, count = gates.shape[0], gates.shape[1]
    n, size, lanes = len(strides), len(weights), empty.shape[1]
    orders = rotations.shape[3]
    parts = workspace.reshape(-1, size, lanes)
    end, h, kept = parts[0], parts[1], count * (layers if keep_all else 1)
    states, starts = parts[2 : 2 + kept], parts[2 + kept :]
    turned = np.empty((layers, n, orders, 12, lanes), empty.dtype)
    encoding = np.empty((layers, n, 12, lanes), empty.dtype)
    maps = np.empty((layers, n + 1, 12, lanes), empty.dtype)
    noise_rows = np.empty((layers, count, GATE_NOISE_ROWS, lanes), empty.dtype)
    correlations = np.empty((n + 1, 12, lanes), empty.dtype)
    bloch, attenuated = np.empty((4, lanes), empty.dtype), np.empty((n + 1, lanes), empty.dtype)
    derivatives = np.empty((orders - 1, lanes), empty.dtype)
    flat_rotations, flat_rows = rotations.reshape(len(rotations), -1), gate_rows.reshape(len(gate_rows), -1)
    owners = np.full(lanes, -1)
    for start in range(first_block * lanes, len(owner), block_step * lanes):
        if _new_owners(owner, start, owners):
            _gather(flat_rotations, owner, start, turned.reshape(-1, lanes))
            _gather(flat_rows, owner, start, noise_rows.reshape(-1, lanes))
        _encoding_maps(reuploaded, hops, angles, noise, owner, start, encoding)
        _compose(turned, encoding, maps)
        _input_state(reuploaded, angles, attenuation, weights, owner, start, bloch, attenuated, states[0])
        for layer in range(layers):
            last = layer == layers - 1
            if keep_all:
                into = end if last else states[(layer + 1) * count]
                _layer(states, layer * count, into, gates[layer], strides, maps[layer], noise_rows[layer], is_cz)
            else:
                starts[layer] = states[0]
                _layer(states, 0, end, gates[layer], strides, maps[layer], noise_rows[layer], is_cz)
                if not last:
                    states[0] = end
        filled = min(lanes, len(owner) - start)
        h[:] = 0.0
        for k in range(values.shape[1]):
            for w in range(filled):
                values[start + w, k] = end[3 * strides[k], w]
                h[3 * strides[k], w] = cotangent[start + w, k]
        for layer in range(layers - 1, -1, -1):
            if not keep_all and layer < layers - 1:
                states[0] = starts[layer]
                _layer(states, 0, end, gates[layer], strides, maps[layer], noise_rows[layer], is_cz)
            offset = layer * count if keep_all else 0
            _layer_adjoint(
                h, states, offset, gates[layer], strides, maps[layer], noise_rows[layer], is_cz, correlations
            )
            for q in range(n):
                _before_encoding(correlations[q], encoding[layer, q])
                for d in range(orders - 1):
                    _contract(correlations[q], turned[layer, q, d + 1], derivatives, d)
                angle = (layer * n + q) * ((orders - 1) // 2)
                for w in range(filled):
                    for r in range((orders - 1) // 2):
                        first[start + w, angle + r] = derivatives[2 * r, w]
                if len(second) > 0:
                    for w in range(filled):
                        for r in range((orders - 1) // 2):
                            second[start + w, angle + r] = derivatives[2 * r + 1, w]


@njit(**COMPILED)
def forward(problem, first_block, block_step, empty, values):  # type: ignore[no-untyped-def]
    """Compute all outputs only; arguments as `reverse_mode`."""
    gates, strides, weights, is_cz, reuploaded, hops, angles, noise, attenuation, owner, rotations, gate_rows = problem
    layers, count = gates.shape[0], gates.shape[1]
    n, size, lanes = len(strides), len(weights), empty.shape[1]
    states = np.empty((1, size, lanes), empty.dtype)
    turned = np.empty((layers, n, rotations.shape[3], 12, lanes), empty.dtype)
    encoding = np.empty((layers, n, 12, lanes), empty.dtype)
    maps = np.empty((layers, n + 1, 12, lanes), empty.dtype)
    noise_rows = np.empty((layers, count, GATE_NOISE_ROWS, lanes), empty.dtype)
    bloch, attenuated = np.empty((4, lanes), empty.dtype), np.empty((n + 1, lanes), empty.dtype)
    flat_rotations, flat_rows = rotations.reshape(len(rotations), -1), gate_rows.reshape(len(gate_rows), -1)
    owners = np.full(lanes, -1)
    for start in range(first_block * lanes, len(owner), block_step * lanes):
        if _new_owners(owner, start, owners):
            _gather(flat_rotations, owner, start, turned.reshape(-1, lanes))
            _gather(flat_rows, owner, start, noise_rows.reshape(-1, lanes))
        _encoding_maps(reuploaded, hops, angles, noise, owner, start, encoding)
        _compose(turned, encoding, maps)
        _input_state(reuploaded, angles, attenuation, weights, owner, start, bloch, attenuated, states[0])
        for layer in range(layers):
            for g in range(count):
                _layer(
                    states, 0, states[0], gates[layer, g : g + 1], strides, maps[layer], noise_rows[layer, g : g + 1],
                    is_cz,
                )  # fmt: skip
        for k in range(values.shape[1]):
            for w in range(min(lanes, len(owner) - start)):
                values[start + w, k] = states[0, 3 * strides[k], w]


@njit(**COMPILED)
def pull_back(problem, cotangent, empty, pulled):  # type: ignore[no-untyped-def]
    """Fill pulled (B, 4^n): sum_k cotangent_k Z_k pulled back to the input of each lane; see `reverse_mode`."""
    gates, strides, weights, is_cz, reuploaded, hops, angles, noise, _, owner, rotations, gate_rows = problem
    layers, count = gates.shape[0], gates.shape[1]
    n, size, lanes = len(strides), len(weights), empty.shape[1]
    h = np.empty((1, size, lanes), empty.dtype)
    turned = np.empty((layers, n, rotations.shape[3], 12, lanes), empty.dtype)
    encoding = np.empty((layers, n, 12, lanes), empty.dtype)
    maps = np.empty((layers, n + 1, 12, lanes), empty.dtype)
    noise_rows = np.empty((layers, count, GATE_NOISE_ROWS, lanes), empty.dtype)
    correlations = np.empty((n + 1, 12, lanes), empty.dtype)
    flat_rotations, flat_rows = rotations.reshape(len(rotations), -1), gate_rows.reshape(len(gate_rows), -1)
    owners = np.full(lanes, -1)
    for start in range(0, len(owner), lanes):
        if _new_owners(owner, start, owners):
            _gather(flat_rotations, owner, start, turned.reshape(-1, lanes))
            _gather(flat_rows, owner, start, noise_rows.reshape(-1, lanes))
        _encoding_maps(reuploaded, hops, angles, noise, owner, start, encoding)
        _compose(turned, encoding, maps)
        filled = min(lanes, len(owner) - start)
        h[:] = 0.0
        for k in range(cotangent.shape[1]):
            for w in range(filled):
                h[0, 3 * strides[k], w] = cotangent[start + w, k]
        for layer in range(layers - 1, -1, -1):
            for g in range(count - 1, -1, -1):
                _layer_adjoint(
                    h[0], h, 0, gates[layer, g : g + 1], strides, maps[layer], noise_rows[layer, g : g + 1], is_cz,
                    correlations,
                )  # fmt: skip
        for w in range(filled):
            pulled[start + w] = h[0, :, w]
