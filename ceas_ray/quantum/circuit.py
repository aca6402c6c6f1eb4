"""The shape of the variational circuit that processors run."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Literal, NamedTuple

Ansatz = Literal["ring", "hardware_efficient", "strongly_entangling"]
Entangler = Literal["cx", "cz"]
Gate = tuple[int, int]
"""Control and target."""

RY, RZ = 0, 1


class PairPlace(NamedTuple):
    """The place where a pair is spent: the teleportation of a qubit before a layer (gate None), or a gate of the
    layer."""

    layer: int
    qubit: int
    gate: int | None


_ROTATIONS = {"ring": (RY, RZ), "hardware_efficient": (RY, RZ), "strongly_entangling": (RZ, RY, RZ)}


@dataclass(frozen=True)
class Circuit:
    """A product encoding, then layers of rotations on every qubit and of entangling gates.

    The encoding is RY(x) RZ(x) on each qubit: once (teleported inputs, prepared ideally at the hub), or, when
    `reuploaded`, at the start of every layer on the processor itself. Outputs are <Z_k>, k = 0 .. outputs - 1.

    ansatz: `ring` RY RZ on every qubit, gates (q, q + 1) around a ring; `hardware_efficient` RY RZ and the same gates
    without the one that closes the ring (Kandala et al., Nature 549, 2017); `strongly_entangling` RZ RY RZ and gates
    (q, q + r) with range r = 1 + layer mod (n - 1) (Schuld et al., PRA 101, 2020).
    parts: the processor's number of each qubit, where processors share the circuit; gates between parts are remote
    (teleported).
    teleported_before: layers before which all qubits are teleported on to another processor; 0: encoded inputs are
    teleported in, qubit by qubit, instead of by the m_s of an engine's `attenuation`.
    Parameters are flat in the order (layer, qubit, rotation). Qubit q is bit q of an index (little endian).
    """

    qubits: int
    layers: int
    outputs: int
    _: KW_ONLY
    entangler: Entangler = "cx"
    reuploaded: bool = False
    ansatz: Ansatz = "ring"
    parts: tuple[int, ...] = ()
    teleported_before: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError unless there are two qubits, every output has its qubit, and the parts fit."""
        if self.qubits < 2:
            raise ValueError(f"a circuit needs at least 2 qubits, got {self.qubits}")
        if not 1 <= self.outputs <= self.qubits:
            raise ValueError(f"a circuit needs 1 to {self.qubits} outputs (one per qubit), got {self.outputs}")
        if self.parts and len(self.parts) != self.qubits:
            raise ValueError(f"parts must name a part for each of {self.qubits} qubits, got {len(self.parts)}")
        first = 1 if self.reuploaded else 0
        if any(not first <= layer < self.layers for layer in self.teleported_before):
            raise ValueError(f"teleported_before must be {first} to {self.layers - 1}, got {self.teleported_before}")

    @property
    def rotations(self) -> tuple[int, ...]:
        """The axes (RY, RZ) of a qubit's rotations in a layer, in order."""
        return _ROTATIONS[self.ansatz]

    @property
    def parameter_count(self) -> int:
        """P: one angle per layer, qubit and rotation."""
        return self.layers * self.qubits * len(self.rotations)

    @property
    def inputs(self) -> int:
        """The number of encoding angles of a sample: one per qubit."""
        return self.qubits

    @property
    def shift_count(self) -> int:
        """The number of angles that shift: each parameter is one."""
        return self.parameter_count

    @property
    def scales(self) -> float:
        """The largest value that an output can have."""
        return 1.0

    def slopes(self, inputs: object) -> None:
        """Return None: the angles that shift are the parameters themselves."""

    @cached_property
    def gates(self) -> tuple[tuple[Gate, ...], ...]:
        """The entangling gates of each layer, in order; every qubit is in one at least."""
        n = self.qubits
        if self.ansatz == "hardware_efficient":
            return (tuple((q, q + 1) for q in range(n - 1)),) * self.layers
        ranges = [1 + layer % (n - 1) if self.ansatz == "strongly_entangling" else 1 for layer in range(self.layers)]
        return tuple(tuple((q, (q + reach) % n) for q in range(n)) for reach in ranges)

    def is_remote(self, gate: Gate) -> bool:
        """Return whether the gate's qubits sit on different processors."""
        return bool(self.parts) and self.parts[gate[0]] != self.parts[gate[1]]

    @cached_property
    def places(self) -> tuple[PairPlace, ...]:
        """Return where one shot spends Bell pairs inside the circuit, in order of use.

        In each layer: one per qubit if the qubits are teleported before it, then one per remote gate.
        """
        found: list[PairPlace] = []
        for layer, gates in enumerate(self.gates):
            if layer in self.teleported_before:
                found += [PairPlace(layer, q, None) for q in range(self.qubits)]
            found += [PairPlace(layer, gate[0], g) for g, gate in enumerate(gates) if self.is_remote(gate)]
        return tuple(found)

    @property
    def pairs_within(self) -> int:
        """Bell pairs that one shot spends inside the circuit."""
        return len(self.places)
