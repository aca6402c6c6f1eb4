"""Every file in conf/ composes, and builds or is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ceas_ray.config.composition import jobs
from ceas_ray.config.conf_path import conf_directory
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.world.builder import build_world
from ceas_ray.world.link_hardware import link_hardware
from tests.composed_settings import composed_once

OWN_NETWORK = Path(__file__).with_name("cities.graphml")
CHOICES = [
    (path.parent.relative_to(conf_directory()).as_posix(), path.stem)
    for path in sorted(conf_directory().rglob("*.yaml"))
    if path.parent != conf_directory()
]
NO_KEY = {"nv", "atomic_ensemble"}
"""Profiles whose pairs, swapped at the hub, yield no key."""


def settings_of(group: str, choice: str) -> RunSettings:
    own = [f"network.file={OWN_NETWORK}"] if choice == "graphml" else []
    known = ["entanglement=rotation_one_shot"] if choice in ("just_in_time", "mdp_precision") else []
    words = [*known, f"{group}={choice}", "processors.count=8", "training.rounds=1", *own]
    return build(RunSettings, composed_once(words))


@pytest.mark.parametrize(("group", "choice"), [pair for pair in CHOICES if pair[0] != "links" or pair[1] not in NO_KEY])
def test_every_choice_makes_a_world(group: str, choice: str) -> None:
    settings = settings_of(group, choice)
    assert len(build_world(settings).replicas) == (settings.consensus.committee_size or settings.processors.count)


@pytest.mark.parametrize("choice", sorted(NO_KEY))
def test_a_profile_without_a_key_is_refused_in_one_line(choice: str) -> None:
    with pytest.raises(SettingsError) as refused:
        build_world(settings_of("links", choice))
    line = str(refused.value)
    assert line.startswith("links: end-to-end pairs must yield a key")
    assert settings_of("links", choice).links.profile in line
    assert "\n" not in line


def test_nv_centres_have_no_key_even_without_a_swap() -> None:
    settings = build(RunSettings, composed_once(["links=nv", "network=complete", "processors.count=8"]))
    with pytest.raises(SettingsError, match="yield a key"):
        build_world(settings)


@pytest.mark.parametrize(("profile", "rate", "fidelity"), [
    ("nv", 6.5, 0.81), ("trapped_ion", 250, 0.955), ("atomic_ensemble", None, 0.90), ("cavity_atoms", 9600, 0.97),
])  # fmt: skip
def test_profiles_have_the_figures_of_their_sources(profile: str, rate: float | None, fidelity: float) -> None:
    links = settings_of("links", profile).links
    link = link_hardware(links).link(
        max(links.min_km, 1.0) if profile == "cavity_atoms" else links.min_km, links.mean_fidelity
    )
    assert link.fidelity == pytest.approx(fidelity, abs=2e-3)
    if rate is not None:
        assert link.rate == pytest.approx(rate, rel=0.02)


def test_fast_nv_centres_pay_with_fidelity() -> None:
    settings = build(RunSettings, composed_once(["links=nv", "links.bright_population=0.3"]))
    link = link_hardware(settings.links).link(0.002, settings.links.mean_fidelity)
    assert link.rate == pytest.approx(39, rel=0.03)
    assert link.fidelity == pytest.approx(0.6, abs=0.04)


@pytest.mark.parametrize(("overrides", "message"), [
    (["links.memory=dephasing"], "links.coherence_milliseconds must be null for links.memory=dephasing"),
    (["links.memory=dephasing", "links.coherence_milliseconds=null"], "links.t2_milliseconds must be given for"),
    (["links.coherence_milliseconds=null"], "links.coherence_milliseconds must be given for"),
    (["links.hub_t1_milliseconds=3"], "links.hub_t1_milliseconds must be null for links.memory=depolarizing"),
    (["links=superconducting_transducer", "links.t2_milliseconds=60"], "T2 must be at most 2 T1"),
    (["links.scheme=single_click"], "links.bright_population must be given for links.scheme=single_click"),
    (["links.bright_population=0.1"], "links.bright_population must be null for links.scheme=heralded"),
    (["links.dark_count_probability=0.01"], "links: end-to-end pairs must yield a key"),
    (["links.coherence_milliseconds=0.5", "entanglement.key_useful_age_milliseconds=1e-3"], "a shot needs 4"),
    (["links.min_km=2000", "links.max_km=2000"], "must succeed at least once in 1e12"),
    (["links.attempt_base_microseconds=0", "links.attempt_microseconds_per_km=0"], "must take at least 1 ps"),
])  # fmt: skip
def test_hardware_that_does_not_fit_together_is_refused_in_one_line(overrides: list[str], message: str) -> None:
    settings = build(RunSettings, composed_once(["processors.count=8", *overrides]))
    with pytest.raises(SettingsError) as refused:
        build_world(settings)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_hub_may_have_better_memories_than_the_nodes() -> None:
    links = build(RunSettings, composed_once(["links.hub_coherence_milliseconds=600"])).links
    link = link_hardware(links).link(1.0, 0.97)
    assert [memory.x for memory in link.decay] == pytest.approx([1 / 0.6, 1 / 0.06])
    assert link.coherence_seconds == pytest.approx(2 / (1 / 0.6 + 1 / 0.06))


def test_the_command_line_wins_over_the_experiment() -> None:
    settings = build(RunSettings, composed_once(["experiment=oblivious", "attacks=sign_flip", "seed=3"]))
    assert settings.attacks.attack is not None
    assert settings.attacks.attack["_target_"].endswith("SignFlip")
    assert settings.scheduling["_target_"].endswith("Oblivious")
    assert settings.training.error_mitigation == "none"


def test_a_sweep_is_all_combinations() -> None:
    assert len(jobs(["seed=1,2,3", "attacks=alie,sign_flip"])) == 6
