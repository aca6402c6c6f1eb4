"""The exact engine: density matrices in the Pauli basis, reverse mode, many processors' samples side by side.

A state is its 4^n expectation values <P>, P a Pauli string with digit q in base 4 (I, X, Y, Z) for qubit q. All gates
and channels are then real linear maps: a fused affine map (3 x 4) per qubit and layer, and for each entangling gate a
signed permutation of 16 values with its noise. LANES samples ("lanes") lie in the innermost axis; no lane ever sees
another, so the results do not depend on what is packed together.

Derivatives: with R(theta) = A + B cos(theta) + C sin(theta) for each rotation, z(theta +- pi/2) = z + z'' +- z' holds
exactly, and one backward pass gives z' and z'' of every parameter.

A row of noise is (p1, g1, p2, g2, r): depolarizing p1 (rho -> (1 - p1) rho + p1 I/2) then amplitude damping g1 after
every one-qubit gate; depolarizing p2 of both qubits, then damping g2 of each, after every entangling gate; r is the
readout error, which the estimator applies.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ceas_ray.quantum.circuit import Circuit, entangler_table

LANES = 8
"""Samples that are computed together: the width of a vector register of float64 on current processors."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_compiled: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz"},
}


class ShiftedValues(NamedTuple):
    """z(theta_i +- pi/2) = value + second_i +- first_i. Shapes (B,), (B, P), (B, P)."""

    value: Floats
    first: Floats
    second: Floats


def shifted_values(
    circuit: Circuit,
    angles: Floats,
    parameters: Floats,
    noise: Floats,
    shrink: Floats,
    owner: Integers,
    output: Integers,
) -> ShiftedValues:
    """One output of each lane, and its first and second derivative by every parameter.

    angles: encoding angles (B, n), rad. parameters (Q, P), noise (Q, 5), shrink (Q, n + 1): per processor; shrink[s]
    multiplies every input Pauli coefficient of weight s (teleported inputs only). owner (B,): the lane's processor.
    output (B,): k of its <Z_k>. Without readout error.
    """
    inputs = _checked(circuit, angles, parameters, noise, shrink, owner)
    lanes = len(owner)
    value = np.empty(lanes)
    first, second = np.empty((lanes, circuit.parameter_count)), np.empty((lanes, circuit.parameter_count))
    _shifted_values(*inputs, np.ascontiguousarray(output, np.int64), value, first, second)
    return ShiftedValues(value, first, second)


def expectations(
    circuit: Circuit, angles: Floats, parameters: Floats, noise: Floats, shrink: Floats, owner: Integers
) -> Floats:
    """All outputs <Z_k> of each lane from one forward pass, shape (B, outputs); arguments as `shifted_values`."""
    values = np.empty((len(owner), circuit.outputs))
    _expectations(*_checked(circuit, angles, parameters, noise, shrink, owner), values)
    return values


def pulled_back_outputs(circuit: Circuit, parameters: Floats, noise: Floats) -> Floats:
    """The outputs' observables pulled back to the encoded input: z_k = sum_P h_kP <P>, shape (Q, outputs, 4^n).

    For inputs that are encoded once (ValueError otherwise). parameters (Q, P), noise (Q, 5), per processor.
    """
    if circuit.reuploaded:
        raise ValueError("an observable can be pulled back to the input only when inputs are encoded once")
    processors, outputs = len(parameters), circuit.outputs
    inputs = _checked(
        circuit,
        np.zeros((processors * outputs, circuit.qubits)),
        parameters,
        noise,
        np.ones((processors, circuit.qubits + 1)),
        np.repeat(np.arange(processors), outputs),
    )
    pulled = np.empty((processors * outputs, 4**circuit.qubits))
    _pulled_back(*inputs, np.tile(np.arange(outputs), processors), pulled)
    return pulled.reshape(processors, outputs, -1)


def _checked(
    circuit: Circuit, angles: Floats, parameters: Floats, noise: Floats, shrink: Floats, owner: Integers
) -> tuple[Any, ...]:
    lanes, processors, n = len(owner), len(parameters), circuit.qubits
    wanted = {
        "angles": (angles, (lanes, n)),
        "parameters": (parameters, (processors, circuit.parameter_count)),
        "noise": (noise, (processors, 5)),
        "shrink": (shrink, (processors, n + 1)),
    }
    for name, (array, shape) in wanted.items():
        if np.shape(array) != shape:
            raise ValueError(f"{name} must have shape {shape}, got {np.shape(array)}")
    ring = np.array(circuit.ring, dtype=np.int64).reshape(-1, 2)
    return (
        n,
        circuit.layers,
        circuit.reuploaded,
        ring,
        *entangler_table(circuit.entangler),
        np.ascontiguousarray(angles, np.float64),
        np.ascontiguousarray(parameters, np.float64).reshape(processors, circuit.layers, n, 2),
        np.ascontiguousarray(noise, np.float64),
        np.ascontiguousarray(shrink, np.float64),
        np.ascontiguousarray(owner, np.int64),
    )


# --- one-qubit maps: 12 numbers, the rows X, Y, Z of a 4 x 4 map whose row I is (1, 0, 0, 0) --------------------------


@njit(**_compiled)
def _rotation(axis, angle, order, out):  # type: ignore[no-untyped-def]
    """RY (axis 0) or RZ (axis 1), or its derivative of the given order, as a full 4 x 4 map."""
    c, s = np.cos(angle), np.sin(angle)
    if order == 1:
        c, s = -s, c
    elif order == 2:
        c, s = -c, -s
    out[:] = 0.0
    if order == 0:
        out[0, 0] = 1.0
        out[2 + axis, 2 + axis] = 1.0
    if axis == 0:
        out[1, 1], out[1, 3], out[3, 1], out[3, 3] = c, s, -s, c
    else:
        out[1, 1], out[1, 2], out[2, 1], out[2, 2] = c, -s, s, c


@njit(**_compiled)
def _add_noise(depolarizing, damping, m):  # type: ignore[no-untyped-def]
    """m <- amplitude damping . depolarizing . m."""
    keep, transverse = 1.0 - depolarizing, np.sqrt(1.0 - damping)
    for k in range(4):
        m[1, k] *= keep * transverse
        m[2, k] *= keep * transverse
        m[3, k] = keep * (1.0 - damping) * m[3, k] + damping * m[0, k]


@njit(**_compiled)
def _product(a, b, out):  # type: ignore[no-untyped-def]
    for j in range(4):
        for k in range(4):
            out[j, k] = a[j, 0] * b[0, k] + a[j, 1] * b[1, k] + a[j, 2] * b[2, k] + a[j, 3] * b[3, k]


@njit(**_compiled)
def _gate_map(x, theta, noise, encoded, ry_order, rz_order, out, scratch):  # type: ignore[no-untyped-def]
    """[encoding RY(x) RZ(x),] RY(theta_0), RZ(theta_1), each with its noise; the orders ask for derivatives."""
    gate, total = scratch[0], scratch[1]
    out[:] = 0.0
    for j in range(4):
        out[j, j] = 1.0
    for g in range(0 if encoded else 2, 4):
        angle = x if g < 2 else theta[g - 2]
        order = ry_order if g == 2 else (rz_order if g == 3 else 0)
        _rotation(g % 2, angle, order, gate)
        _add_noise(noise[0], noise[1], gate)
        _product(gate, out, total)
        out[:] = total


# --- passes over the state, shape (4^n, LANES) ------------------------------------------------------------------------


@njit(**_compiled)
def _apply_map(source, m, stride, target):  # type: ignore[no-untyped-def]
    """One qubit's map (12, LANES) on every group of four coefficients."""
    for base in range(0, source.shape[0], 4 * stride):
        for i in range(base, base + stride):
            for w in range(LANES):
                v0, v1 = source[i, w], source[i + stride, w]
                v2, v3 = source[i + 2 * stride, w], source[i + 3 * stride, w]
                target[i, w] = v0
                target[i + stride, w] = m[0, w] * v0 + m[1, w] * v1 + m[2, w] * v2 + m[3, w] * v3
                target[i + 2 * stride, w] = m[4, w] * v0 + m[5, w] * v1 + m[6, w] * v2 + m[7, w] * v3
                target[i + 3 * stride, w] = m[8, w] * v0 + m[9, w] * v1 + m[10, w] * v2 + m[11, w] * v3


@njit(**_compiled)
def _apply_adjoint_map(h, m, stride):  # type: ignore[no-untyped-def]
    """The transposed map, in place."""
    for base in range(0, h.shape[0], 4 * stride):
        for i in range(base, base + stride):
            for w in range(LANES):
                v1, v2, v3 = h[i + stride, w], h[i + 2 * stride, w], h[i + 3 * stride, w]
                h[i, w] += m[0, w] * v1 + m[4, w] * v2 + m[8, w] * v3
                h[i + stride, w] = m[1, w] * v1 + m[5, w] * v2 + m[9, w] * v3
                h[i + 2 * stride, w] = m[2, w] * v1 + m[6, w] * v2 + m[10, w] * v3
                h[i + 3 * stride, w] = m[3, w] * v1 + m[7, w] * v2 + m[11, w] * v3


@njit(**_compiled)
def _correlate(h, state, stride, e):  # type: ignore[no-untyped-def]
    """e[4 (j - 1) + k] = sum over the other qubits of h[j] state[k]: what any map on this qubit would yield."""
    e[:] = 0.0
    for base in range(0, h.shape[0], 4 * stride):
        for i in range(base, base + stride):
            for j in range(3):
                for k in range(4):
                    for w in range(LANES):
                        e[4 * j + k, w] += h[i + (j + 1) * stride, w] * state[i + k * stride, w]


@njit(**_compiled)
def _pair_base(k, low, high):  # type: ignore[no-untyped-def]
    """Index k of the other qubits' coefficients, with zero digits inserted at the two strides (low < high)."""
    below = k % low
    middle = (k // low) % (high // (4 * low))
    above = k // (high // 4)
    return below + middle * 4 * low + above * 4 * high


@njit(**_compiled)
def _apply_entangler(state, control, target, image, sign, noise, u):  # type: ignore[no-untyped-def]
    """The gate, depolarizing of both qubits, damping of each, in place. noise (2, LANES): p2, g2."""
    low, high = min(control, target), max(control, target)
    for k in range(state.shape[0] // 16):
        base = _pair_base(k, low, high)
        for p in range(16):
            q = image[p]
            row = base + (p // 4) * control + (p % 4) * target
            for w in range(LANES):
                u[q, w] = sign[p] * state[row, w] * (1.0 if q == 0 else 1.0 - noise[0, w])
        for b in range(4):
            for w in range(LANES):
                g = noise[1, w]
                u[4 + b, w] *= np.sqrt(1.0 - g)
                u[8 + b, w] *= np.sqrt(1.0 - g)
                u[12 + b, w] = (1.0 - g) * u[12 + b, w] + g * u[b, w]
        for a in range(4):
            for w in range(LANES):
                g = noise[1, w]
                u[4 * a + 1, w] *= np.sqrt(1.0 - g)
                u[4 * a + 2, w] *= np.sqrt(1.0 - g)
                u[4 * a + 3, w] = (1.0 - g) * u[4 * a + 3, w] + g * u[4 * a, w]
        for p in range(16):
            row = base + (p // 4) * control + (p % 4) * target
            for w in range(LANES):
                state[row, w] = u[p, w]


@njit(**_compiled)
def _apply_adjoint_entangler(h, control, target, image, sign, noise, u):  # type: ignore[no-untyped-def]
    """The transpose of `_apply_entangler`, in place."""
    low, high = min(control, target), max(control, target)
    for k in range(h.shape[0] // 16):
        base = _pair_base(k, low, high)
        for p in range(16):
            row = base + (p // 4) * control + (p % 4) * target
            for w in range(LANES):
                u[p, w] = h[row, w]
        for a in range(4):
            for w in range(LANES):
                g = noise[1, w]
                u[4 * a, w] += g * u[4 * a + 3, w]
                u[4 * a + 1, w] *= np.sqrt(1.0 - g)
                u[4 * a + 2, w] *= np.sqrt(1.0 - g)
                u[4 * a + 3, w] *= 1.0 - g
        for b in range(4):
            for w in range(LANES):
                g = noise[1, w]
                u[b, w] += g * u[12 + b, w]
                u[4 + b, w] *= np.sqrt(1.0 - g)
                u[8 + b, w] *= np.sqrt(1.0 - g)
                u[12 + b, w] *= 1.0 - g
        for p in range(16):
            q = image[p]
            row = base + (p // 4) * control + (p % 4) * target
            for w in range(LANES):
                h[row, w] = sign[p] * u[q, w] * (1.0 if q == 0 else 1.0 - noise[0, w])


# --- whole circuits ----------------------------------------------------------


@njit(**_compiled)
def _load_maps(n, layers, encoded, angles, parameters, noise, owner, start, orders, maps):  # type: ignore[no-untyped-def]
    """maps (layers, n, orders, 12, LANES) of the block that begins at lane `start`; the last lane fills it up.

    Orders: 0 the map, 1 and 2 its derivatives by theta_0, 3 and 4 by theta_1.
    """
    full, scratch = np.empty((4, 4)), np.empty((2, 4, 4))
    for w in range(LANES):
        lane = min(start + w, len(owner) - 1)
        k = owner[lane]
        for layer in range(layers):
            for q in range(n):
                for o in range(orders):
                    ry_order, rz_order = (o, 0) if o < 3 else (0, o - 2)
                    theta = parameters[k, layer, q]
                    _gate_map(angles[lane, q], theta, noise[k], encoded, ry_order, rz_order, full, scratch)
                    for j in range(3):
                        for m in range(4):
                            maps[layer, q, o, 4 * j + m, w] = full[j + 1, m]


@njit(**_compiled)
def _load_input(n, reuploaded, angles, shrink, owner, start, state):  # type: ignore[no-untyped-def]
    """The product input: |0...0>, or the encoded angles with every coefficient of weight s shrunk by shrink[s]."""
    bloch = np.empty((n, 4))
    for w in range(LANES):
        lane = min(start + w, len(owner) - 1)
        for q in range(n):
            x = 0.0 if reuploaded else angles[lane, q]
            bloch[q, 0], bloch[q, 1], bloch[q, 2] = 1.0, np.sin(x) * np.cos(x), np.sin(x) * np.sin(x)
            bloch[q, 3] = np.cos(x)
        for index in range(4**n):
            value, weight, rest = 1.0, 0, index
            for q in range(n):
                value *= bloch[q, rest % 4]
                weight += 1 if rest % 4 else 0
                rest //= 4
            state[index, w] = value if reuploaded else value * shrink[owner[lane], weight]


@njit(**_compiled)
def _load_pair_noise(noise, owner, start, pair_noise):  # type: ignore[no-untyped-def]
    for w in range(LANES):
        k = owner[min(start + w, len(owner) - 1)]
        pair_noise[0, w], pair_noise[1, w] = noise[k, 2], noise[k, 3]


@njit(**_compiled)
def _entangle(state, ring, image, sign, pair_noise, u):  # type: ignore[no-untyped-def]
    for g in range(len(ring)):
        _apply_entangler(state, 4 ** ring[g, 0], 4 ** ring[g, 1], image, sign, pair_noise, u)


@njit(**_compiled)
def _entangle_adjoint(h, ring, image, sign, pair_noise, u):  # type: ignore[no-untyped-def]
    for g in range(len(ring) - 1, -1, -1):
        _apply_adjoint_entangler(h, 4 ** ring[g, 0], 4 ** ring[g, 1], image, sign, pair_noise, u)


@njit(**_compiled)
def _shifted_values(  # type: ignore[no-untyped-def]
    n, layers, reuploaded, ring, image, sign, angles, parameters, noise, shrink, owner, output, value, first, second
):
    size = 4**n
    maps = np.empty((layers, n, 5, 12, LANES))
    states = np.empty((layers * n + 1, size, LANES))
    h, u, e, pair_noise = np.empty((size, LANES)), np.empty((16, LANES)), np.empty((12, LANES)), np.empty((2, LANES))
    for start in range(0, len(owner), LANES):
        _load_maps(n, layers, reuploaded, angles, parameters, noise, owner, start, 5, maps)
        _load_pair_noise(noise, owner, start, pair_noise)
        _load_input(n, reuploaded, angles, shrink, owner, start, states[0])
        for layer in range(layers):
            for q in range(n):
                at = layer * n + q
                _apply_map(states[at], maps[layer, q, 0], 4**q, states[at + 1])
            _entangle(states[(layer + 1) * n], ring, image, sign, pair_noise, u)
        h[:] = 0.0
        lanes = min(LANES, len(owner) - start)
        for w in range(lanes):
            row = 3 * 4 ** output[start + w]
            h[row, w] = 1.0
            value[start + w] = states[layers * n, row, w]
        for layer in range(layers - 1, -1, -1):
            _entangle_adjoint(h, ring, image, sign, pair_noise, u)
            for q in range(n - 1, -1, -1):
                _correlate(h, states[layer * n + q], 4**q, e)
                for angle in range(2):
                    i = (layer * n + q) * 2 + angle
                    for w in range(lanes):
                        d1, d2 = 0.0, 0.0
                        for m in range(12):
                            d1 += e[m, w] * maps[layer, q, 1 + 2 * angle, m, w]
                            d2 += e[m, w] * maps[layer, q, 2 + 2 * angle, m, w]
                        first[start + w, i], second[start + w, i] = d1, d2
                _apply_adjoint_map(h, maps[layer, q, 0], 4**q)


@njit(**_compiled)
def _expectations(  # type: ignore[no-untyped-def]
    n, layers, reuploaded, ring, image, sign, angles, parameters, noise, shrink, owner, values
):
    size = 4**n
    maps = np.empty((layers, n, 1, 12, LANES))
    state, u, pair_noise = np.empty((size, LANES)), np.empty((16, LANES)), np.empty((2, LANES))
    for start in range(0, len(owner), LANES):
        _load_maps(n, layers, reuploaded, angles, parameters, noise, owner, start, 1, maps)
        _load_pair_noise(noise, owner, start, pair_noise)
        _load_input(n, reuploaded, angles, shrink, owner, start, state)
        for layer in range(layers):
            for q in range(n):
                _apply_map(state, maps[layer, q, 0], 4**q, state)
            _entangle(state, ring, image, sign, pair_noise, u)
        for w in range(min(LANES, len(owner) - start)):
            for k in range(values.shape[1]):
                values[start + w, k] = state[3 * 4**k, w]


@njit(**_compiled)
def _pulled_back(  # type: ignore[no-untyped-def]
    n, layers, reuploaded, ring, image, sign, angles, parameters, noise, shrink, owner, output, pulled
):
    size = 4**n
    maps = np.empty((layers, n, 1, 12, LANES))
    h, u, pair_noise = np.empty((size, LANES)), np.empty((16, LANES)), np.empty((2, LANES))
    for start in range(0, len(owner), LANES):
        _load_maps(n, layers, reuploaded, angles, parameters, noise, owner, start, 1, maps)
        _load_pair_noise(noise, owner, start, pair_noise)
        h[:] = 0.0
        lanes = min(LANES, len(owner) - start)
        for w in range(lanes):
            h[3 * 4 ** output[start + w], w] = 1.0
        for layer in range(layers - 1, -1, -1):
            _entangle_adjoint(h, ring, image, sign, pair_noise, u)
            for q in range(n - 1, -1, -1):
                _apply_adjoint_map(h, maps[layer, q, 0], 4**q)
        for w in range(lanes):
            pulled[start + w] = h[:, w]
