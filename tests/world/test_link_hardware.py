"""The hardware of links, from their settings."""

from __future__ import annotations

import pytest

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import LinkSettings, RunSettings
from ceas_ray.config.validation import build
from ceas_ray.network.memories import Dephasing, Depolarizing
from ceas_ray.quantum.emission import Heralded, SingleClick
from ceas_ray.world.link_hardware import link_hardware
from tests.composed_settings import composed_once
from tests.small_worlds import SMALL


def links(*overrides: str) -> LinkSettings:
    return build(RunSettings, composed_once([*SMALL, *(f"links.{word}" for word in overrides)])).links


def test_equal_depolarizing_memories_are_their_coherence_time_alone() -> None:
    hardware = link_hardware(links("coherence_milliseconds=60.0"))
    assert (hardware.memories, hardware.coherence_seconds) == (None, 0.06)


def test_the_hub_has_the_node_s_times_unless_it_has_its_own() -> None:
    unequal = link_hardware(links("coherence_milliseconds=60.0", "hub_coherence_milliseconds=20.0"))
    assert unequal.memories == (Depolarizing(0.02), Depolarizing(0.06))
    dephasing = links("memory=dephasing", "coherence_milliseconds=null", "t2_milliseconds=50.0")
    assert link_hardware(dephasing).memories == (Dephasing(0.05), Dephasing(0.05))


@pytest.mark.parametrize(("changes", "message"), [
    (("t1_milliseconds=5.0",), "links.t1_milliseconds must be null for links.memory=depolarizing, got 5"),
    (("coherence_milliseconds=null",), "links.coherence_milliseconds must be given for links.memory=depolarizing"),
    (("bright_population=0.1",), "links.bright_population must be null for links.scheme="),
    (("scheme=single_click",), "links.bright_population must be given for links.scheme=single_click"),
    (("memory=relaxation", "coherence_milliseconds=null", "t1_milliseconds=1.0", "t2_milliseconds=3.0"),
     "T2 must be at most 2 T1"),
])  # fmt: skip
def test_what_does_not_fit_together_is_refused_by_its_key(changes: tuple[str, ...], message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        link_hardware(links(*changes))
    assert message in str(refused.value)


def test_the_scheme_decides_how_a_pair_is_emitted() -> None:
    assert link_hardware(links("dark_count_probability=1e-5")).emission == Heralded(1e-5)
    single = links("scheme=single_click", "bright_population=0.1", "dark_count_probability=1e-5")
    assert link_hardware(single).emission == SingleClick(0.1, 1e-5)
