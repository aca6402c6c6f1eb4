"""Compiled: one gate with its noise on density matrices in the Pauli basis, for a block of lanes (`gate_kernels`)."""

from __future__ import annotations

from ceas_ray.kernel.compiled_code import COMPILED_INLINE, COMPILED_PART, njit
from ceas_ray.quantum.lanes import load, store, zero_lanes

FIXED, ROTATION, PERMUTATION, TELEPORTATION, VALUE_COPY, MOVE, WAIT, QUBIT_WAIT, COPIED_QUBIT_WAIT = range(9)
"""Kinds of gates, of uses of pairs, of moves, and of waits. Of rotations a coefficient that anticommutes turns with its
partner, times a sign; permutations have signs too; fixed gates are a matrix (3, 3)."""


@njit(**COMPILED_INLINE)
def offset(p, first, second):  # type: ignore[no-untyped-def]
    """Return the distance of coefficient p of a block from the block's first."""
    low = (p & 3) << (2 * first)
    return low if second < 0 else low + ((p >> 2) << (2 * second))


@njit(**COMPILED_INLINE)
def base_of(block, first, second):  # type: ignore[no-untyped-def]
    """Return the first coefficient of a block: its number with digits 0 put in for the gate's qubits."""
    if second >= 0 and second < first:
        first, second = second, first
    low = block & ((1 << (2 * first)) - 1)
    base = ((block - low) << 2) + low
    if second < 0:
        return base
    low = base & ((1 << (2 * second)) - 1)
    return ((base - low) << 2) + low


@njit(**COMPILED_PART)
def one_qubit_maps(problem, g, turns, rows, maps):  # type: ignore[no-untyped-def]
    """Fill maps (3, 16, lanes), 12 rows of each: how X, Y and Z after the gate and its noise come from I, X, Y and Z
    before it, and the first and second derivative of that by the angle.
    """
    qubit, table, rotation = problem.qubits[g, 0], problem.tables[g], problem.rotations[g]
    is_fixed = problem.kinds[g] == FIXED
    maps[:] = 0.0
    for w in range(maps.shape[2]):
        kept = rows[0, qubit, w]
        for i in range(1, 4):
            left = kept * (rows[2, qubit, w] if i == 3 else rows[1, qubit, w])
            if is_fixed:
                for j in range(1, 4):
                    maps[0, 4 * (i - 1) + j, w] = left * problem.matrices[table, i - 1, j - 1]
            elif problem.signs[table, i] == 0:
                maps[0, 5 * (i - 1) + 1, w] = left
            else:
                cosine, sine = left * turns[0, rotation, w], left * turns[1, rotation, w]
                sign, here, across = problem.signs[table, i], 5 * (i - 1) + 1, 4 * (i - 1) + problem.partners[table, i]
                maps[0, here, w], maps[0, across, w] = cosine, sign * sine
                maps[1, here, w], maps[1, across, w] = -sine, sign * cosine
                maps[2, here, w], maps[2, across, w] = -cosine, -sign * sine
        maps[0, 8, w] = rows[3, qubit, w]


@njit(**COMPILED_PART)
def apply_one(maps, qubit, source, target):  # type: ignore[no-untyped-def]
    """Set target = the first of maps (3, 16, lanes) on a qubit of source, both (4^n, lanes)."""
    step, m = 1 << (2 * qubit), maps[0]
    for base in range(0, len(source), 4 * step):
        for index in range(base, base + step):
            one, x = load(source, index), load(source, index + step)
            y, z = load(source, index + 2 * step), load(source, index + 3 * step)
            store(target, index, one)
            store(target, index + step, load(m, 1) * x + load(m, 2) * y + load(m, 3) * z)
            store(target, index + 2 * step, load(m, 5) * x + load(m, 6) * y + load(m, 7) * z)
            last = load(m, 8) * one + load(m, 9) * x
            store(target, index + 3 * step, last + load(m, 10) * y + load(m, 11) * z)


@njit(**COMPILED_PART)
def apply_one_back(maps, qubit, h):  # type: ignore[no-untyped-def]
    """Apply to h the transpose of the first of maps on a qubit."""
    step, m = 1 << (2 * qubit), maps[0]
    for base in range(0, len(h), 4 * step):
        for index in range(base, base + step):
            x, y, z = load(h, index + step), load(h, index + 2 * step), load(h, index + 3 * step)
            store(h, index, load(h, index) + load(m, 8) * z)
            store(h, index + step, load(m, 1) * x + load(m, 5) * y + load(m, 9) * z)
            store(h, index + 2 * step, load(m, 2) * x + load(m, 6) * y + load(m, 10) * z)
            store(h, index + 3 * step, load(m, 3) * x + load(m, 7) * y + load(m, 11) * z)


@njit(**COMPILED_PART)
def correlate_one(maps, qubit, source, h, scratch, derivatives):  # type: ignore[no-untyped-def]
    """Return the derivatives (2, lanes): of h . map . source by the angle, from sums of h_i source_j over all
    blocks.
    """
    step, sums = 1 << (2 * qubit), scratch[0]
    sums[:] = 0.0
    for base in range(0, len(h), 4 * step):
        for index in range(base, base + step):
            for i in range(1, 4):
                here = load(h, index + i * step)
                for j in range(1, 4):
                    at = 4 * (i - 1) + j
                    store(sums, at, load(sums, at) + here * load(source, index + j * step))
    for order in range(2):
        total = zero_lanes(derivatives)
        for at in range(12):
            total = total + load(maps[1 + order], at) * load(sums, at)
        store(derivatives, order, total)


@njit(**COMPILED_PART)
def two_qubit_rows(problem, g, turns, rows, tables):  # type: ignore[no-untyped-def]
    """Fill tables (3, 16, lanes): the factors of a coefficient and of its partner, forwards and backwards, with what
    depolarizing keeps.
    """
    table, rotation = problem.tables[g], problem.rotations[g]
    for p in range(16):
        sign = problem.signs[table, p]
        for w in range(tables.shape[2]):
            kept = rows[0, problem.qubits[g, 0], w] if p > 0 else 1.0
            if rotation < 0:
                tables[0, p, w], tables[1, p, w], tables[2, p, w] = 0.0, kept * sign, kept * sign
            elif sign == 0:
                tables[0, p, w], tables[1, p, w], tables[2, p, w] = kept, 0.0, 0.0
            else:
                across = kept * sign * turns[1, rotation, w]
                tables[0, p, w], tables[1, p, w] = kept * turns[0, rotation, w], across
                tables[2, p, w] = -across


@njit(**COMPILED_INLINE)
def relax(left, kept, gain, step, block):  # type: ignore[no-untyped-def]
    """Apply damping and dephasing of one qubit to a block (16, lanes), in place. step: of its digit, 1 or 4."""
    for other in range(4):
        zero = other if step == 4 else 4 * other
        store(block, zero + step, left * load(block, zero + step))
        store(block, zero + 2 * step, left * load(block, zero + 2 * step))
        store(block, zero + 3 * step, kept * load(block, zero + 3 * step) + gain * load(block, zero))


@njit(**COMPILED_INLINE)
def relax_back(left, kept, gain, step, block):  # type: ignore[no-untyped-def]
    """Return the transpose of `relax`."""
    for other in range(4):
        zero = other if step == 4 else 4 * other
        three = load(block, zero + 3 * step)
        store(block, zero, load(block, zero) + gain * three)
        store(block, zero + step, left * load(block, zero + step))
        store(block, zero + 2 * step, left * load(block, zero + 2 * step))
        store(block, zero + 3 * step, kept * three)


@njit(**COMPILED_PART)
def apply_two(tables, partners, rows, qubits, source, scratch, target):  # type: ignore[no-untyped-def]
    """Set target = a gate on two qubits with its noise on source; tables as `two_qubit_rows` fills them."""
    first, second = qubits
    left, kept, gain = load(rows[1], first), load(rows[2], first), load(rows[3], first)
    left2, kept2, gain2 = load(rows[1], second), load(rows[2], second), load(rows[3], second)
    into, out, here, across = scratch[0], scratch[1], tables[0], tables[1]
    for number in range(len(source) // 16):
        base = base_of(number, first, second)
        for p in range(16):
            store(into, p, load(source, base + offset(p, first, second)))
        for p in range(16):
            store(out, p, load(here, p) * load(into, p) + load(across, p) * load(into, partners[p]))
        relax(left, kept, gain, 1, out)
        relax(left2, kept2, gain2, 4, out)
        for p in range(16):
            store(target, base + offset(p, first, second), load(out, p))


@njit(**COMPILED_PART)
def apply_two_back(gate, rows, qubits, source, h, scratch, derivatives):  # type: ignore[no-untyped-def]
    """Apply to h the transpose of a gate on two qubits with its noise on h; derivatives (2, lanes) of h . gate .
    source.

    gate: its tables, partners and signs, and whether its angle is trained.
    """
    tables, partners, signs, is_trained = gate
    first, second = qubits
    left, kept, gain = load(rows[1], first), load(rows[2], first), load(rows[3], first)
    left2, kept2, gain2 = load(rows[1], second), load(rows[2], second), load(rows[3], second)
    into, out, turned, here, across, back = scratch[0], scratch[1], scratch[2], tables[0], tables[1], tables[2]
    one = zero_lanes(here)
    two = one
    for number in range(len(h) // 16):
        base = base_of(number, first, second)
        for p in range(16):
            store(out, p, load(h, base + offset(p, first, second)))
        relax_back(left2, kept2, gain2, 4, out)
        relax_back(left, kept, gain, 1, out)
        if is_trained:
            for p in range(16):
                store(into, p, load(source, base + offset(p, first, second)))
            for p in range(16):
                store(turned, p, load(here, p) * load(into, p) + load(across, p) * load(into, partners[p]))
            for p in range(16):
                if signs[p] > 0:
                    one = one + load(out, p) * load(turned, partners[p])
                    two = two - load(out, p) * load(turned, p)
                elif signs[p] < 0:
                    one = one - load(out, p) * load(turned, partners[p])
                    two = two - load(out, p) * load(turned, p)
        for p in range(16):
            value = load(here, p) * load(out, p) + load(back, p) * load(out, partners[p])
            store(h, base + offset(p, first, second), value)
    store(derivatives, 0, one)
    store(derivatives, 1, two)
