"""The table of other words for our keys, choices and values holds nothing that is not ours, and answers in errors."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from ceas_ray.config.command_line import CommandLine
from ceas_ray.config.composition import _groups, composed
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.synonyms import KEYS, _table, synonyms_of
from ceas_ray.config.validation import build, known_keys


def values_of(key: str) -> tuple[str, ...]:
    """The words that a key may have as its value."""
    model: Any = RunSettings
    *groups, name = key.split(".")
    for group in groups:
        model = model.model_fields[group].annotation
        assert issubclass(model, BaseModel)
    annotation = model.model_fields[name].annotation
    assert get_origin(annotation) is Literal, key
    return get_args(annotation)


@pytest.mark.parametrize("group", sorted(set(_table()) - {KEYS}))
def test_the_table_names_only_choices_and_values_that_there_are(group: str) -> None:
    ours = _groups()[group] if group in _groups() else values_of(group)
    assert set(synonyms_of(group).values()) <= set(ours)
    assert not set(synonyms_of(group)) & set(ours), "a word that is ours needs no other meaning"


def test_the_table_names_only_keys_that_there_are() -> None:
    known = {*known_keys(), *_groups(), "useful_age_periods"}
    last = {key.rpartition(".")[2] for key in known}
    assert set(synonyms_of(KEYS).values()) <= known | last


@pytest.mark.parametrize(
    ("word", "meant"),
    [("attacks=poison", "label_flip"), ("tracking=none", "folder"), ("scheduling=markov", "mdp"),
     ("network=circle", "ring"), ("attacks=poisson", "label_flip"), ("aggregation=caf", "covariance_filter"),
     ("training.loss=mse", "squared"), ("attacks.byzantine_share=0.3", "attacks.fraction"),
     ("num_clients=3", "processors.count")],
)  # fmt: skip
def test_a_word_of_the_field_is_answered_with_ours(word: str, meant: str) -> None:
    with pytest.raises(SettingsError, match=rf"\(did you mean {meant}\?\)"):
        build(RunSettings, composed(CommandLine.of([word]).overrides))
