"""Who writes a word that there is not is told the one that was meant."""

from __future__ import annotations

import pytest

from ceas_ray.config.command_line import CommandLine
from ceas_ray.config.composition import _groups, composed
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.nearest import nearest
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.synonyms import synonyms_of
from ceas_ray.config.validation import build, known_keys, unknown_key

CHOICES = {
    "attacks": {"signflip": "sign_flip", "inner_prodcut": "inner_product", "minmax": "min_max", "lf": "label_flip"},
    "aggregation": {
        "multikrum": "multi_krum",
        "geomed": "geometric_median",
        "trim_mean": "trimmed_mean",
        "trimed_mean": "trimmed_mean",
        "mutli_krum": "multi_krum",
    },
    "scheduling": {
        "mpd": "mdp",
        "ondemand": "on_demand",
        "jit": "just_in_time",
        "lp": "linear_program",
        "maxweight": "max_weight",
    },
}
KEYS = {
    "trianing.rounds": "training.rounds",
    "training.lr": "training.learning_rate",
    "training.n_qubits": "training.qubits",
    "consensus.timeout": "consensus.input_timeout",
    "runtime.processors_hosts": "runtime.processor_hosts",
    "stop.walltime": "stop.wall_seconds",
    "dryrun": "dry_run",
    "scheduler": "scheduling",
    "topology": "network",
    "qubits": "training.qubits",
    "epochs": "training.rounds",
    "workers": "processors.count",
    "training.circuits": "training.circuits_per_round",
    "training.batch_size": "training.batch",
    "training.num_qubits": "training.qubits",
    "processors.number": "processors.count",
    "attacks.share": "attacks.fraction",
    "runtime.hosts": "runtime.processor_hosts",
    "stop.pairs": "stop.bell_pairs",
}


@pytest.mark.parametrize(("group", "word", "meant"), [(g, w, m) for g, of in CHOICES.items() for w, m in of.items()])
def test_the_choice_that_was_meant_is_named(group: str, word: str, meant: str) -> None:
    assert nearest(word, _groups()[group], synonyms_of(group)) == meant


@pytest.mark.parametrize(("word", "meant"), KEYS.items())
def test_the_key_that_was_meant_is_named(word: str, meant: str) -> None:
    assert unknown_key(word, [*known_keys(), *_groups()]) == f"a known key (did you mean {meant}?)"


@pytest.mark.parametrize(
    ("word", "meant"),
    [("attacks=little_is_enough", "alie"), ("attacks=optimising_attacker", "optimising"), ("links=ion", "trapped_ion"),
     ("aggregation=foolsgold", "similarity_discount"), ("scheduling=two-level", "two_level")],
)  # fmt: skip
def test_a_choice_is_found_by_the_name_of_its_class_or_of_its_paper(word: str, meant: str) -> None:
    with pytest.raises(SettingsError, match=rf"\(did you mean {meant}\?\)"):
        composed([word])


def test_an_abbreviation_has_the_beginnings_of_all_parts() -> None:
    assert nearest("jt", ["just_in_time"]) is None
    assert nearest("mdp", ["mdp", "mdp_precision"]) == "mdp"


def test_nothing_is_named_where_nothing_is_alike() -> None:
    assert nearest("zebra", _groups()["attacks"], synonyms_of("attacks")) is None


MISSPELT = """
training.rouds=5 training.rounds
training.max_epochs=5 training.rounds
training.circuit_per_round=64 training.circuits_per_round
training.final_lr=0 training.final_learning_rate
training.lr_schedule=cosine training.learning_rate_schedule
training.eval_every=2 training.evaluate_every
training.batchsize=4 training.batch
training.data.min_sample=10 training.data.min_samples
training.data.angles=1 training.data.angle_range
training.data.concentration=1 training.data.dirichlet_concentration
processors.errorspread=2 processors.error_spread
processors.readout=.1 processors.readout_error
processors.two_qubit_depolarising=.01 processors.two_qubit_depolarizing
links.coherence_ms=10 links.coherence_milliseconds
links.dark_count_prob=1e-6 links.dark_count_probability
links.swapping_success=.5 links.swap_success
entanglement.bursts=4 entanglement.burst_shots
entanglement.gap=4 entanglement.gap_periods
entanglement.swaping=in_order entanglement.swapping
entanglement.multiplex=4 entanglement.multiplexing
consensus.delta=5 consensus.delta_microseconds
consensus.keyrate=finite consensus.key_rate
consensus.retransmission=3 consensus.retransmissions
aggregation.weight=x aggregation.weights
attacks.fractoin=.2 attacks.fraction
attacks.placment=random attacks.placement
attacks.replica_fault=[crash] attacks.replica_faults
runtime.hang_second=8 runtime.hang_seconds
runtime.wait=8 runtime.wait_seconds
runtime.on_lost=stop runtime.on_lost_cluster
tracking.mlfow=true tracking.mlflow
stop.wall_second=10 stop.wall_seconds
sweep.resum=never sweep.resume
resumee=x resume
verfy=x verify
shedule=mdp scheduling
aggregate=mean aggregation
attacks=alei alie
attacks=noise gaussian
attacks=trojans backdoor
aggregation=clipping centered_clipping
aggregation=multikrum_nnm nnm_multi_krum
scheduling=just_in_tme just_in_time
scheduling=bellman mdp
scheduling=threshold two_level
network=hub_spoke star
network=geometric_graph random_geometric
links=rydberg cavity_atoms
processors=perfect noiseless
training=mnist_38 digits_38
tracking=files folder
runtime=threads local
experiment=utilisation utilization
training.error_mitigation=pec probabilistic_error_cancellation
consensus.on_stall=skp skip
--multirun=true --multirun
--vesion --version
"""
"""Words, each with the key, group, choice, value or option that is meant; written before anybody looked."""


@pytest.mark.slow
def test_of_ten_misspelt_words_nine_are_answered_with_the_one_that_was_meant() -> None:
    cases = [line.split() for line in MISSPELT.split("\n") if line]
    answered = [word for word, meant in cases if f"(did you mean {meant}?)" in answer_to(word)]
    assert len(answered) >= 0.9 * len(cases), sorted({word for word, _ in cases} - {*answered})


def answer_to(word: str) -> str:
    with pytest.raises(SettingsError) as refused:
        build(RunSettings, composed(CommandLine.of([word]).overrides))
    return str(refused.value)
