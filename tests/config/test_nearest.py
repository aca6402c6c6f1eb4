"""Who writes a word that there is not is told the one that was meant."""

from __future__ import annotations

import pytest

from ceas_ray.config.composition import _groups, composed
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.nearest import nearest
from ceas_ray.config.validation import known_keys, unknown_key

CHOICES = {
    "attacks": {"signflip": "sign_flip", "inner_prodcut": "inner_product", "minmax": "min_max", "lf": "label_flip"},
    "aggregation": {"multikrum": "multi_krum", "geomed": "geometric_median", "trim_mean": "trimmed_mean"},
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
    assert nearest(word, _groups()[group]) == meant


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
    assert nearest("zebra", _groups()["attacks"]) is None
