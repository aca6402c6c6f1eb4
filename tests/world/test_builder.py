"""The outline of a world is made in little time, and refuses all that the world itself would."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.runs.forecast import forecast
from ceas_ray.world.builder import build_world, outline_world
from tests.cli.command_lines import RIGHT_LINES
from tests.composed_settings import composed_once
from tests.small_worlds import SMALL


def settings_of(*words: str) -> RunSettings:
    chosen = {word.partition("=")[0] for word in words}
    others = [word for word in SMALL if word.partition("=")[0] not in chosen]
    return build(RunSettings, composed_once([*others, *words]))


@pytest.mark.parametrize(("words", "message"), [
    (("scheduling.gap_slots=4", "scheduling.gap_stock=8"), "scheduling.max_classes, scheduling.gap_slots, "),
    (("scheduling=two_level", "entanglement.slots=2"), "entanglement.slots must be at least the 3 pairs of a shot"),
    (("entanglement.slots=3", "network=line", "entanglement.purification_rounds=1"), "entanglement.slots must be at"),
    (("entanglement.min_fidelity=0.999",), "entanglement.min_fidelity must be below the fidelity of every link"),
    (("entanglement.key_useful_age_milliseconds=50",), "links: end-to-end pairs must have a fidelity above .835"),
    (("network=line", "entanglement.key_useful_age_milliseconds=50"), "links: end-to-end pairs must have a fidelity"),
    (("entanglement.node_slots=30",), "entanglement.multiplexing must be at least 1 and entanglement.node_slots at"),
    (("processors.count=300", "training=moons", "training.data.samples=1000", "entanglement.node_slots=30"),
     "entanglement.multiplexing must be at least 1 and entanglement.node_slots at least 48"),
    (("entanglement.hub_channels=7",), "entanglement.hub_channels must exceed the 7 legs of the committee"),
    (("training.estimator=full_shift", "training.circuits_per_round=300"), "training.circuits_per_round must be at"),
    (("training.rounds=1000000", "entanglement.supply=1000"), "training.rounds must be such that a run takes at most"),
    (("+inputs.mine=abc",), "mine must be there as when the run was started"),
])  # fmt: skip
def test_an_outline_refuses_what_a_world_refuses_in_the_same_words(words: tuple[str, ...], message: str) -> None:
    said = []
    for make in (outline_world, build_world):
        with pytest.raises(SettingsError) as refused:
            make(settings_of(*words))
        said.append(str(refused.value))
    assert said[0] == said[1]
    assert said[0].startswith(message)


@pytest.mark.slow
def test_whatever_has_an_outline_can_be_built_and_nothing_else() -> None:
    ends: Counter[bool] = Counter()

    @settings(max_examples=60, phases=[Phase.generate], deadline=None)
    @given(RIGHT_LINES)
    def typed(words: list[str]) -> None:
        try:
            chosen = settings_of(*words)
        except SettingsError:
            assume(False)
        refused: list[str | None] = []
        for make in (outline_world, build_world):
            try:
                made = make(chosen)
                refused.append(None)
            except SettingsError as error:
                refused.append(str(error))
                continue
            if make is outline_world:
                assume(forecast(chosen, made).start_seconds < 20)
        assert refused[0] == refused[1], words
        ends[refused[0] is None] += 1

    typed()
    assert min(ends[True], ends[False]) > 5, ends


@pytest.mark.parametrize("words", [
    ("training=spin_chain", "training.data.samples=70"), ("training=spin_chain", "training.data.samples=101"),
    ("training=moons",), ("training.data.validation_fraction=0.3",),
])  # fmt: skip
def test_parties_have_in_an_outline_as_many_samples_as_in_the_world(words: tuple[str, ...]) -> None:
    chosen = settings_of(*words)
    outline, world = outline_world(chosen), build_world(chosen)
    for mine, real in zip(outline.blueprint.shards, world.shards, strict=True):
        assert np.array_equal(mine.targets, real.targets)
