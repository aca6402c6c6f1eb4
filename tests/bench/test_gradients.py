"""The benchmark of gradients times what training calls, and compares what it times."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.bench import entanglement as bench_entanglement
from ceas_ray.bench.gradients import Workload, reference_case, refuse_difference
from ceas_ray.kernel.streams import Streams
from ceas_ray.processors.gradient_work import GradientWork
from ceas_ray.quantum import pauli_engine
from ceas_ray.quantum.loss import SquaredLoss
from ceas_ray.quantum.pauli_engine import LaneInputs, ShiftedValues


@pytest.mark.parametrize("outputs", [1, 3])
def test_the_call_that_is_timed_is_the_one_that_training_makes(outputs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    workload, calls = Workload(3, 2, 4, outputs), []

    def engine(circuit: Any, inputs: LaneInputs, output: Any, threads: int) -> ShiftedValues:
        calls.append(inputs._asdict() | {"output": output, "threads": threads})
        return shifted_values(circuit, inputs, output, threads=threads)

    shifted_values = pauli_engine.shifted_values
    work = GradientWork(
        circuit=workload.circuit,
        engine=engine,
        streams=Streams(1),
        loss=SquaredLoss(),
        estimator="doubly_stochastic",
        error_mitigation="none",
        forward_circuits=16,
    )
    work(workload.items)
    monkeypatch.setattr(pauli_engine, "shifted_values", engine)
    workload.ours()
    assert set(calls[0]) == set(calls[1])
    for name, value in calls[0].items():
        np.testing.assert_array_equal(value, calls[1][name], err_msg=name)


@pytest.mark.parametrize(("outputs", "local_inputs", "values"), [(1, False, None), (3, False, 5), (2, True, None)])
def test_aer_delivers_the_same_values_or_the_benchmark_ends(
    outputs: int, local_inputs: bool, values: int | None
) -> None:
    workload = Workload(3, 1, 2, outputs, local_inputs=local_inputs)
    found = workload.ours()
    assert workload.aer(2, values, found) > 0
    wrong = ShiftedValues(found.value, found.first, found.second + 1e-10)
    with pytest.raises(RuntimeError, match=r"differ from ours by 1e-10"):
        workload.aer(2, values, wrong)


def test_the_references_gradients_are_aers_too() -> None:
    assert set(reference_case(3, True, {})) == {"samples_per_second", "aer_samples_per_second", "ratio"}


def test_a_value_that_is_no_number_is_a_difference() -> None:
    with pytest.raises(RuntimeError, match="differ"):
        refuse_difference(np.array([0.0, np.nan]), np.zeros(2))


def test_gradients_alone_are_the_first_derivatives_of_what_training_computes() -> None:
    workload = Workload(3, 2, 3)
    np.testing.assert_allclose(workload.gradients_alone().first, workload.ours().first, atol=1e-13)


@pytest.mark.slow
def test_the_benchmark_of_pairs_says_what_it_measures() -> None:
    assert "through the engine that training runs" in bench_entanglement.measure("ring", 8, quick=True)["measured"]
