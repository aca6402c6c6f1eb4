"""The exact engine for circuits of the user's own: density matrices in the Pauli basis, gate by gate.

Lanes (samples with the parameters and the noise of their processor) lie innermost, as in `pauli_engine`, whose results
it has. Every gate acts ideally, then the noise of its processor follows, see `Noise`; a gate on two qubits has the
depolarizing of its first. A rotation is R = A + B cos + C sin of its angle, so values at angle +- pi/2 are
z + z'' +- z', and one backward pass gives z' and z'' of all of them.
"""

from __future__ import annotations

from math import isqrt

import numpy as np
from numpy.typing import NDArray

from ceas_ray.quantum import gate_kernels
from ceas_ray.quantum.gate_circuit import GateCircuit
from ceas_ray.quantum.gate_noise import Noise, noiseless
from ceas_ray.quantum.gate_tables import tables_of
from ceas_ray.quantum.lanes import aligned_rows, lane_count
from ceas_ray.quantum.pauli_engine import LaneInputs, ShiftedValues, pauli_weights
from ceas_ray.quantum.shaped_arrays import shaped
from ceas_ray.quantum.threads import in_blocks

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def shifted_values(circuit: GateCircuit, inputs: LaneInputs, output: Integers, *, threads: int = 1) -> ShiftedValues:
    """Return one output of each lane, output (B,), and its derivatives by every angle that shifts, (B, R).

    Readout errors are in it. inputs: `angles` holds the inputs x (B, inputs); of a shared circuit, `noise` may be that
    of each section (Q, sections, n, 7), and `werner` (Q, places) is in the order of `Sharing.ends`; with that of waits
    behind it, (Q, columns). Raises ValueError for wrong shapes.
    """
    problem = _problem(circuit, inputs)
    lanes, output = len(inputs.owner), np.asarray(output)
    one = (np.arange(circuit.outputs) == output[:, None]).astype(np.float64)
    values = np.empty((lanes, circuit.outputs))
    first, second = np.empty((lanes, circuit.shift_count)), np.empty((lanes, circuit.shift_count))
    segment = _segment(circuit)
    states = 3 + -(-_own_steps(circuit) // segment) + segment

    def work(block: int, step: int) -> None:
        workspace = _states(circuit, states)
        gate_kernels.reverse_mode(problem, one, block, step, segment, workspace, (values, first, second))

    in_blocks(work, threads)
    return ShiftedValues(np.take_along_axis(values, output[:, None], axis=1)[:, 0], first, second)


def expectations(circuit: GateCircuit, inputs: LaneInputs, *, threads: int = 1) -> Floats:
    """Return all outputs of each lane, (B, K), readout errors included; arguments as `shifted_values`."""
    problem = _problem(circuit, inputs)
    values = np.empty((len(inputs.owner), circuit.outputs))
    in_blocks(lambda block, step: gate_kernels.forward(problem, block, step, _states(circuit, 2), values), threads)
    return values


def pulled_back_observables(
    circuit: GateCircuit, parameters: Floats, noise: Floats, shifts: Floats | None = None
) -> Floats:
    """Return the observables pulled back to the states that the hub teleports: z_k = sum_P h_kP <P>, shape (Q, K, 4^n).

    Readout errors are in them. For circuits that a hub prepares. parameters (Q, P), noise (Q, n, 7); shifts (Q, R):
    what is added to the angles that shift, rad.
    """
    assert circuit.prepared is not None, "an observable can be pulled back to the input only where it is prepared first"
    processors, outputs = len(parameters), circuit.outputs
    owner, each = np.repeat(np.arange(processors), outputs), np.tile(np.eye(outputs), (processors, 1))
    perfect, nothing = np.ones((processors, circuit.qubits + 1)), np.zeros((len(owner), circuit.inputs))
    problem = _problem(circuit, LaneInputs(nothing, parameters, noise, perfect, owner))
    angles = problem.angles
    if shifts is not None:
        angles[:, circuit.trained] += shifts[owner]
    problem = problem._replace(trained=np.full_like(problem.trained, -1), angles=angles)
    pulled = np.empty((len(owner), 4**circuit.qubits))
    gate_kernels.pull_back(problem, each, 0, 1, _states(circuit, 1), pulled)
    return pulled.reshape(processors, outputs, -1)


def prepared_states(circuit: GateCircuit, inputs: Floats) -> Floats:
    """Return the Pauli coefficients of the states that the hub prepares from inputs (B, inputs), shape (B, 4^n)."""
    count = len(inputs)
    parameters, perfect = np.zeros((1, circuit.parameter_count)), np.ones((1, circuit.qubits + 1))
    owner = np.zeros(count, np.int64)
    problem = _problem(circuit, LaneInputs(inputs, parameters, noiseless(1, circuit.qubits), perfect, owner))
    states = np.empty((count, 4**circuit.qubits))
    gate_kernels.prepare(problem, 0, 1, _states(circuit, 1), states)
    return states


def kept_states(circuit: GateCircuit) -> int:
    """Return how many states, each (4^n, lanes), the derivatives of a block of lanes take."""
    segment, sectors = _segment(circuit), 1 if circuit.sharing is None else circuit.sharing.sectors
    return sectors * (3 + -(-_own_steps(circuit) // segment) + segment)


def _own_steps(circuit: GateCircuit) -> int:
    """Return the number of the processor's steps: its gates, and its uses of pairs."""
    uses = 0 if circuit.sharing is None else len(circuit.sharing.steps)
    return len(circuit.gates) - (circuit.prepared or 0) + uses


def _segment(circuit: GateCircuit) -> int:
    """Return the number of gates from one kept state to the next, which is also the number of states kept in
    between.
    """
    return isqrt(_own_steps(circuit) - 1) + 1


def _states(circuit: GateCircuit, count: int) -> Floats:
    """Return room for states, (count, sectors times 4^n, lanes)."""
    size = 4**circuit.qubits * (1 if circuit.sharing is None else circuit.sharing.sectors)
    states: Floats = aligned_rows(count * size, np.float64)
    return states.reshape(count, size, lane_count(np.float64))


def _problem(circuit: GateCircuit, inputs: LaneInputs) -> gate_kernels.Problem:
    lanes, processors = len(inputs.owner), len(inputs.parameters)
    x = shaped("angles", inputs.angles, (lanes, circuit.inputs))
    parameters = shaped("parameters", inputs.parameters, (processors, circuit.parameter_count))
    noise = _noise(circuit, inputs.noise, processors)
    owner, tables = np.ascontiguousarray(inputs.owner, np.int64), tables_of(circuit)
    readout = 1 - 2 * noise[:, -1, :, Noise.READOUT]
    weights = np.stack(
        [weight * np.prod(np.where(touched, readout, 1.0), axis=1)
         for weight, touched in zip(tables.weights, tables.touched, strict=True)], axis=1,
    )  # fmt: skip
    return gate_kernels.Problem(
        kinds=tables.kinds,
        qubits=tables.qubits,
        tables=tables.numbers,
        rotations=tables.rotations,
        trained=tables.trained,
        partners=tables.partners,
        signs=tables.signs,
        matrices=tables.matrices,
        angles=np.ascontiguousarray(circuit.angles(x, parameters, owner)),
        noise=noise,
        owner=owner,
        terms=tables.terms,
        weights=np.ascontiguousarray(weights),
        starts=tables.starts,
        prepared=-1 if circuit.prepared is None else circuit.prepared,
        attenuation=shaped("attenuation", inputs.attenuation, (processors, circuit.qubits + 1)),
        strings=pauli_weights(circuit.qubits),
        sections=tables.sections,
        sectors=tables.sectors,
        shifts=tables.shifts,
        places=tables.places,
        werner=_werner(circuit, inputs.werner, processors),
    )


def _werner(circuit: GateCircuit, werner: Floats | None, processors: int) -> Floats:
    """Return the Werner parameters of places and waits, (Q, columns): 1 of what is not given."""
    places, columns = (0, 0) if circuit.sharing is None else (circuit.pairs_within, circuit.sharing.columns)
    given = np.ones((processors, places)) if werner is None else np.asarray(werner, np.float64)
    if given.ndim == 2 and given.shape[1] == columns:
        return shaped("werner", given, (processors, columns))
    left = np.ones((processors, columns - places))
    return np.ascontiguousarray(np.concatenate([shaped("werner", given, (processors, places)), left], axis=1))


def _noise(circuit: GateCircuit, noise: Floats, processors: int) -> Floats:
    """Return the noise of every processor and section, (Q, sections, n, 7), from that of each section or one for
    all.
    """
    sections, each = 1 if circuit.sharing is None else len(circuit.sharing.holders), np.asarray(noise, np.float64)
    if each.ndim == 3:
        each = np.repeat(shaped("noise", each, (processors, circuit.qubits, len(Noise)))[:, None], sections, axis=1)
    return shaped("noise", each, (processors, sections, circuit.qubits, len(Noise)))
