"""Compiled: what shared circuits do beyond `gate_steps`: spend pairs, and use copies of values that may be flipped.

A state has a sector of 4^n coefficients for each set of flags, bit f of its number standing for flag f: the mean of
each Pauli string, times -1 for each of these flags that is set. Sector 0 is the density matrix. A gate that uses a copy
takes what depends on the sign of its value from the sector with the flags of that copy added or removed.
"""

from __future__ import annotations

from ceas_ray.kernel.compiled_code import COMPILED_INLINE, COMPILED_PART, njit
from ceas_ray.quantum.gate_steps import base_of, offset, relax, relax_back
from ceas_ray.quantum.lanes import load, store, zero_lanes


@njit(**COMPILED_PART)
def teleport(qubit, werner, place, source, target):  # type: ignore[no-untyped-def]
    """Set target = source with X, Y and Z of a qubit multiplied by w; werner (places, lanes). Its own transpose."""
    for index in range(len(source)):
        value = load(source, index)
        store(target, index, value if (index >> (2 * qubit)) & 3 == 0 else load(werner, place) * value)


@njit(**COMPILED_INLINE)
def _is_odd(bits):  # type: ignore[no-untyped-def]
    found = False
    while bits:
        found, bits = not found, bits & (bits - 1)
    return found


@njit(**COMPILED_INLINE)
def _changes_sign(index, qubit, pauli, kept, strings):  # type: ignore[no-untyped-def]
    """Decide whether a Pauli on a qubit changes the sign of a coefficient: if its string anticommutes, or (not both) if
    an odd number of the flags that this Pauli changes is in its sector.
    """
    digit = (index >> (2 * qubit)) & 3
    return (digit != 0 and digit != pauli) != _is_odd((index // strings) & kept)


@njit(**COMPILED_PART)
def copy_value(copy, werner, place, source, target):  # type: ignore[no-untyped-def]
    """Set target = source and a new flag; what the Pauli that is copied changes the sign of is multiplied by w.

    copy: the qubit, the Pauli (1 to 3), the flag's bit, the bits of flags that the Pauli changes, and 4^n.
    """
    qubit, pauli, flag, kept, strings = copy
    left = load(werner, place)
    for index in range(len(source)):
        if (index // strings) & flag == 0:
            value, changes = load(source, index), _changes_sign(index, qubit, pauli, kept, strings)
            store(target, index + flag * strings, left * value)
            store(target, index, left * value if changes else value)


@njit(**COMPILED_PART)
def copy_value_back(copy, werner, place, h):  # type: ignore[no-untyped-def]
    """Apply to h the transpose of `copy_value`."""
    qubit, pauli, flag, kept, strings = copy
    left = load(werner, place)
    for index in range(len(h)):
        if (index // strings) & flag == 0:
            value, changes = load(h, index), _changes_sign(index, qubit, pauli, kept, strings)
            far = index + flag * strings
            of_flag = left * load(h, far)
            store(h, index, (left * value if changes else value) + of_flag)
            store(h, far, zero_lanes(h))


@njit(**COMPILED_PART)
def depolarize_copy(copy, werner, place, source, target):  # type: ignore[no-untyped-def]
    """Set target = source with what changes its sign by an error of a copy multiplied by w. Its own transpose.

    copy: the qubit, the Pauli (1 to 3), the flags' bits, those of flags that the Pauli changes, and 4^n.
    """
    qubit, pauli, flips, kept, strings = copy
    left = load(werner, place)
    for index in range(len(source)):
        value = load(source, index)
        stays = not (_is_odd((index // strings) & flips) or _changes_sign(index, qubit, pauli, kept, strings))
        store(target, index, value if stays else left * value)


@njit(**COMPILED_PART)
def relax_qubit(qubit, kept, place, source, target):  # type: ignore[no-untyped-def]
    """Set target = source with a qubit relaxed; kept (columns, lanes): from `place` on what is left of X and Y, of Z,
    and of the share that does not fall to |0>. target may be source.
    """
    step = 1 << (2 * qubit)
    for base in range(0, len(source), 4 * step):
        for index in range(base, base + step):
            one, left = load(source, index), load(kept, place)
            store(target, index, one)
            store(target, index + step, left * load(source, index + step))
            store(target, index + 2 * step, left * load(source, index + 2 * step))
            fallen = one - load(kept, place + 2) * one
            store(target, index + 3 * step, load(kept, place + 1) * load(source, index + 3 * step) + fallen)


@njit(**COMPILED_PART)
def relax_qubit_back(qubit, kept, place, h):  # type: ignore[no-untyped-def]
    """Apply to h the transpose of `relax_qubit`."""
    step = 1 << (2 * qubit)
    for base in range(0, len(h), 4 * step):
        for index in range(base, base + step):
            last, left = load(h, index + 3 * step), load(kept, place)
            store(h, index, load(h, index) + (last - load(kept, place + 2) * last))
            store(h, index + step, left * load(h, index + step))
            store(h, index + 2 * step, left * load(h, index + 2 * step))
            store(h, index + 3 * step, load(kept, place + 1) * last)


@njit(**COMPILED_PART)
def depolarize_copied_qubit(copied, axes, kept, source, target):  # type: ignore[no-untyped-def]
    """Set target = source with a qubit depolarized and its copies not. Its own transpose; target may be source.

    copied: the qubit, the bits of flags of copies of one value and of another, and 4^n. axes (3, 3): of these two
    values and the third. kept (3 or more, lanes): see `relax_qubit`. What stays is what the copies hold: where an odd
    number of flags of the first value is in a sector, the part along its axis; of both, along the third; of none, the
    identity.
    """
    qubit, first, second, strings = copied
    step = 1 << (2 * qubit)
    for base in range(0, len(source), 4 * step):
        is_first, is_second = _is_odd((base // strings) & first), _is_odd((base // strings) & second)
        along = axes[2 if is_first and is_second else 0 if is_first else 1]
        for index in range(base, base + step):
            for w in range(source.shape[1]):
                left = (2.0 * kept[0, w] + kept[1, w]) / 3.0
                stays = 0.0
                if is_first or is_second:
                    for i in range(3):
                        stays += along[i] * source[index + (i + 1) * step, w]
                    target[index, w] = left * source[index, w]
                else:
                    target[index, w] = source[index, w]
                for i in range(3):
                    at = index + (i + 1) * step
                    target[at, w] = left * source[at, w] + (1.0 - left) * stays * along[i]


@njit(**COMPILED_PART)
def move_qubit(move, source, target):  # type: ignore[no-untyped-def]
    """Set target = source with a Pauli on a qubit where flags are set: what anticommutes comes from the sector with
    these flags added or removed. Its own transpose; target may be source.

    move: the qubit, the Pauli (1 to 3), the flags' bits, and 4^n.
    """
    qubit, pauli, flags, strings = move
    for index in range(len(source)):
        far, digit = ((index // strings) ^ flags) * strings + index % strings, (index >> (2 * qubit)) & 3
        if index < far:
            here, there = load(source, index), load(source, far)
            stays = digit == 0 or digit == pauli
            store(target, index, here if stays else there)
            store(target, far, there if stays else here)


@njit(**COMPILED_PART)
def apply_two_shared(gate, rows, qubits, source, scratch, target):  # type: ignore[no-untyped-def]
    """Set target = a gate on two qubits with its noise on source, which must be another array.

    gate: its tables, partners, shifts (16,) and 4^n.
    """
    tables, partners, shifts, strings = gate
    first, second = qubits
    left, kept, gain = load(rows[1], first), load(rows[2], first), load(rows[3], first)
    left2, kept2, gain2 = load(rows[1], second), load(rows[2], second), load(rows[3], second)
    out, here, across, blocks = scratch[1], tables[0], tables[1], strings // 16
    for number in range(len(source) // 16):
        sector, base = number // blocks, base_of(number % blocks, first, second)
        for p in range(16):
            at, far = base + offset(p, first, second), base + offset(partners[p], first, second)
            value = load(here, p) * load(source, sector * strings + at)
            store(out, p, value + load(across, p) * load(source, (sector ^ shifts[p]) * strings + far))
        relax(left, kept, gain, 1, out)
        relax(left2, kept2, gain2, 4, out)
        for p in range(16):
            store(target, sector * strings + base + offset(p, first, second), load(out, p))


@njit(**COMPILED_PART)
def apply_two_shared_back(gate, rows, qubits, source, h, room, derivatives):  # type: ignore[no-untyped-def]
    """Apply to h the transpose of `apply_two_shared`; derivatives (2, lanes) of h . gate . source.

    gate: its tables, partners, shifts, 4^n and signs; room: a block of `gate_kernels`.
    """
    tables, partners, shifts, strings, signs = gate
    first, second = qubits
    left, kept, gain = load(rows[1], first), load(rows[2], first), load(rows[3], first)
    left2, kept2, gain2 = load(rows[1], second), load(rows[2], second), load(rows[3], second)
    out, here, across, back, blocks = room.scratch[1], tables[0], tables[1], tables[2], strings // 16
    one = zero_lanes(here)
    two = one
    for number in range(len(h) // 16):
        sector, base = number // blocks, base_of(number % blocks, first, second)
        start = sector * strings + base
        for p in range(16):
            store(out, p, load(h, start + offset(p, first, second)))
        relax_back(left2, kept2, gain2, 4, out)
        relax_back(left, kept, gain, 1, out)
        for p in range(16):
            store(h, start + offset(p, first, second), load(out, p))
            if signs[p] == 0.0:
                continue
            value = load(source, start + offset(p, first, second))
            far = load(source, (sector ^ shifts[p]) * strings + base + offset(partners[p], first, second))
            along, turned = load(here, p) * far, load(across, p) * value
            one = one + load(out, p) * (along - turned if signs[p] > 0 else turned - along)
            two = two - load(out, p) * (load(here, p) * value + load(across, p) * far)
    store(derivatives, 0, one)
    store(derivatives, 1, two)
    for number in range(len(h) // 16):
        sector, base = number // blocks, base_of(number % blocks, first, second)
        for p in range(16):
            at, far = base + offset(p, first, second), base + offset(partners[p], first, second)
            value = load(here, p) * load(h, sector * strings + at)
            value = value + load(back, p) * load(h, (sector ^ shifts[p]) * strings + far)
            store(room.spare, sector * strings + at, value)
    h[:] = room.spare[: len(h)]
