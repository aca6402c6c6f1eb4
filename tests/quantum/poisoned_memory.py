"""What every compiled pass of the engines finds, as one line of JSON; with `poisoned`, in memory full of NaN.

Where asked for it, glibc fills all memory that it hands out with bytes 255 (`M_PERTURB`, whose lowest byte is turned
round), and so each array that is not filled holds NaN, within compiled code too. Run it with
GLIBC_TUNABLES=glibc.malloc.tcache_count=0, so that small arrays are filled as well.
"""

from __future__ import annotations

import ctypes
import json
import sys
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import numpy as np

M_PERTURB, ALL_ONES = -6, 0x100


def poison() -> None:
    """Have the memory of this process filled, and check that it is."""
    assert ctypes.CDLL(None).mallopt(M_PERTURB, ALL_ONES) == 1
    for size in (8, 100, 10_000, 1_000_000):
        assert np.all(np.isnan(np.empty(size))), size


def inputs_of(circuit: Any, places: int, lanes: int = 11) -> Any:
    """Two processors with noise of their own; the last block of lanes is not full."""
    from ceas_ray.quantum.gate_noise import Noise
    from ceas_ray.quantum.pauli_engine import LaneInputs

    draw, n = np.random.default_rng(3), circuit.qubits
    return LaneInputs(
        angles=draw.uniform(-2, 2, (lanes, getattr(circuit, "inputs", n))),
        parameters=draw.uniform(-3, 3, (2, circuit.parameter_count)),
        noise=draw.uniform(0, 0.1, (2, n, len(Noise))),
        attenuation=draw.uniform(0.8, 1, (2, n + 1)),
        owner=np.arange(lanes) % 2,
        werner=draw.uniform(0.5, 1, (2, places)) if places else None,
    )


def own_circuits() -> Iterator[tuple[str, Any]]:
    """Circuits gate by gate: one processor's, one that a hub prepares, and shared ones."""
    from ceas_ray.distribution.packed_distributor import PackedDistributor
    from ceas_ray.distribution.shared_gates import shared_by_qubits
    from ceas_ray.distribution.static_distributor import StaticDistributor
    from ceas_ray.quantum.gate_circuit import Entangler, FixedGate, GateCircuit, Rotation, Term
    from ceas_ray.quantum.gate_layers import shared_by_layers
    from ceas_ray.quantum.gate_prefix import prepared_at_hub

    h = float(np.sqrt(0.5))
    gates: list[Any] = [Rotation("Y", (q,), (Term(1.0, (q % 2,)),)) for q in range(4)]
    gates += [FixedGate(0, (h, 0, h, 0, h, 0, -h, 0)), Entangler("cx", (0, 1)), Entangler("cz", (3, 0))]
    gates += [Rotation("XY", (1, 2), (Term(1.0, (), 0),)), Rotation("Z", (1,), (Term(0.5, (), 1), Term(0.2)))]
    gates += [
        Rotation("ZZ", (0, 3), (Term(1.0, (), 2),)),
        Entangler("cx", (0, 2)),
        Rotation("X", (3,), (Term(1.0, (), 0),)),
    ]
    outputs = (((1.0, "IIIZ"),), ((0.5, "XIZI"), (-1.0, "ZZYZ")))
    local = GateCircuit(4, 2, 3, tuple(gates), outputs)
    prepared = prepared_at_hub(local)
    yield "local", local
    yield "prepared", prepared
    yield "packed", shared_by_qubits(local, 2, PackedDistributor(2, 2_000, moves=False, keeps=False))
    yield "prepared and static", shared_by_qubits(prepared, 3, StaticDistributor())
    yield "layers", shared_by_layers(prepared, 2)


def found_by_own() -> Iterator[tuple[str, Any]]:
    """What the passes over circuits of the user's own find."""
    from ceas_ray.quantum import fisher_information, gate_engine, gate_state_vectors

    for name, circuit in own_circuits():
        inputs = inputs_of(circuit, circuit.pairs_within)
        output = np.arange(len(inputs.owner)) % 2
        for threads in (1, 2):
            yield f"{name}: values", gate_engine.expectations(circuit, inputs, threads=threads)
            for part in gate_engine.shifted_values(circuit, inputs, output, threads=threads):
                yield f"{name}: derivatives", part
        if circuit.prepared is not None and circuit.sharing is None:
            yield f"{name}: prepared", gate_engine.prepared_states(circuit, inputs.angles)
            yield f"{name}: pulled back", gate_engine.pulled_back_observables(circuit, inputs.parameters, inputs.noise)
        if circuit.sharing is None:
            x, theta, owner = inputs.angles, inputs.parameters, inputs.owner
            ideal = gate_state_vectors.reverse_mode(circuit, x, theta, owner=owner, cotangent=np.eye(2)[output])
            yield f"{name}: ideal", np.hstack(ideal)
            yield f"{name}: Fisher information", fisher_information.pure_full(circuit, x[:1], theta[0])


def found_by_layers() -> Iterator[tuple[str, Any]]:
    """What the passes over circuits in layers find."""
    from ceas_ray.quantum import fisher_information, pauli_engine, state_vector_engine
    from ceas_ray.quantum.circuit import Circuit
    from ceas_ray.quantum.partition import partition_by_layers, partition_by_qubits

    for ansatz, entangler in (("ring", "cx"), ("hardware_efficient", "cz"), ("strongly_entangling", "cx")):
        whole: Any = Circuit(4, 2, 2, ansatz=ansatz, entangler=entangler, reuploaded=ansatz == "ring")  # type: ignore[arg-type]
        shares = [whole, partition_by_qubits(whole, 2, not whole.reuploaded)]
        shares += [partition_by_layers(whole, 2, not whole.reuploaded)]
        for circuit in shares:
            inputs = inputs_of(circuit, len(circuit.places))
            cotangent = np.eye(2)[inputs.owner]
            for dtype in (np.float64, np.float32):
                for found in pauli_engine.reverse_mode(circuit, inputs, cotangent, second=True, dtype=dtype):
                    yield f"{ansatz}: derivatives", found
                yield f"{ansatz}: values", pauli_engine.expectations(circuit, inputs, dtype=dtype)
            if not circuit.reuploaded:
                pulled = pauli_engine.pulled_back_outputs(circuit, inputs.parameters, inputs.noise, inputs.werner)
                yield f"{ansatz}: pulled back", pulled
        x, theta, owner = inputs.angles, inputs.parameters, inputs.owner
        ideal = state_vector_engine.reverse_mode(whole, x, theta, owner=owner, cotangent=np.eye(2)[owner])
        yield f"{ansatz}: ideal", np.hstack(ideal[:2])
        yield f"{ansatz}: ideal values", state_vector_engine.expectations(whole, x, theta, owner)
        yield f"{ansatz}: Fisher information", fisher_information.pure_full(whole, x[:1], theta[0])


def without_kept_states() -> Iterator[tuple[str, Any]]:
    """The same where states of layers are computed anew on the way back."""
    from ceas_ray.quantum import pauli_engine

    pauli_engine.KEPT_BYTES, kept = 0, pauli_engine.KEPT_BYTES
    for name, found in found_by_layers():
        yield f"{name}, not kept", found
    pauli_engine.KEPT_BYTES = kept


def findings() -> list[tuple[str, str, bool]]:
    """Of each result: its name, a digest of its bits, and whether all of it is finite."""
    found = [*found_by_own(), *found_by_layers(), *without_kept_states()]
    return [
        (
            name,
            blake2b(np.ascontiguousarray(array).tobytes(), digest_size=8).hexdigest(),
            bool(np.isfinite(array).all()),
        )
        for name, array in found
    ]


if __name__ == "__main__":
    if "poisoned" in sys.argv:
        poison()
    print(json.dumps(findings()))
