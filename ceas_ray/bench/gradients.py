"""Time what a training round computes of circuits beside Qiskit Aer, and weigh the kinds of error mitigation.

usage: scripts/bench gradients [--quick] [--estimator-qnn PYTHON] [--lightning PYTHON]

What is timed is the call that training makes: `shifted_values` with the arguments of `GradientWork`, whose result holds
every z_k(theta) and z_k(theta_i +- pi/2), all outputs. Aer delivers the same values: one `run` with `parameter_binds`
of every shifted value, `save_expectation_value` of every output, a noise model per processor. It runs some samples of
the first processor (from 8 qubits on with some of their values) and is scaled to all; what it ran is compared, and a
difference above 1e-12 ends the benchmark. The circuits have 3 layers and a ring of CX; noise is depolarizing and
damping after every gate, different on each processor. The round: 50 processors with 32 samples each at 6 qubits.

`reference_gradients`: exact gradients without noise, as the centralized reference takes them, compared likewise; peers
give gradients alone, and each runs in the Python of an environment that has it. Prints one JSON line; ratios are within
the run.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from ceas_ray.bench.error_mitigation import error_mitigation_table
from ceas_ray.bench.processes import figures_of_module, figures_of_peer
from ceas_ray.kernel.compiled_code import njit
from ceas_ray.processors.gradient_records import GradientInputs
from ceas_ray.processors.gradient_work import engine_call
from ceas_ray.quantum import aer_engine, pauli_engine, state_vector_engine
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.gate_noise import Noise, noiseless
from ceas_ray.quantum.lanes import load, store
from ceas_ray.quantum.mixed_pairs import NO_PAIRS
from ceas_ray.quantum.pauli_engine import ShiftedValues

Floats = NDArray[np.float64]
LAYERS, PROCESSORS, SAMPLES = 3, 50, 32
MAX_DIFFERENCE = 1e-12
_MEANS = {
    Noise.ONE_QUBIT_DEPOLARIZING: 1e-3,
    Noise.ONE_QUBIT_DAMPING: 5e-4,
    Noise.TWO_QUBIT_DEPOLARIZING: 1e-2,
    Noise.TWO_QUBIT_DAMPING: 3e-3,
}
_FLOPS_OF_NOISE, _FLOPS_OF_MAP, _FLOPS_OF_CORRELATION = 31, 84, 96
"""For a tile of 16 coefficients: 15 products and 8 fused; 4 times 3 rows of 4; 4 times 12 fused."""


class Workload:
    """Random samples, parameters and noise of some processors, as items of `GradientWork`."""

    def __init__(
        self, qubits: int, processors: int, samples: int, outputs: int = 1, *, local_inputs: bool = False
    ) -> None:
        draw = np.random.default_rng(1)
        self.circuit = Circuit(qubits, LAYERS, outputs, reuploaded=local_inputs)
        self.samples = samples
        self.items = [self._item(draw) for _ in range(processors)]
        self.inputs, self.output = engine_call(self.circuit, self.items, [item.attenuation for item in self.items])

    def _item(self, draw: np.random.Generator) -> GradientInputs:
        circuit, n = self.circuit, self.circuit.qubits
        noise = noiseless(1, n)[0]
        for column, mean in _MEANS.items():
            noise[:, column] = mean * draw.uniform(0.5, 2)
        return GradientInputs(
            name="processor/0",
            round_index=0,
            angles=draw.uniform(-np.pi / 2, np.pi / 2, (self.samples, n)),
            targets=np.ones((self.samples, circuit.outputs)),
            parameters=draw.uniform(-np.pi, np.pi, circuit.parameter_count),
            noise=noise,
            attenuation=np.power(1.0 if circuit.reuploaded else 0.95, np.arange(n + 1)),
            werner=NO_PAIRS.werner,
            coefficients=NO_PAIRS.coefficients,
            usable=np.ones(64, bool),
            certified_werner=None,
        )

    def ours(self, threads: int = 1) -> ShiftedValues:
        """Compute what training computes."""
        return pauli_engine.shifted_values(self.circuit, self.inputs, self.output, threads=threads)

    def gradients_alone(self) -> Any:
        """Return the first derivatives of output 0 of each lane, which no training run computes alone."""
        one = np.eye(1, self.circuit.outputs).repeat(len(self.output), axis=0)
        return pauli_engine.reverse_mode(self.circuit, self.inputs, one)

    @property
    def settings(self) -> Floats:
        """Theta and theta_i +- pi/2 of the first processor, (1 + 2 P, P)."""
        return shifted_settings(self.items[0].parameters)

    def table(self, found: ShiftedValues, samples: int) -> Floats:
        """Return all values of the first processor's first samples at `settings`, (samples, 1 + 2 P, outputs)."""
        outputs = self.circuit.outputs
        value, first, second = (
            part[: samples * outputs].reshape(samples, outputs, -1).swapaxes(1, 2) for part in found
        )
        return np.concatenate([value, value + second + first, value + second - first], axis=1)

    def aer(self, samples: int, values: int | None, found: ShiftedValues) -> float:
        """Return the seconds that Aer would take for one sample's values, from some samples and values (None: all).

        Raises RuntimeError if they are not those in `found`.
        """
        item, settings = self.items[0], self.settings
        count = len(settings) if values is None else min(values, len(settings))
        chosen = np.linspace(0, len(settings) - 1, count).round().astype(int)
        hardware = aer_engine.Hardware(self.circuit, item.noise, item.attenuation, None)
        seconds, theirs = _timed(lambda: hardware.expectations(item.angles[:samples], settings[chosen]))
        refuse_difference(self.table(found, samples)[:, chosen], theirs)
        return seconds / samples / count * len(settings)

    @property
    def flops(self) -> float:
        """Floating-point operations of `gradients_alone`: passes over tiles, without preparations."""
        n = self.circuit.qubits
        forward = n * (_FLOPS_OF_NOISE + _FLOPS_OF_MAP)
        backward = n * (_FLOPS_OF_NOISE + _FLOPS_OF_MAP + _FLOPS_OF_CORRELATION) + _FLOPS_OF_MAP
        return (forward + backward) * LAYERS * 4**n / 16 * len(self.output)


def shifted_settings(parameters: Floats) -> Floats:
    """Return theta and theta_i +- pi/2 of parameters (P,), shape (1 + 2 P, P)."""
    shifts = np.pi / 2 * np.eye(len(parameters))
    return parameters + np.concatenate([np.zeros((1, len(parameters))), shifts, -shifts])


def refuse_difference(ours: Floats, theirs: Floats) -> None:
    """Raise RuntimeError if two tables of the same values differ by more than rounding."""
    difference = float(np.max(np.abs(ours - theirs)))
    if not difference <= MAX_DIFFERENCE:
        raise RuntimeError(f"Aer's values differ from ours by {difference:.3g}: what was timed is not the same")


def main(words: list[str]) -> dict[str, Any]:
    """Return the benchmark's figures."""
    parser = argparse.ArgumentParser(prog="scripts/bench gradients", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="4 and 6 qubits, and less time for Aer")
    parser.add_argument("--estimator-qnn", help="the Python of an environment with qiskit-machine-learning")
    parser.add_argument("--lightning", help="the Python of an environment with pennylane")
    chosen = parser.parse_args(words)
    peers = {"estimator_qnn": chosen.estimator_qnn, "lightning": chosen.lightning}
    peak = _peak_gigaflops()
    found: dict[str, Any] = {"peak_gigaflops": round(peak, 1), "by_qubits": {}}
    for qubits in (4, 6) if chosen.quick else (4, 6, 8, 10):
        found["by_qubits"][str(qubits)] = {
            "teleported_inputs": training_case(qubits, 1, False, chosen.quick),
            "teleported_inputs_four_outputs": training_case(qubits, 4, False, chosen.quick),
            "local_inputs": training_case(qubits, 1, True, chosen.quick),
            "reference_gradients": reference_case(qubits, chosen.quick, peers),
        }
        print(f"{qubits} qubits: {json.dumps(found['by_qubits'][str(qubits)])}", file=sys.stderr)
    found["round"] = _round(chosen.quick, peak)
    found["start_up"] = _start_up()
    found["error_mitigation"] = error_mitigation_table(200 if chosen.quick else 2000)
    return found


def training_case(qubits: int, outputs: int, local_inputs: bool, quick: bool) -> dict[str, Any]:
    """Measure one processor's samples, as training computes them, and Aer."""
    samples = 320 if qubits < 8 else 16 if qubits < 10 else 8
    workload = Workload(qubits, 1, samples, outputs, local_inputs=local_inputs)
    values = {8: 24, 10: 2}.get(qubits)
    workload.ours()
    times = []
    for _ in range(1 if quick or qubits >= 10 else 3):
        seconds, found = _timed(workload.ours)
        times.append((seconds / samples, workload.aer(1, values, found)))
    return _compared(times)


def reference_case(qubits: int, quick: bool, peers: dict[str, str | None]) -> dict[str, Any]:
    """Measure gradients alone and without noise, and Aer's from the same shifts; peers give no more either."""
    workload, samples = Workload(qubits, 1, 320, local_inputs=True), 8
    circuit, inputs, item = workload.circuit, workload.inputs, workload.items[0]
    hardware = aer_engine.Hardware(circuit, np.zeros_like(item.noise), item.attenuation, None)
    shifted = workload.settings[1:]

    def ours() -> Any:
        one = np.ones((len(inputs.owner), 1))
        return state_vector_engine.reverse_mode(
            circuit, inputs.angles, inputs.parameters, owner=inputs.owner, cotangent=one
        )

    ours()
    times = []
    for _ in range(1 if quick or qubits >= 10 else 3):
        mine, found = _timed(ours)
        theirs, table = _timed(lambda: hardware.expectations(item.angles[:samples], shifted))
        plus, minus = np.split(table[:, :, 0], 2, axis=1)
        refuse_difference(found.first[:samples], (plus - minus) / 2)
        times.append((mine / workload.samples, theirs / samples))
    case = _compared(times)
    for name, python in peers.items():
        if python is not None:
            case |= _peer(python, name, qubits=qubits, samples=4 if quick else 16, ours=min(mine for mine, _ in times))
    return case


def _compared(times: list[tuple[float, float]]) -> dict[str, float]:
    """Compare pairs (ours, Aer's) of seconds per sample."""
    ours, theirs = zip(*times, strict=True)
    return {
        "samples_per_second": float(f"{1 / min(ours):.4g}"),
        "aer_samples_per_second": float(f"{1 / min(theirs):.4g}"),
        "ratio": round(float(np.median(np.array(theirs) / np.array(ours))), 1),
    }


def _round(quick: bool, peak: float) -> dict[str, Any]:
    """Time all variants in turn, again and again, so that whatever slows the machine slows all alike."""
    workload = Workload(6, PROCESSORS, SAMPLES)
    variants: dict[str, Callable[[], Any]] = {
        "one_thread": workload.ours,
        "two_threads": lambda: workload.ours(threads=2),
        "gradients_alone": workload.gradients_alone,
    }
    times: dict[str, list[float]] = {name: [] for name in (*variants, "aer")}
    for work in variants.values():
        work()
    for _ in range(3 if quick else 9):
        for name, work in variants.items():
            times[name].append(_timed(work)[0])
        times["aer"].append(workload.aer(2 if quick else 8, None, workload.ours()) * PROCESSORS * SAMPLES)
    one = np.array(times["one_thread"])
    found: dict[str, Any] = {f"seconds_{name}": float(f"{min(times[name]):.4g}") for name in variants}
    found["aer_seconds_scaled_from_one_processor"] = round(min(times["aer"]), 1)
    found["ratio_to_aer"] = round(float(np.median(np.array(times["aer"]) / one)))
    found["ratio_to_aer_min_and_max"] = [round(float(f(np.array(times["aer"]) / one))) for f in (np.min, np.max)]
    found["speed_up_by_two_threads"] = round(float(np.median(one / np.array(times["two_threads"]))), 2)
    alone = min(times["gradients_alone"])
    found["share_of_peak_of_gradients_alone"] = round(workload.flops / alone / 1e9 / peak, 3)
    return found


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds of one call, and what it returns."""
    started = time.perf_counter()
    found = work()
    return time.perf_counter() - started, found


@njit(nogil=True, fastmath={"contract", "nsz"})
def _fused_chains(numbers: Any, steps: int) -> None:
    """Run ten independent chains of fused multiply-adds on whole registers."""
    factor = load(numbers, 10)
    a, b, c, d, e = load(numbers, 0), load(numbers, 1), load(numbers, 2), load(numbers, 3), load(numbers, 4)
    f, g, h, i, j = load(numbers, 5), load(numbers, 6), load(numbers, 7), load(numbers, 8), load(numbers, 9)
    for _ in range(steps):
        a, b, c, d, e = a * factor + a, b * factor + b, c * factor + c, d * factor + d, e * factor + e
        f, g, h, i, j = f * factor + f, g * factor + g, h * factor + h, i * factor + i, j * factor + j
    store(numbers, 0, a + b + c + d + e + f + g + h + i + j)


def _peak_gigaflops() -> float:
    """Return the machine's float64 peak on one core, measured: 10 chains of 8 lanes, 2 operations a step."""
    numbers, steps = np.full((11, 8), 1e-9), 2_000_000
    times = [_timed(lambda: _fused_chains(numbers.copy(), steps))[0] for _ in range(6)]  # the first one compiles
    return 10 * 8 * 2 * steps / min(times) / 1e9


def _first_gradient() -> dict[str, float]:
    process = psutil.Process()
    Workload(6, 2, SAMPLES).ours()
    return {
        "seconds": round(time.time() - process.create_time(), 2),
        "megabytes": round(process.memory_full_info().pss / 2**20, 1),
    }


def _start_up() -> dict[str, float]:
    """Measure a fresh process up to its first gradient, compiled code on disk, and its proportional memory then."""
    runs = [figures_of_module("ceas_ray.bench.gradients") for _ in range(3)]
    return min(runs, key=lambda run: float(run["seconds"]))


def _peer(python: str, name: str, *, qubits: int, samples: int, ours: float) -> dict[str, Any]:
    script = Path(__file__).with_name("gradient_peers.py")
    found = figures_of_peer([python, str(script), name, str(qubits), str(LAYERS), str(samples)])
    if "failed" in found:
        return {f"{name}_failed": found["failed"]}
    peer = float(found["seconds_per_sample"])
    return {f"{name}_gradients_per_second": round(1 / peer, 2), f"ratio_to_{name}": round(peer / ours, 1)}


if __name__ == "__main__":
    print(json.dumps(_first_gradient()))
