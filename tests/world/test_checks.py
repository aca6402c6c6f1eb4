"""What settings must agree on is refused before data, network or circuit are made."""

from __future__ import annotations

from collections.abc import Callable

import psutil
import pytest

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.world import builder
from ceas_ray.world.checks import check_settings
from ceas_ray.world.run_size import memory_bytes
from tests.composed_settings import composed_once
from tests.small_worlds import SMALL


def settings_of(*overrides: str) -> RunSettings:
    return build(RunSettings, composed_once([*SMALL, *overrides]))


@pytest.mark.parametrize(("overrides", "message"), [
    (("attacks=none", "attacks.fraction=0.2"), "attacks.fraction must be 0 without an attack, got 0.2"),
    (("attacks=alie", "attacks.fraction=0.99"), "attacks.fraction must be such that one of 8 processors is honest"),
    (("training.partition=circuit", "processors.count=9"), "processors.count must be divisible by training."),
    (("consensus.committee_size=3",), "consensus.committee_size must be at least 4"),
    (("attacks.replicas=8",), "attacks.replicas must be at most the 7 of the committee, got 8"),
    (("consensus=all_processors", "attacks.replicas=1"), "attacks.replicas must be 0 for consensus."),
    (("training.forward_circuits=64",), "training.forward_circuits must be below training.circuits_per_round (64)"),
    (("links.mean_fidelity=0.5",), "links.mean_fidelity must be between"),
    (("links.min_km=9", "links.max_km=8"), "links.min_km must be at most links.max_km (8"),
    (
        ("training.partition=circuit", "training.error_mitigation=probabilistic_error_cancellation"),
        "training.error_mitigation must be none, rescale or bounded_rescale for training.",
    ),
    (
        ("processors=aer", "training.error_mitigation=probabilistic_error_cancellation"),
        "training.error_mitigation must be none, rescale or bounded_rescale where Aer prepares the inputs",
    ),
    (("processors=aer_sampled", "training.estimator=exact"), "training.estimator must be one that samples, with"),
    (("training.trap_circuit_share=0.1", "training.inputs=local"), "training.trap_circuit_share must be 0 unless"),
])  # fmt: skip
def test_settings_that_contradict_each_other_are_refused_before_anything_is_made(
    overrides: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "load_data", lambda *_: pytest.fail("data were loaded"))
    for make in (check_settings, builder.build_world, builder.outline_world):
        with pytest.raises(SettingsError) as refused:
            make(settings_of(*overrides))
        assert str(refused.value).startswith(message)


def test_what_needs_more_memory_than_the_machine_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of()
    needed = memory_bytes(settings)
    for available, refused in ((needed + 1, False), (needed - 1, True)):
        machine = type("Machine", (), {"total": available})()
        monkeypatch.setattr(psutil, "virtual_memory", lambda machine=machine: machine)
        if refused:
            with pytest.raises(SettingsError, match=r"smaller for processors\.count=8: the run needs about"):
                check_settings(settings)
        else:
            check_settings(settings)


@pytest.mark.parametrize("make", [builder.build_world, builder.outline_world])
def test_a_scheduler_that_names_no_class_is_refused(make: Callable[[RunSettings], object]) -> None:
    settings = settings_of().model_copy(update={"scheduling": {"waste_price": 0.2}})
    with pytest.raises(SettingsError, match=r"scheduling\._target_ must be a class within ceas_ray"):
        make(settings)
