"""Jobs of a sweep: composed once and changed, they are what Hydra composes for each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf

from ceas_ray.config.application import Job, JobComposer
from ceas_ray.config.composition import PRIMARY, VERSION_BASE
from ceas_ray.config.conf_path import conf_directory

VALUES = {
    "seed": ["1", "2", "3"],
    "scheduling": ["mdp", "oblivious"],
    "attacks": ["none", "alie"],
    "training.rounds": ["5", "7", "null", "${seed}", "'5'"],
    "training.learning_rate": [".1", "1e-2", "'a text'"],
    "training": ["vqc", "spin_chain", "{rounds: 3}"],
    "quiet": ["true", "false"],
    "entanglement.memory": ["{kind: x}", "4"],
    "+note": ["1", "a"],
    "~tracking": ["folder", "mlflow"],
    "data.shards": ["[1,2]", "[3]"],
}


@pytest.fixture
def loader() -> Iterator[Any]:
    with initialize_config_dir(str(conf_directory()), version_base=VERSION_BASE):
        yield GlobalHydra.instance().config_loader()


def sweep_of(loader: Any, *overrides: str) -> DictConfig:
    sweep: DictConfig = loader.load_configuration(PRIMARY, ["hydra.sweep.dir=/a/sweep", *overrides], RunMode.MULTIRUN)
    HydraConfig.instance().set_config(sweep)
    return sweep


def job_or_error(composer: JobComposer, number: int, words: list[str]) -> Job | str:
    try:
        return composer.job(number, words)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


LINES = st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=4).flatmap(
    lambda keys: st.lists(
        st.tuples(*(st.sampled_from([f"{key}={value}" for value in VALUES[key]]) for key in keys)),
        min_size=2,
        max_size=4,
    )
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(lines=LINES)
def test_every_job_is_what_hydra_composes_for_it_alone(loader: Any, lines: list[tuple[str, ...]]) -> None:
    sweep = sweep_of(loader)
    one = JobComposer(loader, sweep)
    for number, line in enumerate(lines):
        alone = job_or_error(JobComposer(loader, sweep), number, list(line))
        assert job_or_error(one, number, list(line)) == alone


def composed_by_hydra(loader: Any, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return a list that grows by the overrides of each job which Hydra composes."""
    found: list[list[str]] = []
    real = loader.load_sweep_config

    def counted(sweep: DictConfig, words: list[str]) -> DictConfig:
        found.append(words)
        config: DictConfig = real(sweep, words)
        return config

    monkeypatch.setattr(loader, "load_sweep_config", counted)
    return found


def test_jobs_that_differ_in_plain_values_alone_are_composed_once(loader: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found, composer = composed_by_hydra(loader, monkeypatch), JobComposer(loader, sweep_of(loader))
    lines = [[f"seed={seed}", f"attacks={attack}"] for seed in (1, 2, 3) for attack in ("alie", "none")]
    jobs = [composer.job(number, words) for number, words in enumerate(lines)]
    assert found == lines[:2], "one job of each choice of groups"
    assert [job.config["seed"] for job in jobs] == [1, 1, 2, 2, 3, 3]
    assert [job.config["output"] for job in jobs] == [f"/a/sweep/{number}" for number in range(6)]


def test_folders_named_after_overrides_are_those_of_each_job(loader: Any) -> None:
    composer = JobComposer(loader, sweep_of(loader, "hydra.sweep.subdir=${hydra.job.override_dirname}"))
    folders = [composer.job(number, [f"seed={seed}"]).config["output"] for number, seed in enumerate((4, 5))]
    assert folders == ["/a/sweep/seed=4", "/a/sweep/seed=5"]


def test_what_a_resolver_makes_of_a_value_is_made_of_that_of_each_job_and_a_time_is_the_same_in_all(
    loader: Any,
) -> None:
    OmegaConf.register_new_resolver("doubled_of_a_test", lambda number: 2 * number, use_cache=True, replace=True)
    OmegaConf.register_new_resolver("counted_of_a_test", count().__next__, use_cache=True, replace=True)
    sweep = sweep_of(loader, "+count='${counted_of_a_test:}'")
    assert sweep["count"] == 0
    composer = JobComposer(loader, sweep)
    words = ["training.rounds='${doubled_of_a_test:${seed}}'", "+count='${counted_of_a_test:}'"]
    found = [composer.job(seed, [f"seed={seed}", *words]).config for seed in (1, 2)]
    assert [(config["training"]["rounds"], config["count"]) for config in found] == [(2, 0), (4, 0)]


def test_a_value_that_a_typed_configuration_refuses_spoils_no_later_job(
    loader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    composer = JobComposer(loader, sweep_of(loader))
    composer.job(0, ["seed=1", "training.rounds=1"])
    (kept,) = composer._configs._kept
    kept.config.training._set_flag("readonly", True)
    assert composer.job(1, ["seed=2", "training.rounds=2"]).config["training"]["rounds"] == 2
    assert composer.job(2, ["seed=3", "training.rounds=3"]).config["seed"] == 3
