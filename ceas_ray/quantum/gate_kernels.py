"""Compiled passes over density matrices in the Pauli basis, gate by gate; `gate_engine` is their front.

A state is its 4^n expectation values of Pauli strings, digit q of an index (base 4) being the Pauli of qubit q; lanes
lie innermost. A gate takes blocks of 4 or 16 of them, its two qubits' digits being p + 4 p' of first and second.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ceas_ray.kernel.compiled_code import COMPILED, COMPILED_PART, njit
from ceas_ray.quantum.gate_noise import Noise
from ceas_ray.quantum.gate_shared_steps import (
    apply_two_shared,
    apply_two_shared_back,
    copy_value,
    copy_value_back,
    depolarize_copied_qubit,
    depolarize_copy,
    move_qubit,
    relax_qubit,
    relax_qubit_back,
    teleport,
)
from ceas_ray.quantum.gate_steps import (
    COPIED_QUBIT_WAIT,
    MOVE,
    QUBIT_WAIT,
    TELEPORTATION,
    VALUE_COPY,
    WAIT,
    apply_one,
    apply_one_back,
    apply_two,
    apply_two_back,
    correlate_one,
    one_qubit_maps,
    two_qubit_rows,
)
from ceas_ray.quantum.lanes import aligned_lanes

NOISE_ROWS = 8
"""Per qubit: what depolarizing keeps, what is left of X and Y, and of Z, and what Z gains from I; of gates on one
qubit, then on two."""

_ONE = (int(Noise.ONE_QUBIT_DEPOLARIZING), int(Noise.ONE_QUBIT_DAMPING), int(Noise.ONE_QUBIT_DEPHASING))
_TWO = (int(Noise.TWO_QUBIT_DEPOLARIZING), int(Noise.TWO_QUBIT_DAMPING), int(Noise.TWO_QUBIT_DEPHASING))


class Problem(NamedTuple):
    """A circuit and its lanes, as the passes take them; G counts gates and, of a shared circuit, where pairs are spent.

    kinds (G,), qubits (G, 2) with -1 for no second one, tables (G,): rows of partners and signs (T, 16) or, of fixed
    gates, of matrices (F, 3, 3), or the digit of the Pauli that is copied, or that acts on a qubit that moves; of a
    data qubit that waits beside copies, of matrices too: the axes of copied values and the third one, as rows.
    rotations (G,): the number of a rotation, -1 of other gates; trained (G,): its place among those that shift, or -1.
    angles (B, rotations), noise (Q, S, n, 7), owner (B,). terms (T,), weights (Q, T), starts (K + 1,): the rows of an
    output's Pauli strings, their weights with readout, and where each output begins. prepared: gates without noise
    before all qubits are teleported, -1 where none is; attenuation (Q, n + 1): of Pauli strings by weight, strings
    (4^n,), in that.

    Of shared circuits: sections (G,): the rows of noise. sectors (G,): how many a gate finds. shifts (G, 16): of gates
    on two qubits, the bits of a sector by which a coefficient comes from another; of a copy, a wait or a move, bits of
    flags in column 0, and in column 1 those of kept copies, or of copies of another value.
    places (G,): columns of werner (Q, columns), of pairs and of waits, of data qubits the first of three.
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
    sections: Any
    sectors: Any
    shifts: Any
    places: Any
    werner: Any


class Block(NamedTuple):
    """The numbers of a block of lanes: turns (2, rotations, lanes), noise (S, 8, n, lanes), werner (columns, lanes),
    and room for a gate (6, 16, lanes) and, of a shared circuit, for a state (its sectors times 4^n, lanes).
    """

    turns: Any
    noise: Any
    werner: Any
    scratch: Any
    spare: Any


@njit(**COMPILED_PART)
def _noise_rows(noise, owner, start, rows):  # type: ignore[no-untyped-def]
    """Fill rows (S, 8, n, lanes) for the lanes from `start` on."""
    sections, _, qubits, lanes = rows.shape
    for w in range(lanes):
        of_owner = noise[owner[min(start + w, len(owner) - 1)]]
        for s in range(sections):
            for q in range(qubits):
                figures = of_owner[s, q]
                for part, (depolarizing, damping, dephasing) in enumerate((_ONE, _TWO)):
                    gamma = figures[damping]
                    rows[s, 4 * part, q, w] = 1.0 - figures[depolarizing]
                    rows[s, 4 * part + 1, q, w] = np.sqrt(1.0 - gamma) * (1.0 - figures[dephasing])
                    rows[s, 4 * part + 2, q, w] = 1.0 - gamma
                    rows[s, 4 * part + 3, q, w] = gamma


@njit(**COMPILED_PART)
def _turns(angles, start, turns):  # type: ignore[no-untyped-def]
    """Fill turns (2, rotations, lanes): cosine and sine of each angle."""
    for w in range(turns.shape[2]):
        row = angles[min(start + w, len(angles) - 1)]
        for r in range(turns.shape[1]):
            turns[0, r, w], turns[1, r, w] = np.cos(row[r]), np.sin(row[r])


@njit(**COMPILED_PART)
def _new_block(problem, spare):  # type: ignore[no-untyped-def]
    """Return a block whose numbers are yet to be filled in."""
    return Block(
        aligned_lanes((2, problem.angles.shape[1]), spare),
        aligned_lanes((problem.noise.shape[1], NOISE_ROWS, problem.noise.shape[2]), spare),
        aligned_lanes((problem.werner.shape[1],), spare),
        aligned_lanes((6, 16), spare),
        spare,
    )


@njit(**COMPILED_PART)
def _fill(problem, start, block):  # type: ignore[no-untyped-def]
    """Fill in the numbers of the lanes from `start` on."""
    _noise_rows(problem.noise, problem.owner, start, block.noise)
    _turns(problem.angles, start, block.turns)
    for w in range(block.werner.shape[1]):
        row = problem.werner[problem.owner[min(start + w, len(problem.owner) - 1)]]
        for place in range(len(row)):
            block.werner[place, w] = row[place]


@njit(**COMPILED_PART)
def _wait_beside_copies(problem, g, block, source, target):  # type: ignore[no-untyped-def]
    """Set target = source after step g, in which a data qubit waits of which copies are out."""
    copied = (problem.qubits[g, 0], problem.shifts[g, 0], problem.shifts[g, 1], len(problem.strings))
    kept = block.werner[problem.places[g] :]
    depolarize_copied_qubit(copied, problem.matrices[problem.tables[g]], kept, source, target)


@njit(**COMPILED_PART)
def _apply(problem, g, block, before, after):  # type: ignore[no-untyped-def]
    """Set after = gate g with its noise on before, both (sectors times 4^n, lanes)."""
    size, kind = problem.sectors[g] * len(problem.strings), problem.kinds[g]
    source, target, noise, qubit = before[:size], after[:size], block.noise[problem.sections[g]], problem.qubits[g, 0]
    if kind == TELEPORTATION:
        teleport(qubit, block.werner, problem.places[g], source, target)
        return
    if kind == VALUE_COPY:
        copy = (qubit, problem.tables[g], problem.shifts[g, 0], problem.shifts[g, 1], len(problem.strings))
        copy_value(copy, block.werner, problem.places[g], source, target)
        return
    if kind == WAIT:
        copy = (qubit, problem.tables[g], problem.shifts[g, 0], problem.shifts[g, 1], len(problem.strings))
        depolarize_copy(copy, block.werner, problem.places[g], source, target)
        return
    if kind == QUBIT_WAIT:
        relax_qubit(qubit, block.werner, problem.places[g], source, target)
        return
    if kind == COPIED_QUBIT_WAIT:
        _wait_beside_copies(problem, g, block, source, target)
        return
    if kind == MOVE:
        move_qubit((qubit, problem.tables[g], problem.shifts[g, 0], len(problem.strings)), source, target)
        return
    tables = block.scratch[3:6]
    if problem.qubits[g, 1] < 0:
        one_qubit_maps(problem, g, block.turns, noise[:4], tables)
        apply_one(tables, qubit, source, target)
        return
    two_qubit_rows(problem, g, block.turns, noise[4:], tables)
    qubits, partners = (qubit, problem.qubits[g, 1]), problem.partners[problem.tables[g]]
    if np.any(problem.shifts[g] != 0):
        gate = (tables, partners, problem.shifts[g], len(problem.strings))
        apply_two_shared(gate, noise[4:], qubits, source, block.scratch, block.spare)
        target[:] = block.spare[:size]
        return
    apply_two(tables, partners, noise[4:], qubits, source, block.scratch, target)


@njit(**COMPILED_PART)
def _wait_back(problem, g, block, h):  # type: ignore[no-untyped-def]
    """Apply to h the transpose of step g, in which a copy or a data qubit waits."""
    kind, qubit, place = problem.kinds[g], problem.qubits[g, 0], problem.places[g]
    if kind == WAIT:
        copy = (qubit, problem.tables[g], problem.shifts[g, 0], problem.shifts[g, 1], len(problem.strings))
        depolarize_copy(copy, block.werner, place, h, h)
    elif kind == QUBIT_WAIT:
        relax_qubit_back(qubit, block.werner, place, h)
    else:
        _wait_beside_copies(problem, g, block, h, h)


@njit(**COMPILED_PART)
def _apply_back(problem, g, block, before, dual, derivatives):  # type: ignore[no-untyped-def]
    """Apply to dual the transpose of gate g with its noise on it, (sectors times 4^n, lanes); derivatives (2, lanes) of
    dual . gate . before.
    """
    size, kind, is_trained = problem.sectors[g] * len(problem.strings), problem.kinds[g], problem.trained[g] >= 0
    source, h, noise, qubit = before[:size], dual[:size], block.noise[problem.sections[g]], problem.qubits[g, 0]
    if kind == TELEPORTATION:
        teleport(qubit, block.werner, problem.places[g], h, h)
        return
    if kind == VALUE_COPY:
        copy = (qubit, problem.tables[g], problem.shifts[g, 0], problem.shifts[g, 1], len(problem.strings))
        copy_value_back(copy, block.werner, problem.places[g], h)
        return
    if kind in (WAIT, QUBIT_WAIT, COPIED_QUBIT_WAIT):
        _wait_back(problem, g, block, h)
        return
    if kind == MOVE:
        move_qubit((qubit, problem.tables[g], problem.shifts[g, 0], len(problem.strings)), h, h)
        return
    tables = block.scratch[3:6]
    if problem.qubits[g, 1] < 0:
        one_qubit_maps(problem, g, block.turns, noise[:4], tables)
        if is_trained:
            correlate_one(tables, qubit, source, h, block.scratch, derivatives)
        apply_one_back(tables, qubit, h)
        return
    table, qubits = problem.tables[g], (qubit, problem.qubits[g, 1])
    two_qubit_rows(problem, g, block.turns, noise[4:], tables)
    if np.any(problem.shifts[g] != 0):
        shared = (tables, problem.partners[table], problem.shifts[g], len(problem.strings), problem.signs[table])
        apply_two_shared_back(shared, noise[4:], qubits, source, h, block, derivatives)
        return
    gate = (tables, problem.partners[table], problem.signs[table], is_trained)
    apply_two_back(gate, noise[4:], qubits, source, h, block.scratch, derivatives)


@njit(**COMPILED_PART)
def _begin(state):  # type: ignore[no-untyped-def]
    """Return |0..0>: Z and I on every qubit."""
    for index in range(len(state)):
        rest, found = index, 1.0
        while rest > 0:
            if rest & 3 == 1 or rest & 3 == 2:
                found = 0.0
            rest >>= 2
        state[index] = found


@njit(**COMPILED_PART)
def _prepare(problem, block, start, state):  # type: ignore[no-untyped-def]
    """Set the first sector of state, (sectors times 4^n, lanes), to the state that the processor begins with."""
    first = state[: len(problem.strings)]
    _begin(first)
    if problem.prepared < 0:
        return
    perfect = np.ones_like(block.noise)
    perfect[:, 3], perfect[:, 7] = 0.0, 0.0
    ideal = Block(block.turns, perfect, block.werner, block.scratch, block.spare)
    for g in range(problem.prepared):
        _apply(problem, g, ideal, first, first)
    for w in range(state.shape[1]):
        kept = problem.attenuation[problem.owner[min(start + w, len(problem.owner) - 1)]]
        for index in range(len(first)):
            first[index, w] *= kept[problem.strings[index]]


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
    """Set h = the observable sum_k cotangent_k O_k of each lane."""
    h[:] = 0.0
    for k in range(len(problem.starts) - 1):
        for w in range(filled):
            weights = problem.weights[problem.owner[start + w]]
            for t in range(problem.starts[k], problem.starts[k + 1]):
                h[problem.terms[t], w] += cotangent[start + w, k] * weights[t]


@njit(**COMPILED)
def forward(problem, first_block, block_step, workspace, values):  # type: ignore[no-untyped-def]
    """Return all outputs of every block_step-th block of lanes; workspace (2, sectors times 4^n, lanes), values
    (B, K).
    """
    lanes, gates = workspace.shape[2], len(problem.kinds)
    state, block = workspace[0], _new_block(problem, workspace[1])
    for start in range(first_block * lanes, len(problem.owner), block_step * lanes):
        _fill(problem, start, block)
        _prepare(problem, block, start, state)
        for g in range(max(0, problem.prepared), gates):
            _apply(problem, g, block, state, state)
        _measure(problem, state, start, min(lanes, len(problem.owner) - start), values)


@njit(**COMPILED)
def reverse_mode(problem, cotangent, first_block, block_step, segment, workspace, found):  # type: ignore[no-untyped-def]
    """Return all outputs, and derivatives of sum_k cotangent_k z_k, for every block_step-th block of lanes.

    cotangent (B, K); segment: gates of the processor between kept states; workspace (3 + segments + segment, sectors
    times 4^n, lanes): a spare one, the state at the end, h, the states before each segment, and those before each of
    its gates. found: values (B, K), first and second (B, R).
    """
    values, first, second = found
    lanes, gates, begin = workspace.shape[2], len(problem.kinds), max(0, problem.prepared)
    block, derivatives = _new_block(problem, workspace[0]), aligned_lanes((2,), workspace[0])
    end, h = workspace[1], workspace[2]
    segments = len(workspace) - 3 - segment
    starts, states = workspace[3 : 3 + segments], workspace[3 + segments :]
    for start in range(first_block * lanes, len(problem.owner), block_step * lanes):
        filled = min(lanes, len(problem.owner) - start)
        _fill(problem, start, block)
        _prepare(problem, block, start, end)
        for g in range(begin, gates):
            if (g - begin) % segment == 0:
                starts[(g - begin) // segment] = end
            _apply(problem, g, block, end, end)
        _measure(problem, end, start, filled, values)
        _observe(problem, cotangent, start, filled, h)
        for s in range(segments - 1, -1, -1):
            states[0], first_gate = starts[s], begin + s * segment
            last = min(gates, first_gate + segment) - 1
            for g in range(first_gate, last):
                _apply(problem, g, block, states[g - first_gate], states[g - first_gate + 1])
            for g in range(last, first_gate - 1, -1):
                _apply_back(problem, g, block, states[g - first_gate], h, derivatives)
                if problem.trained[g] >= 0:
                    for w in range(filled):
                        first[start + w, problem.trained[g]] = derivatives[0, w]
                        second[start + w, problem.trained[g]] = derivatives[1, w]


@njit(**COMPILED)
def pull_back(problem, cotangent, first_block, block_step, workspace, pulled):  # type: ignore[no-untyped-def]
    """Return sum_k cotangent_k O_k before the processor's first gate, for every block_step-th block of lanes.

    No angle may be trained, and the circuit not be shared. cotangent (B, K), workspace (1, 4^n, lanes), pulled
    (B, 4^n).
    """
    lanes, h = workspace.shape[2], workspace[0]
    block, derivatives = _new_block(problem, h), aligned_lanes((2,), workspace[0])
    for start in range(first_block * lanes, len(problem.owner), block_step * lanes):
        filled = min(lanes, len(problem.owner) - start)
        _fill(problem, start, block)
        _observe(problem, cotangent, start, filled, h)
        for g in range(len(problem.kinds) - 1, max(0, problem.prepared) - 1, -1):
            _apply_back(problem, g, block, h, h, derivatives)
        for w in range(filled):
            pulled[start + w] = h[:, w]


@njit(**COMPILED)
def prepare(problem, first_block, block_step, workspace, states):  # type: ignore[no-untyped-def]
    """Return the states that processors begin with, (B, 4^n), for every block_step-th block of lanes; workspace as
    above.
    """
    lanes = workspace.shape[2]
    block = _new_block(problem, workspace[0])
    for start in range(first_block * lanes, len(problem.owner), block_step * lanes):
        _fill(problem, start, block)
        _prepare(problem, block, start, workspace[0])
        for w in range(min(lanes, len(problem.owner) - start)):
            states[start + w] = workspace[0, :, w]
