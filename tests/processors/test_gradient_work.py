"""The heavy work of processors: every gradient by itself, whatever it is computed with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ceas_ray.kernel.streams import Streams
from ceas_ray.processors.gradient_records import GradientInputs
from ceas_ray.processors.gradient_work import GradientWork
from ceas_ray.processors.trap_circuit_draws import TrapCircuits
from ceas_ray.quantum import aer_engine, pauli_engine
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.estimator import (
    Estimate,
    exact_gradient,
)
from ceas_ray.quantum.gate_noise import noiseless
from ceas_ray.quantum.mixed_pairs import NO_PAIRS
from ceas_ray.quantum.pauli_engine import LaneInputs
from tests.processors.gradient_items import items_of, noise
from tests.quantum.estimates import SQUARED, assert_unbiased, assert_variance
from tests.small_worlds import small_world


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.25])
def test_only_where_asked_does_the_work_speak_of_answers(share: float) -> None:
    """Else its output, and with it every digest, would differ from that of a run that knows of no such circuits."""
    world = small_world(f"training.trap_circuit_share={share}", "aggregation=ceas", "aggregation.weights.min_tests=10")
    (output,) = world.work(items_of(world, [noise(3, 0.01)], np.ones(64, bool)))
    answered = {"asked", "wrong"} if share else set()
    assert set(output) == {"gradient", "variance", "contrast"} | answered
    assert not share or output["asked"] == 16


@pytest.mark.slow
@pytest.mark.parametrize(("estimator", "share"), [("full_shift", 0.0), ("full_shift", 0.2), ("doubly_stochastic", 0.2)])
@pytest.mark.parametrize("error_mitigation", ["none", "rescale", "probabilistic_error_cancellation"])
def test_variances_hold_with_trap_circuits_and_with_mitigated_errors(
    estimator: Any, share: float, error_mitigation: Any
) -> None:
    circuit, streams, werner = Circuit(2, 1, 1), Streams(3), 0.8
    draw = np.random.default_rng(8)
    item = GradientInputs(
        name="processor/0", round_index=0, angles=draw.uniform(-1.5, 1.5, (4, 2)),
        targets=draw.choice([-1.0, 1.0], (4, 1)),
        parameters=draw.uniform(-2, 2, circuit.parameter_count), noise=noiseless(1, 2)[0],
        attenuation=werner ** np.arange(3), usable=np.arange(360) % 5 > 0, certified_werner=werner,
        werner=NO_PAIRS.werner, coefficients=NO_PAIRS.coefficients,
    )  # fmt: skip
    answers = TrapCircuits(circuit, streams, share, 0.2) if share else None
    work = GradientWork(
        circuit=circuit,
        engine=pauli_engine.shifted_values,
        streams=streams,
        loss=SQUARED,
        estimator=estimator,
        error_mitigation=error_mitigation,
        forward_circuits=200,
        threads=1,
        outcome_sampler=None,
        trap_circuits=answers,
    )
    found = [
        Estimate(done["gradient"], done["variance"])
        for r in range(1000)
        for done in work([replace(item, round_index=r)])
    ]
    of_forward = 0.0 if estimator == "full_shift" else slope_share(work, item)
    assert_variance(found, of_forward)


def slope_share(work: GradientWork, item: Any) -> float:
    """What forward circuits leave in the doubly stochastic gradient: of 200, .8 x .8 on average, over 4 cells."""
    (sampler,), (mitigation,) = work._samplers([item], work._mitigations([item])), work._mitigations([item])
    seen = sampler.visibility[0] / mitigation.assumed
    of_slope = 4 * (1 / mitigation.assumed**2 - (seen * sampler.values) ** 2) / (200 * 0.8 * 0.8 / 4 - 0.5)
    return float(np.sum(of_slope[:, :, None] * (seen * sampler.first) ** 2)) / 16


@pytest.mark.slow
def test_outcomes_of_aer_have_the_mean_and_the_spread_of_ours() -> None:
    circuit, rounds = Circuit(3, 2, 2, reuploaded=True), 30
    draw = np.random.default_rng(4)
    noise = np.tile([0.02, 0.02, 0.02, 0.05, 0.02, 0.02, 0.06], (3, 1))
    item = GradientInputs(
        name="processor/0", round_index=0, angles=draw.uniform(-1, 1, (3, 3)),
        targets=draw.choice([-1.0, 1.0], (3, 2)), parameters=draw.uniform(-2, 2, circuit.parameter_count),
        noise=noise, attenuation=np.ones(4), usable=np.ones(600, bool), certified_werner=None,
        werner=NO_PAIRS.werner, coefficients=NO_PAIRS.coefficients,
    )  # fmt: skip
    gradients = {}
    for name, sampler in (("ours", None), ("aer", aer_engine.sampled_outcomes)):
        work = GradientWork(
            circuit=circuit,
            engine=pauli_engine.shifted_values,
            streams=Streams(3),
            loss=SQUARED,
            estimator="full_shift",
            error_mitigation="none",
            forward_circuits=0,
            threads=1,
            outcome_sampler=sampler,
        )
        gradients[name] = np.array([work([replace(item, round_index=r)])[0]["gradient"] for r in range(rounds)])
    ours, aer = gradients["ours"], gradients["aer"]
    error = np.sqrt((ours.var(axis=0, ddof=1) + aer.var(axis=0, ddof=1)) / rounds)
    assert np.all(np.abs(ours.mean(axis=0) - aer.mean(axis=0)) < 4.5 * error)
    ratio = np.mean(aer.var(axis=0, ddof=1)) / np.mean(ours.var(axis=0, ddof=1))
    assert abs(np.log(ratio)) < 4 * np.sqrt(2 * 2 / ((rounds - 1) * circuit.parameter_count)) * 2


def mitigated(error_mitigation: Any, werner: float) -> tuple[Any, Any]:
    """Return gradients of one processor whose pairs all have this Werner parameter, and the ideal gradient."""
    circuit = Circuit(3, 2, 1)
    draw = np.random.default_rng(8)
    angles, parameters = draw.uniform(-1.5, 1.5, (6, 3)), draw.uniform(-2, 2, circuit.parameter_count)
    item = GradientInputs(
        name="processor/0", round_index=0, angles=angles, targets=draw.choice([-1.0, 1.0], (6, 1)),
        parameters=parameters, noise=noiseless(1, 3)[0], attenuation=werner ** np.arange(4),
        usable=np.ones(1024, bool), certified_werner=werner,
        werner=NO_PAIRS.werner, coefficients=NO_PAIRS.coefficients,
    )  # fmt: skip
    work = GradientWork(
        circuit=circuit,
        engine=pauli_engine.shifted_values,
        streams=Streams(3),
        loss=SQUARED,
        estimator="doubly_stochastic",
        error_mitigation=error_mitigation,
        forward_circuits=256,
        threads=1,
        outcome_sampler=None,
    )
    gradients = np.array([work([replace(item, round_index=r)])[0]["gradient"] for r in range(3000)])
    inputs = LaneInputs(angles, parameters[None], noiseless(1, 3), np.ones((1, 4)), np.zeros(6, int))
    ideal = pauli_engine.shifted_values(circuit, inputs, np.zeros(6, int))
    return gradients, exact_gradient(ideal.value[:, None], ideal.first[:, None], item.targets, SQUARED)


@pytest.mark.slow
def test_probabilistic_error_cancellation_is_unbiased_and_costs_variance_where_the_others_are_biased() -> None:
    werner = 0.8
    exact, ideal = mitigated("probabilistic_error_cancellation", werner)
    assert_unbiased(exact, ideal)
    bias, variance = {}, {"cancelled": exact.var(axis=0).mean()}
    for error_mitigation in ("none", "rescale"):
        gradients, _ = mitigated(error_mitigation, werner)
        bias[error_mitigation] = np.linalg.norm(gradients.mean(axis=0) - ideal) / np.linalg.norm(ideal)
        variance[error_mitigation] = gradients.var(axis=0).mean()
    assert 0.02 < bias["rescale"] < bias["none"]
    assert variance["none"] < variance["rescale"] < variance["cancelled"]
