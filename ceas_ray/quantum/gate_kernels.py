"""Compiled passes over density matrices in the Pauli basis, gate by gate; `gate_engine` is their front.

A state is its 4^n expectation values of Pauli strings, digit q of an index (base 4) being the Pauli of qubit q; lanes
lie innermost. A gate takes blocks of 4 or 16 of them, its two qubits' digits being p + 4 p' of first and second.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ceas_ray.kernel.compiled_code import COMPILED, COMPILED_INLINE, COMPILED_PART, njit
from ceas_ray.quantum.gate_noise import Noise
from ceas_ray.quantum.lanes import load, store

FIXED, ROTATION, PERMUTATION = 0, 1, 2
"""Kinds of gates. Of rotations a coefficient that anticommutes turns with its partner, times a sign; permutations have
signs too; fixed gates are a matrix (3, 3)."""
NOISE_ROWS = 8
"""Per qubit: what depolarizing keeps, what is left of X and Y, and of Z, and what Z gains from I; of gates on one
qubit, then on two."""

_ONE = (int(Noise.ONE_QUBIT_DEPOLARIZING), int(Noise.ONE_QUBIT_DAMPING), int(Noise.ONE_QUBIT_DEPHASING))
_TWO = (int(Noise.TWO_QUBIT_DEPOLARIZING), int(Noise.TWO_QUBIT_DAMPING), int(Noise.TWO_QUBIT_DEPHASING))


class Problem(NamedTuple):
    """A circuit and its lanes, as the passes take them.

    kinds (G,), qubits (G, 2) with -1 for no second one, tables (G,): rows of partners and signs (T, 16) or, of fixed
    gates, of matrices (F, 3, 3). rotations (G,): the number of a rotation, -1 of other gates; trained (G,): its place
    among those that shift, or -1. angles (B, rotations), noise (Q, n, 7), owner (B,). terms (T,), weights (Q, T),
    starts (K + 1,): the rows of an output's Pauli strings, their weights with readout, and where each output begins.
    prepared: gates without noise before all qubits are teleported, -1 where none is; attenuation (Q, n + 1): of Pauli
    strings by weight, strings (4^n,), in that.
    """

    kinds: Any
    qubits: Any
    tables: Any
    rotations: Any
    trained: Any
    partners: Any
    signs: Any
    matrices: Any
    angles: Any
    noise: Any
    owner: Any
    terms: Any
    weights: Any
    starts: Any
    prepared: int
    attenuation: Any
    strings: Any


@njit(**COMPILED_INLINE)
def _offset(p, first, second):  # type: ignore[no-untyped-def]
    """Where coefficient p of a block lies, from the block's first."""
    low = (p & 3) << (2 * first)
    return low if second < 0 else low + ((p >> 2) << (2 * second))


@njit(**COMPILED_INLINE)
def _base(block, first, second):  # type: ignore[no-untyped-def]
    """The first coefficient of a block: its number with digits 0 put in for the gate's qubits."""
    if second >= 0 and second < first:
        first, second = second, first
    low = block & ((1 << (2 * first)) - 1)
    base = ((block - low) << 2) + low
    if second < 0:
        return base
    low = base & ((1 << (2 * second)) - 1)
    return ((base - low) << 2) + low


@njit(**COMPILED_PART)
def _noise_rows(noise, owner, start, rows):  # type: ignore[no-untyped-def]
    """Fill rows (8, n, lanes) for the lanes from `start` on."""
    for w in range(rows.shape[2]):
        figures = noise[owner[min(start + w, len(owner) - 1)]]
        for q in range(rows.shape[1]):
            for part, (depolarizing, damping, dephasing) in enumerate((_ONE, _TWO)):
                gamma = figures[q, damping]
                rows[4 * part, q, w] = 1.0 - figures[q, depolarizing]
                rows[4 * part + 1, q, w] = np.sqrt(1.0 - gamma) * (1.0 - figures[q, dephasing])
                rows[4 * part + 2, q, w] = 1.0 - gamma
                rows[4 * part + 3, q, w] = gamma


@njit(**COMPILED_PART)
def _turns(angles, start, turns):  # type: ignore[no-untyped-def]
    """Fill turns (2, rotations, lanes): cosine and sine of each angle."""
    for w in range(turns.shape[2]):
        row = angles[min(start + w, len(angles) - 1)]
        for r in range(turns.shape[1]):
            turns[0, r, w], turns[1, r, w] = np.cos(row[r]), np.sin(row[r])


@njit(**COMPILED_PART)
def _read(state, base, first, second, size, block):  # type: ignore[no-untyped-def]
    for p in range(size):
        store(block, p, load(state, base + _offset(p, first, second)))


@njit(**COMPILED_PART)
def _write(block, base, first, second, size, state):  # type: ignore[no-untyped-def]
    for p in range(size):
        store(state, base + _offset(p, first, second), load(block, p))


@njit(**COMPILED_PART)
def _turn(problem, g, turns, size, into, transposed, out):  # type: ignore[no-untyped-def]
    """out = the gate, or its transpose, on a block `into`, both (16, lanes)."""
    table, kind = problem.tables[g], problem.kinds[g]
    if kind == FIXED:
        store(out, 0, load(into, 0))
        for i in range(3):
            for w in range(out.shape[1]):
                total = 0.0
                for j in range(3):
                    factor = problem.matrices[table, j, i] if transposed else problem.matrices[table, i, j]
                    total += factor * into[1 + j, w]
                out[1 + i, w] = total
        return
    partners, signs = problem.partners[table], problem.signs[table]
    if kind == PERMUTATION:
        for p in range(size):
            to, of = (partners[p], p) if transposed else (p, partners[p])
            value = load(into, of)
            store(out, to, value if signs[p] > 0 else -value)
        return
    cosine, sine = load(turns[0], problem.rotations[g]), load(turns[1], problem.rotations[g])
    if transposed:
        sine = -sine
    for p in range(size):
        value = load(into, p)
        if signs[p] == 0:
            store(out, p, value)
        else:
            across = load(into, partners[p])
            store(out, p, cosine * value + sine * (across if signs[p] > 0 else -across))


@njit(**COMPILED_PART)
def _relax(rows, qubit, step, size, block):  # type: ignore[no-untyped-def]
    """Damping and dephasing of one qubit on a block, in place. rows: (4, n, lanes); step: of its digit, 1 or 4."""
    left, kept, gain = load(rows[1], qubit), load(rows[2], qubit), load(rows[3], qubit)
    for other in range(size // 4):
        zero = other if step == 4 else 4 * other
        store(block, zero + step, left * load(block, zero + step))
        store(block, zero + 2 * step, left * load(block, zero + 2 * step))
        store(block, zero + 3 * step, kept * load(block, zero + 3 * step) + gain * load(block, zero))


@njit(**COMPILED_PART)
def _relax_back(rows, qubit, step, size, block):  # type: ignore[no-untyped-def]
    """The transpose of `_relax`."""
    left, kept, gain = load(rows[1], qubit), load(rows[2], qubit), load(rows[3], qubit)
    for other in range(size // 4):
        zero = other if step == 4 else 4 * other
        three = load(block, zero + 3 * step)
        store(block, zero, load(block, zero) + gain * three)
        store(block, zero + step, left * load(block, zero + step))
        store(block, zero + 2 * step, left * load(block, zero + 2 * step))
        store(block, zero + 3 * step, kept * three)


@njit(**COMPILED_PART)
def _depolarize(rows, qubit, size, block):  # type: ignore[no-untyped-def]
    kept = load(rows[0], qubit)
    for p in range(1, size):
        store(block, p, kept * load(block, p))


@njit(**COMPILED_PART)
def _apply(problem, g, turns, noise, source, scratch, target):  # type: ignore[no-untyped-def]
    """target = gate g with its noise on source, both (4^n, lanes)."""
    first, second = problem.qubits[g]
    size = 4 if second < 0 else 16
    rows = noise[:4] if second < 0 else noise[4:]
    into, out = scratch[0], scratch[1]
    for block in range(len(source) // size):
        base = _base(block, first, second)
        _read(source, base, first, second, size, into)
        _turn(problem, g, turns, size, into, False, out)
        _depolarize(rows, first, size, out)
        _relax(rows, first, 1, size, out)
        if second >= 0:
            _relax(rows, second, 4, size, out)
        _write(out, base, first, second, size, target)


@njit(**COMPILED_PART)
def _apply_back(problem, g, turns, noise, source, h, scratch, derivatives):  # type: ignore[no-untyped-def]
    """h <- the transpose of gate g with its noise on h, (4^n, lanes); derivatives (2, lanes) of h . gate . source."""
    first, second = problem.qubits[g]
    size = 4 if second < 0 else 16
    rows = noise[:4] if second < 0 else noise[4:]
    into, out, turned = scratch[0], scratch[1], scratch[2]
    derivatives[:] = 0.0
    for block in range(len(h) // size):
        base = _base(block, first, second)
        _read(h, base, first, second, size, out)
        if second >= 0:
            _relax_back(rows, second, 4, size, out)
        _relax_back(rows, first, 1, size, out)
        _depolarize(rows, first, size, out)
        if problem.trained[g] >= 0:
            _read(source, base, first, second, size, into)
            _turn(problem, g, turns, size, into, False, turned)
            signs, partners = problem.signs[problem.tables[g]], problem.partners[problem.tables[g]]
            one, two = load(derivatives, 0), load(derivatives, 1)
            for p in range(size):
                if signs[p] != 0:
                    here, across = load(out, p), load(turned, partners[p])
                    one = one + here * (across if signs[p] > 0 else -across)
                    two = two - here * load(turned, p)
            store(derivatives, 0, one)
            store(derivatives, 1, two)
        _turn(problem, g, turns, size, out, True, into)
        _write(into, base, first, second, size, h)


@njit(**COMPILED_PART)
def _begin(state):  # type: ignore[no-untyped-def]
    """|0..0>: Z and I on every qubit."""
    for index in range(len(state)):
        rest, found = index, 1.0
        while rest > 0:
            if rest & 3 == 1 or rest & 3 == 2:
                found = 0.0
            rest >>= 2
        state[index] = found


@njit(**COMPILED_PART)
def _prepare(problem, turns, start, scratch, state):  # type: ignore[no-untyped-def]
    """state = what the processor begins with, (4^n, lanes)."""
    _begin(state)
    if problem.prepared < 0:
        return
    perfect = np.ones((NOISE_ROWS, problem.noise.shape[1], state.shape[1]))
    perfect[3], perfect[7] = 0.0, 0.0
    for g in range(problem.prepared):
        _apply(problem, g, turns, perfect, state, scratch, state)
    for w in range(state.shape[1]):
        kept = problem.attenuation[problem.owner[min(start + w, len(problem.owner) - 1)]]
        for index in range(len(state)):
            state[index, w] *= kept[problem.strings[index]]


@njit(**COMPILED_PART)
def _measure(problem, state, start, filled, values):  # type: ignore[no-untyped-def]
    for k in range(len(problem.starts) - 1):
        for w in range(filled):
            total, weights = 0.0, problem.weights[problem.owner[start + w]]
            for t in range(problem.starts[k], problem.starts[k + 1]):
                total += weights[t] * state[problem.terms[t], w]
            values[start + w, k] = total


@njit(**COMPILED_PART)
def _observe(problem, cotangent, start, filled, h):  # type: ignore[no-untyped-def]
    """h = the observable sum_k cotangent_k O_k of each lane."""
    h[:] = 0.0
    for k in range(len(problem.starts) - 1):
        for w in range(filled):
            weights = problem.weights[problem.owner[start + w]]
            for t in range(problem.starts[k], problem.starts[k + 1]):
                h[problem.terms[t], w] += cotangent[start + w, k] * weights[t]


@njit(**COMPILED)
def forward(problem, first_block, block_step, workspace, values):  # type: ignore[no-untyped-def]
    """All outputs of every block_step-th block of lanes; workspace (2, 4^n, lanes), values (B, K)."""
    lanes, gates = workspace.shape[2], len(problem.kinds)
    noise = np.empty((NOISE_ROWS, problem.noise.shape[1], lanes))
    turns = np.empty((2, problem.angles.shape[1], lanes))
    scratch = np.empty((3, 16, lanes))
    for start in range(first_block * lanes, len(problem.owner), block_step * lanes):
        _noise_rows(problem.noise, problem.owner, start, noise)
        _turns(problem.angles, start, turns)
        _prepare(problem, turns, start, scratch, workspace[0])
        for g in range(max(0, problem.prepared), gates):
            _apply(problem, g, turns, noise, workspace[0], scratch, workspace[0])
        _measure(problem, workspace[0], start, min(lanes, len(problem.owner) - start), values)


@njit(**COMPILED)
def reverse_mode(problem, cotangent, first_block, block_step, segment, workspace, found):  # type: ignore[no-untyped-def]
    """All outputs, and derivatives of sum_k cotangent_k z_k, for every block_step-th block of lanes.

    cotangent (B, K); segment: gates of the processor between kept states; workspace (2 + segments + segment, 4^n,
    lanes): the state at the end, h, the states before each segment, and those before each of its gates. found: values
    (B, K), first and second (B, R).
    """
    values, first, second = found
    lanes, gates, begin = workspace.shape[2], len(problem.kinds), max(0, problem.prepared)
    noise = np.empty((NOISE_ROWS, problem.noise.shape[1], lanes))
    turns = np.empty((2, problem.angles.shape[1], lanes))
    scratch, derivatives = np.empty((3, 16, lanes)), np.empty((2, lanes))
    end, h = workspace[0], workspace[1]
    segments = len(workspace) - 2 - segment
    starts, states = workspace[2 : 2 + segments], workspace[2 + segments :]
    for start in range(first_block * lanes, len(problem.owner), block_step * lanes):
        filled = min(lanes, len(problem.owner) - start)
        _noise_rows(problem.noise, problem.owner, start, noise)
        _turns(problem.angles, start, turns)
        _prepare(problem, turns, start, scratch, end)
        for g in range(begin, gates):
            if (g - begin) % segment == 0:
                starts[(g - begin) // segment] = end
            _apply(problem, g, turns, noise, end, scratch, end)
        _measure(problem, end, start, filled, values)
        _observe(problem, cotangent, start, filled, h)
        for s in range(segments - 1, -1, -1):
            states[0], first_gate = starts[s], begin + s * segment
            last = min(gates, first_gate + segment) - 1
            for g in range(first_gate, last):
                _apply(problem, g, turns, noise, states[g - first_gate], scratch, states[g - first_gate + 1])
            for g in range(last, first_gate - 1, -1):
                _apply_back(problem, g, turns, noise, states[g - first_gate], h, scratch, derivatives)
                if problem.trained[g] >= 0:
                    for w in range(filled):
                        first[start + w, problem.trained[g]] = derivatives[0, w]
                        second[start + w, problem.trained[g]] = derivatives[1, w]


@njit(**COMPILED)
def pull_back(problem, cotangent, first_block, block_step, workspace, pulled):  # type: ignore[no-untyped-def]
    """sum_k cotangent_k O_k before the processor's first gate, for every block_step-th block of lanes.

    No angle may be trained. cotangent (B, K), workspace (1, 4^n, lanes), pulled (B, 4^n).
    """
    lanes, h = workspace.shape[2], workspace[0]
    noise = np.empty((NOISE_ROWS, problem.noise.shape[1], lanes))
    turns = np.empty((2, problem.angles.shape[1], lanes))
    scratch, derivatives = np.empty((3, 16, lanes)), np.empty((2, lanes))
    for start in range(first_block * lanes, len(problem.owner), block_step * lanes):
        filled = min(lanes, len(problem.owner) - start)
        _noise_rows(problem.noise, problem.owner, start, noise)
        _turns(problem.angles, start, turns)
        _observe(problem, cotangent, start, filled, h)
        for g in range(len(problem.kinds) - 1, max(0, problem.prepared) - 1, -1):
            _apply_back(problem, g, turns, noise, h, h, scratch, derivatives)
        for w in range(filled):
            pulled[start + w] = h[:, w]


@njit(**COMPILED)
def prepare(problem, first_block, block_step, workspace, states):  # type: ignore[no-untyped-def]
    """The states that processors begin with, (B, 4^n), for every block_step-th block of lanes; workspace as above."""
    lanes = workspace.shape[2]
    turns, scratch = np.empty((2, problem.angles.shape[1], lanes)), np.empty((3, 16, lanes))
    for start in range(first_block * lanes, len(problem.owner), block_step * lanes):
        _turns(problem.angles, start, turns)
        _prepare(problem, turns, start, scratch, workspace[0])
        for w in range(min(lanes, len(problem.owner) - start)):
            states[start + w] = workspace[0, :, w]
