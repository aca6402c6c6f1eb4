"""Gradients per second, beside Qiskit Aer's best idiom and other packages; what undoing costs.

usage: scripts/bench gradients [--quick] [--estimator-qnn PYTHON] [--lightning PYTHON]

The circuit has 3 layers with re-uploaded inputs, a ring of CX and one output; noise, where there is any, is
depolarizing and damping after every gate, different on each processor. Aer: one `run` with `parameter_binds` of every
shifted value, `save_expectation_value`, a noise model per processor; it is timed on some samples (on some of their
values, from 8 noisy qubits on), and scaled to the 2 P shifted values of each. The round: 50 processors with 32 samples
each at 6 qubits, Aer timed on samples of one of the 50. A peer runs in the Python of an environment that has it. Prints
one JSON line; ratios are within the run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numba import njit
from numpy.typing import NDArray

from ceas_ray.kernel.streams import Streams
from ceas_ray.processors.gradient_work import GradientWork
from ceas_ray.quantum import aer_engine, pauli_engine, state_vector_engine
from ceas_ray.quantum.bell_pairs import werner_parameter
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.estimator import exact_gradient
from ceas_ray.quantum.gate_noise import Noise, noiseless
from ceas_ray.quantum.lanes import load, store
from ceas_ray.quantum.loss import SquaredLoss
from ceas_ray.quantum.mixed_pairs import NO_PAIRS

Floats = NDArray[np.float64]
LAYERS, PROCESSORS, SAMPLES = 3, 50, 32
_MEANS = {
    Noise.ONE_QUBIT_DEPOLARIZING: 1e-3,
    Noise.ONE_QUBIT_DAMPING: 5e-4,
    Noise.TWO_QUBIT_DEPOLARIZING: 1e-2,
    Noise.TWO_QUBIT_DAMPING: 3e-3,
}
_FLOPS_OF_NOISE, _FLOPS_OF_MAP, _FLOPS_OF_CORRELATION = 31, 84, 96
"""Of a tile of 16 coefficients: 15 products and 8 fused; 4 times 3 rows of 4; 4 times 12 fused."""


class Workload:
    """Random samples, parameters and noise of some processors."""

    def __init__(self, qubits: int, processors: int, samples: int, noisy: bool) -> None:
        draw = np.random.default_rng(1)
        self.circuit = Circuit(qubits, LAYERS, 1, reuploaded=True)
        self.noisy = noisy
        self.parameters = draw.uniform(-np.pi, np.pi, (processors, self.circuit.parameter_count))
        self.angles = draw.uniform(-np.pi / 2, np.pi / 2, (processors * samples, qubits))
        self.owner = np.repeat(np.arange(processors), samples)
        self.noise = noiseless(processors, qubits)
        if noisy:
            factors = draw.uniform(0.5, 2, (processors, 1))
            for column, mean in _MEANS.items():
                self.noise[:, :, column] = mean * factors
        self.shrink = np.ones((processors, qubits + 1))

    def ours(self, threads: int = 1, second: bool = False, dtype: type = np.float64) -> Callable[[], Any]:
        """The gradient of every sample."""
        one = np.ones((len(self.owner), 1))
        if not self.noisy:
            return lambda: state_vector_engine.reverse_mode(
                self.circuit, self.angles, self.parameters, self.owner, one, threads=threads, dtype=dtype
            )
        return lambda: pauli_engine.reverse_mode(
            self.circuit, self.angles, self.parameters, self.noise, self.shrink, self.owner, one,
            second=second, threads=threads, dtype=dtype,
        )  # fmt: skip

    def aer(self, samples: int, values: int | None = None) -> Callable[[], float]:
        """Times Aer on some samples of the first processor: seconds for the 2 P shifted values of one.

        values: how many of the 2 P are run, the rest being scaled; None: all.
        """
        hardware = aer_engine.Hardware(self.circuit, self.noise[0], self.shrink[0], None, 1)
        shifts = self.parameters[0] + np.pi / 2 * np.eye(self.circuit.parameter_count)
        both = np.concatenate([shifts, shifts - np.pi])
        chosen, angles = both[:values], self.angles[np.flatnonzero(self.owner == 0)[:samples]]

        def seconds() -> float:
            return _seconds(lambda: hardware.expectations(angles, chosen), 1) / len(angles) / len(chosen) * len(both)

        return seconds

    @property
    def flops(self) -> float:
        """Of the noisy gradient of all samples: passes over tiles (preparations are left out)."""
        n = self.circuit.qubits
        forward = n * (_FLOPS_OF_NOISE + _FLOPS_OF_MAP)
        backward = n * (_FLOPS_OF_NOISE + _FLOPS_OF_MAP + _FLOPS_OF_CORRELATION) + _FLOPS_OF_MAP
        return (forward + backward) * LAYERS * 4**n / 16 * len(self.owner)


def main(words: list[str]) -> dict[str, Any]:
    """The benchmark's figures."""
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
            "noiseless": _case(qubits, False, chosen.quick, peers),
            "noisy": _case(qubits, True, chosen.quick, {}),
        }
        print(f"{qubits} qubits: {json.dumps(found['by_qubits'][str(qubits)])}", file=sys.stderr)
    found["round_noisy"] = _round(True, chosen.quick, peak)
    found["round_noiseless"] = _round(False, chosen.quick, peak)
    found["start_up"] = _start_up()
    found["undo"] = _undo_table(200 if chosen.quick else 2000)
    return found


def _case(qubits: int, noisy: bool, quick: bool, peers: dict[str, str | None]) -> dict[str, Any]:
    samples = 16 if noisy and qubits >= 8 else 320
    samples = 8 if noisy and qubits >= 10 else samples
    workload = Workload(qubits, 1, samples, noisy)
    ours, repeats = workload.ours(), 1 if quick or qubits >= 10 else 3
    values = {8: 24, 10: 2}.get(qubits) if noisy else None
    aer = workload.aer(1 if noisy else 8, values)
    ours()
    pairs = [(_seconds(ours, 1) / samples, aer()) for _ in range(repeats)]
    best = min(mine for mine, _ in pairs)
    case = {
        "gradients_per_second": float(f"{1 / best:.4g}"),
        "aer_gradients_per_second": float(f"{1 / min(theirs for _, theirs in pairs):.4g}"),
        "ratio": round(float(np.median([theirs / mine for mine, theirs in pairs])), 1),
    }
    for name, python in peers.items():
        if python is not None:
            case |= _peer(python, name, qubits, 4 if quick else 16, best)
    return case


def _round(noisy: bool, quick: bool, peak: float) -> dict[str, Any]:
    """All are timed in turn, again and again: the machine's speed changes, and falls on all alike."""
    workload = Workload(6, PROCESSORS, SAMPLES, noisy)
    variants = {
        "one_thread": workload.ours(),
        "two_threads": workload.ours(threads=2),
        "single_precision": workload.ours(dtype=np.float32),
    } | ({"second_derivatives": workload.ours(second=True)} if noisy else {})
    aer = workload.aer(2 if quick else 8)
    times: dict[str, list[float]] = {name: [] for name in (*variants, "aer")}
    for work in variants.values():
        work()
    for _ in range(3 if quick else 9):
        for name, work in variants.items():
            times[name].append(_seconds(work, 1))
        times["aer"].append(aer() * PROCESSORS * SAMPLES)
    one = np.array(times["one_thread"])
    found: dict[str, Any] = {f"seconds_{name}": float(f"{min(times[name]):.4g}") for name in variants}
    found["aer_seconds_scaled_from_one_processor"] = round(min(times["aer"]), 1)
    found["ratio_to_aer"] = round(float(np.median(np.array(times["aer"]) / one)))
    found["ratio_to_aer_least_and_greatest"] = [round(float(f(np.array(times["aer"]) / one))) for f in (np.min, np.max)]
    found["speed_up_by_two_threads"] = round(float(np.median(one / np.array(times["two_threads"]))), 2)
    if noisy:
        found["share_of_peak"] = round(workload.flops / float(np.min(one)) / 1e9 / peak, 3)
    return found


def _seconds(work: Callable[[], Any], repeats: int) -> float:
    """The least of `repeats` times, after one that is not counted where there are several."""
    if repeats > 1:
        work()
    spent = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        spent.append(time.perf_counter() - started)
    return min(spent)


@njit(nogil=True, fastmath={"contract", "nsz"})
def _fused_chains(numbers: Any, steps: int) -> None:
    """Ten independent chains of fused multiply-adds on whole registers."""
    factor = load(numbers, 10)
    a, b, c, d, e = load(numbers, 0), load(numbers, 1), load(numbers, 2), load(numbers, 3), load(numbers, 4)
    f, g, h, i, j = load(numbers, 5), load(numbers, 6), load(numbers, 7), load(numbers, 8), load(numbers, 9)
    for _ in range(steps):
        a, b, c, d, e = a * factor + a, b * factor + b, c * factor + c, d * factor + d, e * factor + e
        f, g, h, i, j = f * factor + f, g * factor + g, h * factor + h, i * factor + i, j * factor + j
    store(numbers, 0, a + b + c + d + e + f + g + h + i + j)


def _peak_gigaflops() -> float:
    """The machine's float64 peak on one core, measured: 10 chains of 8 lanes, 2 operations a step."""
    numbers, steps = np.full((11, 8), 1e-9), 2_000_000
    return 10 * 8 * 2 * steps / _seconds(lambda: _fused_chains(numbers.copy(), steps), 5) / 1e9


def _first_gradient() -> dict[str, float]:
    process = psutil.Process()
    workload = Workload(6, 2, SAMPLES, True)
    workload.ours(second=True)()
    return {
        "seconds": round(time.time() - process.create_time(), 2),
        "megabytes": round(process.memory_full_info().pss / 2**20, 1),
    }


def _start_up() -> dict[str, float]:
    """A fresh process to its first gradient, compiled code on disk, and its proportional memory then."""
    command = [sys.executable, "-m", "ceas_ray.app.bench_gradients"]
    runs = [
        json.loads(subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ).stdout)
        for _ in range(3)
    ]
    return min(runs, key=lambda run: float(run["seconds"]))


def _peer(python: str, name: str, qubits: int, samples: int, ours: float) -> dict[str, Any]:
    script = Path(__file__).with_name("bench_gradient_peers.py")
    command = [python, str(script), name, str(qubits), str(LAYERS), str(samples)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    if done.returncode != 0:
        return {f"{name}_failed": (done.stderr.strip().splitlines() or ["no message"])[-1]}
    peer = float(json.loads(done.stdout.splitlines()[-1])["seconds_per_sample"])
    return {f"{name}_gradients_per_second": round(1 / peer, 2), f"ratio_to_{name}": round(peer / ours, 1)}


def _undo_table(rounds: int) -> dict[str, Any]:
    """Relative bias and spread of sampled gradients with pairs of one fidelity, for each way of undoing contrast.

    6 qubits, 3 layers, 8 samples, 1,024 circuits, perfect gates; spread: root of the summed variance over the ideal
    gradient's norm.
    """
    circuit, draw = Circuit(6, LAYERS, 1), np.random.default_rng(2)
    angles, parameters = draw.uniform(-1.5, 1.5, (8, 6)), draw.uniform(-np.pi, np.pi, circuit.parameter_count)
    targets, nothing = draw.choice([-1.0, 1.0], (8, 1)), noiseless(1, 6)
    lanes = np.zeros(8, np.int64)
    ideal = pauli_engine.shifted_values(circuit, angles, parameters[None], nothing, np.ones((1, 7)), lanes, lanes)
    wanted = exact_gradient(ideal.value[:, None], ideal.first[:, None], targets, SquaredLoss())
    table: dict[str, Any] = {}
    for fidelity in (0.97, 0.94, 0.90, 0.85):
        werner = float(werner_parameter(fidelity))
        item = {
            "name": "processor/0", "angles": angles, "targets": targets, "parameters": parameters,
            "noise": nothing[0], "shrink": werner ** np.arange(7), "usable": np.ones(1024, bool),
            "certified_werner": werner, "werner": NO_PAIRS.werner, "coefficients": NO_PAIRS.coefficients,
        }  # fmt: skip
        row = {}
        for undo in ("none", "scalar", "exact"):
            gradients = []
            for estimator in ("exact", "doubly_stochastic"):
                work = GradientWork(
                    circuit, pauli_engine.shifted_values, Streams(1), SquaredLoss(), estimator, undo, 256
                )  # type: ignore[arg-type]
                count = 1 if estimator == "exact" else rounds
                gradients.append(np.array([work([item | {"round_index": r}])[0]["gradient"] for r in range(count)]))
            exact, sampled = gradients
            row[undo] = {
                "bias": round(float(np.linalg.norm(exact[0] - wanted) / np.linalg.norm(wanted)), 4),
                "spread": round(float(np.sqrt(sampled.var(axis=0, ddof=1).sum()) / np.linalg.norm(wanted)), 3),
            }
        table[str(fidelity)] = row
    return table


if __name__ == "__main__":
    print(json.dumps(_first_gradient()))
