"""Compiled: one entangling gate, or a layer of them, on states in the Pauli basis, forwards and backwards.

A state is an array (4^n, lanes): row P holds <P> of every lane, digit q of P in base 4 (I, X, Y, Z) being qubit q's
Pauli. One pass serves one entangling gate: it takes the 16 rows that differ in the gate's two qubits (a `tile`, index
4 a + b with a the control's Pauli), applies the fused one-qubit maps of the qubits that the layer meets first here, the
gate, and its noise. A map is 12 numbers, the rows X, Y, Z of a 4 x 4 matrix whose row I is (1, 0, 0, 0).

The backward pass carries the observable h: with z = h . M s for a map M that acts on state s, the correlation
E = h s^T, summed over the other qubits, gives the derivative of z by every parameter of M.
"""

from __future__ import annotations

from typing import Any

from ceas_ray.kernel.compiled_code import njit
from ceas_ray.quantum.lanes import load, store, zero_lanes

_inlined: dict[str, Any] = {"forceinline": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

CONTROL_GAIN, TARGET_GAIN = 16, 17
"""Rows of a gate's noise after its 16 factors: what damping feeds from I to Z, on the control and on the target."""
GATE_NOISE_ROWS = 18


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
def store_row(state, row, target, i, x, y, z):  # type: ignore[no-untyped-def]
    store(state, row, i)
    store(state, row + target, x)
    store(state, row + 2 * target, y)
    store(state, row + 3 * target, z)


@njit(**_inlined)
def _store_tile(state, base, control, target, v):  # type: ignore[no-untyped-def]
    store_row(state, base, target, v[0], v[1], v[2], v[3])
    store_row(state, base + control, target, v[4], v[5], v[6], v[7])
    store_row(state, base + 2 * control, target, v[8], v[9], v[10], v[11])
    store_row(state, base + 3 * control, target, v[12], v[13], v[14], v[15])


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
    """Apply the transposed map."""
    return (
        i + m[0] * x + m[4] * y + m[8] * z,
        m[1] * x + m[5] * y + m[9] * z,
        m[2] * x + m[6] * y + m[10] * z,
        m[3] * x + m[7] * y + m[11] * z,
    )


@njit(**_inlined)
def _transposed(i, x, y, z):  # type: ignore[no-untyped-def]
    """Return a tile from its four columns, or its columns from its rows."""
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
    """Apply CX (`cz` None) or CZ to a tile: a signed permutation, its own inverse and transpose."""
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
    """Add to e the product (X, Y, Z of the observable) times (I, X, Y, Z of the state)."""
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
    """Apply [maps,] gate and noise. control, target: strides 4^qubit. A map that is None is left out when compiling."""
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
    store_row(out, 0, 1, m[0], m[1], m[2], m[3])
    store_row(out, 4, 1, m[4], m[5], m[6], m[7])
    store_row(out, 8, 1, m[8], m[9], m[10], m[11])


@njit(nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def _gate_adjoint(h, state, strides, control_map, target_map, noise, cz, correlations):  # type: ignore[no-untyped-def]
    """Pull h back through `_gate`, in place; state is what the gate was given. Writes E of the maps, (12, lanes).

    strides, correlations: of the control and of the target.
    """
    control, target = strides
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
        _store_map(correlations[1], e_target)
    if control_map is not None:
        _store_map(correlations[0], e_control)


@njit(nogil=True, error_model="numpy")
def _any_gate(source, into, gate, strides, maps, noise, cz):  # type: ignore[no-untyped-def]
    """Apply a gate with the maps of those qubits that the layer meets first here. gate: control, target, first,
    first.
    """
    control, target = strides[gate[0]], strides[gate[1]]
    if gate[2]:
        _gate(source, into, control, target, maps[gate[0]], maps[gate[1]] if gate[3] else maps[-1], noise, cz)
    elif gate[3]:
        _gate(source, into, control, target, None, maps[gate[1]], noise, cz)
    else:
        _gate(source, into, control, target, None, None, noise, cz)


@njit(nogil=True, error_model="numpy")
def _any_gate_adjoint(h, state, gate, strides, maps, noise, cz, correlations):  # type: ignore[no-untyped-def]
    """Apply the adjoint; correlations (n + 1, 12, lanes), the last one to be thrown away."""
    c, t = gate[0], gate[1]
    of_gate = strides[c], strides[t]
    if gate[2]:
        t = t if gate[3] else len(maps) - 1
        _gate_adjoint(h, state, of_gate, maps[c], maps[t], noise, cz, (correlations[c], correlations[t]))
    elif gate[3]:
        _gate_adjoint(h, state, of_gate, None, maps[t], noise, cz, (correlations[c], correlations[t]))
    else:
        _gate_adjoint(h, state, of_gate, None, None, noise, cz, (correlations[c], correlations[t]))


@njit(nogil=True, error_model="numpy")
def apply_layer(states, last, gates, strides, maps, noise, is_cz):  # type: ignore[no-untyped-def]
    """Apply all gates of a layer, from states[0] through the following states to `last`."""
    for g in range(len(gates)):
        into = last if g == len(gates) - 1 else states[g + 1]
        if is_cz:
            _any_gate(states[g], into, gates[g], strides, maps, noise[g], 1)
        else:
            _any_gate(states[g], into, gates[g], strides, maps, noise[g], None)


@njit(nogil=True, error_model="numpy")
def apply_layer_adjoint(h, states, gates, strides, maps, noise, is_cz, correlations):  # type: ignore[no-untyped-def]
    """Pull h back through a layer, in place; states[g] is what gate g was given; see `_any_gate_adjoint`."""
    for g in range(len(gates) - 1, -1, -1):
        if is_cz:
            _any_gate_adjoint(h, states[g], gates[g], strides, maps, noise[g], 1, correlations)
        else:
            _any_gate_adjoint(h, states[g], gates[g], strides, maps, noise[g], None, correlations)
