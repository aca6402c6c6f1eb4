"""The state that a distributed circuit makes with imperfect Bell pairs, exactly and without its memories.

A Bell-diagonal pair is Phi+ with Paulis I, Y, X, Z on its far half, with these weights. Through one of them, a copy is
made with its value flipped (X), or with a Z on the copied qubit, which commutes with all that is done with copies (Z).
One error of a pair thus meets all gates of its copy, and those of copies made from it, alike. If the qubit moves to a
flipped copy, it is flipped itself. A Z on a qubit between the mixing gates that copies are kept over is a flip of it
after them, which the kept copies do not have; so is a phase with a flipped copy of another qubit, except for kept
copies that are flipped as wrongly. The measurements that end copies add nothing: their corrections stay right up to a
global phase. So the density matrix of the circuit's own qubits suffices, one part for each set of flipped copies.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ceas_ray.distribution.program import Apply, Copy, EndCopy, Flip, PhaseGate, Place, Program
from ceas_ray.quantum.gate_list import is_diagonal, mixes_values

Matrix = NDArray[np.complex128]
MAX_QUBITS = 10


def density_matrix(program: Program, weights: NDArray[np.float64]) -> Matrix:
    """Return the density matrix at the end, (2^n, 2^n); qubit q is bit q of an index.

    weights: of the program's pairs in the order of its copies, (pairs, 4), in the order (Phi+, Psi-, Psi+, Phi-), at
    the time at which each is used. Gates and memories are perfect. Raises ValueError for weights that are not those of
    a state, and for more than 10 qubits.
    """
    if weights.shape != (program.pairs, 4) or np.any(weights < 0) or not np.allclose(np.sum(weights, axis=1), 1):
        raise ValueError(f"every one of {program.pairs} pairs must have four weights that sum to 1, got {weights}")
    if len(program.start) > MAX_QUBITS:
        raise ValueError(f"density matrices are those of at most {MAX_QUBITS} qubits, got {len(program.start)}")
    state = _State(program.start)
    of_pairs = iter(weights)
    for step in program.steps:
        if isinstance(step, Apply):
            state.apply(step)
        elif isinstance(step, PhaseGate):
            state.phase(step)
        elif isinstance(step, Copy):
            state.copy(step, next(of_pairs))
        elif isinstance(step, Flip):
            state.flip(step)
        else:
            state.end_copy(step)
    return sum(state.parts.values(), np.zeros((1, 1), dtype=np.complex128))


def state_fidelity(program: Program, weights: NDArray[np.float64]) -> float:
    """Return the fidelity of the state that imperfect pairs make with the one that perfect pairs make.

    weights (pairs, 4): of the program's Bell pairs, as in `bell_states`.
    """
    perfect = density_matrix(program, np.tile([1.0, 0.0, 0.0, 0.0], (program.pairs, 1)))
    return float(np.real(np.vdot(perfect, density_matrix(program, weights))))


class _State:
    """Density matrices by the places of the copies that are flipped; they sum to that of the circuit's qubits."""

    def __init__(self, start: tuple[Place, ...]) -> None:
        self.qubit = {place: qubit for qubit, place in enumerate(start)}  # whose value is at each place
        self.holder = list(start)
        self.index = np.arange(2 ** len(start))
        self.waiting: set[Place] = set()  # kept copies of qubits that are in another basis now
        self.last_phase = (start[0], start[0])
        matrix = np.zeros((len(self.index), len(self.index)), dtype=np.complex128)
        matrix[0, 0] = 1
        self.parts: dict[frozenset[Place], Matrix] = {frozenset(): matrix}

    def apply(self, step: Apply) -> None:
        """Apply a gate to a qubit: a flip of its copies goes with it, so their values stay the qubit's."""
        qubit = self.qubit[step.at]
        if self.holder[qubit] != step.at:
            self._flip_copies({step.at})
            return
        if mixes_values(step.matrix):
            self.waiting ^= {place for place, of in self.qubit.items() if of == qubit} - {step.at}
        elif not is_diagonal(step.matrix):
            self._flip_copies({place for place, of in self.qubit.items() if of == qubit} - {step.at})
        self.parts = {flipped: self._on(qubit, step.matrix, part) for flipped, part in self.parts.items()}

    def phase(self, step: PhaseGate) -> None:
        """Apply a phase that depends on the values at its two places."""
        self.last_phase = (step.first, step.second)
        for flipped, part in self.parts.items():
            first = self._bit(self.qubit[step.first]) ^ (step.first in flipped)
            second = self._bit(self.qubit[step.second]) ^ (step.second in flipped)
            factors = np.exp(1j * step.angle * (first & second))
            self.parts[flipped] = factors[:, None] * part * factors.conj()

    def flip(self, step: Flip) -> None:
        """Flip a copy and its qubit by the values at two places: they differ by more if these do."""
        used = next(p for p in self.last_phase if self.qubit[p] == self.qubit[step.control])
        self.parts = {
            flipped ^ {step.target} if (used in flipped) != (step.control in flipped) else flipped: part
            for flipped, part in self.parts.items()
        }

    def copy(self, step: Copy, weights: NDArray[np.float64]) -> None:
        """Make a copy: X and Y of its pair flip it; Z and Y put a Z on the qubit, which flips it beside copies that
        wait.
        """
        qubit = self.qubit[step.far] = self.qubit[step.source]
        signs = 1 - 2 * self._bit(qubit)
        waiting = {place for place in self.waiting if self.qubit[place] == qubit}
        found: dict[frozenset[Place], Matrix] = {}
        none, y, x, z = weights
        for flipped, part in self.parts.items():
            with_z = signs[:, None] * part * signs
            for errs, kept, sign_flipped in ((False, none, z), (True, x, y)):
                is_flipped = (step.source in flipped) ^ errs
                where = flipped | {step.far} if is_flipped else flipped
                found[where] = found.get(where, 0) + kept * part
                found[where ^ waiting] = found.get(where ^ waiting, 0) + sign_flipped * with_z
        self.parts = found

    def end_copy(self, step: EndCopy) -> None:
        """End a copy: if it is the qubit's holder, the copy that stays is the qubit from now on."""
        qubit = self.qubit.pop(step.at)
        if self.holder[qubit] == step.at:
            self.holder[qubit] = step.holder
            others = {place for place, of in self.qubit.items() if of == qubit} - {step.holder}
            flip = np.array([[0, 1], [1, 0]], dtype=np.complex128)
            found: dict[frozenset[Place], Matrix] = {}
            for flipped, part in self.parts.items():
                if step.holder in flipped:
                    flipped, part = (flipped - {step.holder}) ^ others, self._on(qubit, flip, part)
                found[flipped] = found.get(flipped, 0) + part
            self.parts = found
            return
        found = {}
        for flipped, part in self.parts.items():
            found[flipped - {step.at}] = found.get(flipped - {step.at}, 0) + part
        self.parts = found

    def _flip_copies(self, places: set[Place]) -> None:
        self.parts = {flipped ^ places: part for flipped, part in self.parts.items()}

    def _bit(self, qubit: int) -> NDArray[np.int64]:
        return self.index >> qubit & 1

    def _on(self, qubit: int, matrix: Matrix, part: Matrix) -> Matrix:
        """Apply the matrix to a qubit from the left, and its conjugate from the right."""
        bit, other = self._bit(qubit), self.index ^ (1 << qubit)
        kept, mixed = matrix[bit, bit], matrix[bit, 1 - bit]
        left = kept[:, None] * part + mixed[:, None] * part[other]
        return left * kept.conj() + left[:, other] * mixed.conj()
