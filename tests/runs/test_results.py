"""The books of whole runs: what became of every pair, and which of them count as used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.entanglement.unspent_pairs import UnspentPairs
from ceas_ray.kernel.windows import Simulation
from ceas_ray.messages.observations import KeyBatch
from ceas_ray.runs.results import Results
from ceas_ray.runtime.local_runtime import LocalCluster
from tests.composed_settings import composed_once
from tests.small_worlds import SMALL, small_world

FEW = (
    "processors.count=4", "consensus.committee_size=4", "training.circuits_per_round=32", "training.rounds=2",
    "entanglement.warm_up_tests=60",
)  # fmt: skip
NETWORKS = (
    ("network=star",), ("network=complete",),
    ("network=line", "network.link_fidelity=0.995", "entanglement.multiplexing=3"),
)  # fmt: skip
PARTITIONS = (
    (),
    ("training.inputs=local",),
    ("training.partition=circuit",),
    ("training.partition=layer", "training.layers=2"),
)
FAULTS = (
    (),
    *(("attacks.replicas=1", f"attacks.replica_faults=[{fault}]") for fault in ("silent", "lying", "withheld_votes")),
    ("consensus.crash={replicas:[1],round:0,after_milliseconds:0.1,down_milliseconds:5}",),
    ("consensus.loss_probability=0.1",),
)
MEMORIES = ((), ("entanglement.slots=8",), ("entanglement.min_fidelity=0.8",), ("consensus.hash_keys=fresh",))


def run_of(*overrides: str) -> tuple[list[dict[str, Any]], dict[str, Any], Simulation]:
    """The journal's lines, the summary, and the simulation."""
    settings_of_run = build(RunSettings, composed_once([*SMALL, *overrides]))
    world = small_world(*overrides)
    simulation, results = Simulation(LocalCluster(world.one_host())), Results(settings_of_run, world)
    lines = [results.take(end) for end in simulation.rounds()]
    more = {"key_bits": {"distilled": results.key_bits_distilled, "spent": results.key_bits_spent}}
    return lines, results.summary("completed", more), simulation


def test_a_run_that_ends_early_reports_the_accuracy_of_the_model_that_it_has() -> None:
    overrides = ("training.evaluate_every=5", "training.data.validation_fraction=0.3", *FEW)
    world = small_world(*overrides)
    results = Results(build(RunSettings, composed_once([*SMALL, *overrides])), world)
    results.take(next(Simulation(LocalCluster(world.one_host())).rounds()))
    summary = results.summary("stopped", {})
    assert world.validation is not None
    assert (summary["test_loss"], summary["test_accuracy"]) == world.evaluation(results.state.parameters)
    assert summary["test_loss"] != world.evaluation(world.initial_parameters)[0]
    assert summary["validation_accuracy"] == world.validation(results.state.parameters)[1]


def assert_exact(summary: dict[str, Any]) -> None:
    pairs = summary["bell_pairs"]
    columns = ("late", "expired", "sacrificed", "stored")
    assert pairs["generated"] == sum(pairs["used"].values()) + sum(pairs[name] for name in columns)
    for use, books in pairs["by_use"].items():
        assert min(books.values()) >= 0
        assert books["used"] == pairs["used"][use]
        assert books["generated"] == books["used"] + sum(books[name] for name in columns)
    assert summary["bell_pair_utilization"] == pytest.approx(sum(pairs["used"].values()) / pairs["generated"])


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(
    network=st.sampled_from(NETWORKS), partition=st.sampled_from(PARTITIONS), memory=st.sampled_from(MEMORIES),
    scheduling=st.sampled_from(["mdp", "oblivious", "two_level", "on_demand"]), faults=st.sampled_from(FAULTS),
    seed=st.integers(1, 100),
)  # fmt: skip
def test_every_pair_of_a_run_is_used_late_expired_sacrificed_or_stored(
    network: tuple[str, ...], partition: tuple[str, ...], memory: tuple[str, ...], scheduling: str,
    faults: tuple[str, ...], seed: int,
) -> None:  # fmt: skip
    if partition and "partition" in partition[0] and network[0] == "network=complete":
        network = NETWORKS[0]
    chosen = (*network, *partition, *memory, *faults, f"scheduling={scheduling}")
    _, summary, _ = run_of(*FEW, *chosen, f"seed={seed}")
    assert_exact(summary)
    assert summary["key_bits"]["spent"] <= summary["key_bits"]["distilled"]


def test_the_last_line_of_the_journal_and_the_summary_say_the_same_of_utilization() -> None:
    lines, summary, simulation = run_of(*FEW, "training.rounds=5")
    for name in ("utilization", "utilization_net", "utilization_training"):
        assert lines[-1][name] == summary[f"bell_pair_{name}"]
        assert all(0 <= line[name] <= 1 for line in lines)
    spent = sum(sum(totals.values()) for totals in simulation.accounts().values())
    assert summary["key_bits"]["spent"] == spent < summary["key_bits"]["distilled"]
    assert_exact(summary)


def test_key_pairs_count_as_used_in_proportion_to_the_bits_that_were_spent() -> None:
    _, summary, _ = run_of(*FEW, "training.rounds=4")
    books, bits = summary["bell_pairs"]["by_use"]["authentication"], summary["key_bits"]
    share = books["used"] / (books["used"] + books["stored"])
    assert share == pytest.approx(bits["spent"] / bits["distilled"], abs=0.03)


def test_keys_are_distilled_to_need_and_the_reserve_is_drawn_down_in_the_end() -> None:
    lines, summary, _ = run_of(*FEW, "training.rounds=8")
    assert lines[-1]["key_bits"] == 0
    distilled, spent = (summary["key_bits"][name] for name in ("distilled", "spent"))
    a_round, views = spent / 8, 4 * 3 * 2 * 10 * 61
    assert distilled - spent < a_round + views + 4 * 3 * 3 * 61, "a good round and two views, not a growing pile"


@given(
    batches=st.lists(st.tuples(st.integers(1, 1000), st.floats(1, 1000)), min_size=1, max_size=6),
    spent=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), max_size=6),
)  # fmt: skip
def test_pairs_are_used_as_their_bits_are_spent(batches: list[tuple[int, float]], spent: list[tuple[int, int]]) -> None:
    ledger, distilled = UnspentPairs(), 0.0
    ledger.store([KeyBatch(one="a", other="b", pairs=pairs, bits=bits) for pairs, bits in batches])
    totals, left = np.zeros(2, int), ledger.pairs
    assert left == sum(pairs for pairs, _ in batches)
    distilled = sum(bits for _, bits in batches)
    for step in spent:
        totals += np.array(step)
        ledger.spend({"a": {"b": int(totals[0])}, "b": {"a": int(totals[1])}})
        assert 0 <= ledger.pairs <= left
        left = ledger.pairs
        ledger.spend({"a": {"b": 0}})  # a party that is down
        assert ledger.pairs == left and ledger.bits_spent == totals.sum()
        assert (left == 0) == (totals.sum() >= distilled) or left <= 1
    again = UnspentPairs()
    again.restore(ledger.snapshot())
    assert (again.pairs, again.bits_spent) == (ledger.pairs, ledger.bits_spent)
