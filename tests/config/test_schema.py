"""The schema: every number has a finite range, every text is printed, and whatever is wrong is one line."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from ceas_ray.aggregation.rule import Rule
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.policies import instantiate
from ceas_ray.config.schema import CrashSettings, JammingSettings, NetworkPartitionSettings, RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.input_file import InputFile
from ceas_ray.kernel.ranges import Range, check_ranges
from ceas_ray.scheduling.scheduler import Scheduler
from tests.composed_settings import composed_once
from tests.config.schema_leaves import LEAVES, POLICIES, leaves_of

COMPOSED = composed_once([])
FULL: dict[str, dict[str, Any]] = {
    "consensus.crash": {"replicas": [0], "round": 1, "after_milliseconds": 0.2, "down_milliseconds": 2.0},
    "consensus.network_partition": {"replicas": [0], "begins_seconds": 1.0, "heals_seconds": 2.0},
    "consensus.jamming": {"replicas": [0], "first_round": 1, "last_round": 2, "refills": 0},
}
"""Groups that are null by default."""


NUMBERS = {
    key: next((e for e in extras if isinstance(e, Range)), None) for key, h, extras in LEAVES if h in (int, float)
}
TEXTS = [key for key, hint, _ in LEAVES if hint is str]


def configured(key: str, value: Any) -> dict[str, Any]:
    """The default configuration with another value; groups that are null get their other keys."""
    config = {name: dict(part) if isinstance(part, dict) else part for name, part in COMPOSED.items()}
    path, below = key.split("."), config
    for depth, name in enumerate(path[:-1], 1):
        of_group = below[name] if below[name] is not None else FULL[".".join(path[:depth])]
        below[name] = dict(of_group)
        below = below[name]
    below[path[-1]] = value
    return config


def refusal(key: str, value: Any) -> str:
    with pytest.raises(SettingsError) as refused:
        build(RunSettings, configured(key, value))
    line = str(refused.value)
    assert "\n" not in line
    assert len(line) < 500
    return line


def test_the_schema_has_numbers_and_texts_in_every_group() -> None:
    assert len(NUMBERS) > 90
    assert len(TEXTS) > 10
    assert {"links", "training", "processors", "consensus"} <= {key.partition(".")[0] for key in NUMBERS}


@pytest.mark.parametrize("key", NUMBERS)
def test_every_number_has_a_finite_range_and_a_line_that_names_it(key: str) -> None:
    limits = NUMBERS[key]
    assert limits is not None, "a number without a range"
    assert abs(limits.minimum) < 1e300
    assert abs(limits.maximum) < 1e300
    for value in (float("nan"), float("inf"), -float("inf"), 1e300, -1e300, 10**400, -(10**5000), True, "much", [1]):
        if value == float("inf") and limits.infinity:
            assert build(RunSettings, configured(key, value))
        else:
            line = refusal(key, value)
            assert line.startswith(f"{key} must be a")
            assert str(limits) in line


def test_only_the_times_of_memories_may_be_infinite() -> None:
    assert {key.rpartition(".")[2] for key, limits in NUMBERS.items() if limits is not None and limits.infinity} == {
        "coherence_milliseconds", "t1_milliseconds", "t2_milliseconds", "hub_coherence_milliseconds",
        "hub_t1_milliseconds", "hub_t2_milliseconds", "t1_microseconds", "t2_microseconds",
    }  # fmt: skip


@pytest.mark.parametrize("key", TEXTS)
@pytest.mark.parametrize("value", ["", "  ", "a\0b", "a\nb", "\t", "x" * 5000, 3, True, ["a"]])
def test_texts_are_neither_empty_nor_unprinted(key: str, value: Any) -> None:
    assert refusal(key, value).startswith(f"{key} must be a")


@pytest.mark.parametrize("url", ["s3:/bucket/run", "gs:/x", "file:/tmp/run", "hdfs+x:/a"])
def test_a_url_that_lost_a_slash_is_no_folder(url: str) -> None:
    for key in ("output", "resume", "verify", "runtime.snapshot_folder"):
        assert refusal(key, url).startswith(f"{key} must be a folder")
    assert refusal("output", url.replace(":/", "://")).startswith("output must be a folder of this machine")
    for folder in ("outputs/lr:0.1", "outputs/s3:/run", "lr:0.1/run", "/a b%?#"):
        assert build(RunSettings, configured("output", folder)).output == folder


@pytest.mark.parametrize("key", sorted({key for key, _, _ in LEAVES}))
def test_a_key_that_is_left_out_is_asked_for(key: str) -> None:
    config = configured(key, 0)
    *path, last = key.split(".")
    below = config
    for name in path:
        below = below[name]
    del below[last]
    with pytest.raises(SettingsError, match=rf"^{key} must be given, got nothing$"):
        build(RunSettings, config)


@pytest.mark.parametrize(("key", "nearest"), [
    ("processors.cuont", "processors.count"), ("sed", "seed"), ("trainig", "training"),
    ("training.data.clases", "training.data.classes"), ("training.count", "processors.count"),
    ("consensus.crash.rounds", "consensus.crash.round"),
])  # fmt: skip
def test_an_unknown_key_is_refused_with_the_nearest_one(key: str, nearest: str) -> None:
    assert refusal(key, 3) == f"{key} must be a known key (did you mean {nearest}?), got 3"


def test_settings_are_frozen_and_hold_what_was_composed() -> None:
    settings = build(RunSettings, COMPOSED)
    with pytest.raises(Exception, match="frozen"):
        settings.seed = 2  # type: ignore[misc]
    assert settings.training.data.classes == (3, 8)
    assert type(settings.processors.one_qubit_gate_nanoseconds) is float
    assert build(CrashSettings, FULL["consensus.crash"]).replicas == (0,)
    assert build(NetworkPartitionSettings, FULL["consensus.network_partition"]).heals_seconds == 2.0
    assert build(JammingSettings, FULL["consensus.jamming"]).refills == 0


# --- policies ----------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES)
def test_every_number_of_a_policy_has_a_range_and_a_line_that_names_it(policy: type) -> None:
    for name, hint in get_type_hints(policy, include_extras=True).items():
        for key, plain, extras in leaves_of(hint, name):
            if plain not in (int, float) or name not in {field.name for field in fields(policy)}:
                continue
            limits = next((extra for extra in extras if isinstance(extra, Range)), None)
            assert limits is not None, f"{policy.__name__}.{key} has no range"
            for value in (float("nan"), float("inf"), -float("inf"), 1e300, -1e300, 10**400, True, "much", [1]):
                with pytest.raises(SettingsError) as refused:
                    instantiate(arguments_of(policy) | {name: value}, "group.policy")
                assert str(refused.value).startswith(f"group.policy.{key} must be a"), refused.value
                assert "\n" not in str(refused.value)


def arguments_of(policy: type) -> dict[str, Any]:
    """A node that names the class, each field with a value of its type."""
    node: dict[str, Any] = {"_target_": f"{policy.__module__}.{policy.__name__}"}
    hints = get_type_hints(policy, include_extras=True)
    for name, hint in {field.name: hints[field.name] for field in fields(policy)}.items():  # type: ignore[arg-type]
        for _, plain, extras in leaves_of(hint, name):
            limits = next((extra for extra in extras if isinstance(extra, Range)), None)
            if get_origin(plain) is Literal:
                node[name] = get_args(plain)[0]
            elif plain is str:
                node[name] = "x"
            elif plain is InputFile:
                node[name] = __file__
            elif plain in (int, float):
                node[name] = plain(1 if limits is None or 1 in limits else limits.maximum)
            elif plain is Rule:
                node[name] = {"_target_": "ceas_ray.aggregation.median.Median"}
            elif plain is Scheduler:
                node[name] = {"_target_": "ceas_ray.scheduling.oblivious.Oblivious"}
            elif plain is Any:
                node[name] = {
                    "_target_": "ceas_ray.attacks.sign_flip.SignFlip", "strength": 1.0, "knowledge": "colluders"
                }  # fmt: skip
    return node


@pytest.mark.parametrize(("key", "override", "message"), [
    ("network", "network._target_=ceas_ray.aggregation.mean.Mean",
     "network._target_ must be a policy that can be Topology"),
    ("aggregation.rule", "aggregation.rule._target_=ceas_ray.aggregation.uniform_weights.UniformWeights",
     "aggregation.rule._target_ must be a policy that can be Rule"),
    ("aggregation.rule", "aggregation.rule.rule=3", "aggregation.rule.rule must be a mapping with _target_, got 3"),
    ("aggregation.rule", "aggregation.rule.cpa=3",
     "aggregation.rule.cpa must be a known key (did you mean aggregation.rule.cap?), got 3"),
    ("scheduling", "~scheduling.gap_slots", "scheduling.gap_slots must be given, got nothing"),
    ("scheduling", "scheduling.waste_price=inf", "scheduling.waste_price must be a number in [0, 1000], got inf"),
])  # fmt: skip
def test_a_policy_that_does_not_fit_is_refused_in_one_line(key: str, override: str, message: str) -> None:
    from ceas_ray.aggregation.evidence import Weights
    from ceas_ray.network.network_plan import Topology
    from ceas_ray.scheduling.scheduler import Scheduler

    kind = {"network": Topology, "aggregation.rule": Rule, "aggregation.weights": Weights, "scheduling": Scheduler}[key]
    config: Any = composed_once([f"++{override}" if override[0] != "~" else override])
    for name in key.split("."):
        config = config[name]
    with pytest.raises(SettingsError) as refused:
        instantiate(config, key, kind)
    assert str(refused.value).startswith(message)


def test_ranges_are_checked_where_a_policy_is_made_in_code() -> None:
    from ceas_ray.scheduling.two_level import TwoLevel

    with pytest.raises(ValueError, match=r"gap_limit must be a number in \[0, 1000000\], got -1"):
        TwoLevel(-1, 3)
    check_ranges(TwoLevel(1, 3))
