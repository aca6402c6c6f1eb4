"""Policies of users: what fails, or returns what it must not, ends the run in one line that names class and method."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.cli import run as command
from ceas_ray.config import policies
from ceas_ray.config.application import Job
from ceas_ray.config.composition import composed
from ceas_ray.runtime.interruption import Interruption
from tests.small_worlds import SMALL

OWN = "tests.runs.own_policies"
BYZANTINE = ("attacks.fraction=0.25", "aggregation.byzantine_fraction=0.25")


Own = tuple[str, dict[str, Any]]
"""The key of a policy, and the node of settings that names it."""


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "registered_packages", lambda: ("ceas_ray", "tests"))


def own(key: str, name: str, **arguments: str) -> Own:
    return key, {"_target_": f"{OWN}.{name}", **arguments}


def within(target: str, name: str, policy: Own, **arguments: Any) -> Own:
    """The policy as the argument `name` of one of the package."""
    return policy[0], {"_target_": f"ceas_ray.{target}", name: policy[1], **arguments}


def attack(method: str, wrong: str) -> Own:
    return own("attacks.attack", "OwnAttack", method=method, wrong=wrong)


def ran(policy: Own, folder: Path) -> int:
    """The exit code of a small run with this policy."""
    (key, node), overrides = policy, [*SMALL, "aggregation=mean", "training.rounds=1", f"output={folder}"]
    if key.startswith("attacks."):
        overrides += ["attacks=mimic", *BYZANTINE]
    config = composed(overrides)
    *groups, last = key.split(".")
    below = config
    for group in groups:
        below[group] = dict(below[group])
        below = below[group]
    below[last] = node
    task = command.Task(Interruption())
    task(Job(config, tuple(overrides)))
    return task.exit_code(sweep=False)


FAILING = {
    "OwnRule.__call__ must return finite numbers of shape": [
        *(own("aggregation.rule", "OwnRule", wrong=w) for w in ("nan", "short", "none")),
        *(
            within(f"aggregation.{module}", "rule", own("aggregation.rule", "OwnRule", wrong="short"))
            for module in ("nearest_neighbor_mixing.NearestNeighborMixing", "duplicate_discount.DuplicateDiscount")
        ),
    ],
    "OwnStrength.__call__ must return real numbers of shape (2, ": [
        within("attacks.adaptive.Adaptive", "attack", own("attacks.attack", "OwnStrength"), step=1.0, evaluations=3)
    ],
    "OwnLoss.slope must return finite numbers of shape (": [own("training.own_loss", "OwnLoss", wrong="late")],
    "OwnLoss.__call__ must return finite numbers of shape (": [own("training.own_loss", "OwnLoss", wrong="late value")],
    "OwnRule.__call__ failed with SystemExit: 0 (own_policies.py:": [
        own("aggregation.rule", "OwnRule", wrong="leaves")
    ],
    "OwnRule.__call__ failed with ZeroDivisionError: two lines (own_policies.py:": [
        own("aggregation.rule", "OwnRule", wrong="fails")
    ],
    "OwnRule.__call__ failed with ValueError: output array is read-only (own_policies.py:": [
        own("aggregation.rule", "OwnRule", wrong="changes")
    ],
    "OwnWeights.__call__ must return finite numbers of shape (8,), got": [
        own("aggregation.weights", "OwnWeights", wrong=w) for w in ("short", "text")
    ],
    "OwnAttack.__call__ must return real numbers of shape (2, ": [attack("__call__", w) for w in ("complex", "short")],
    "OwnAnnouncer.announce must return Announcements of integers 0 <= errors <= announced <= ": [
        own("attacks.announcements", "OwnAnnouncer", wrong=w) for w in ("none", "one more")
    ],
}
REFUSED = {
    "attacks.attack must be without a method when_sent, which is now the setting attacks.timing, got": [
        own("attacks.attack", "DecidesWhen", method="no", wrong="no")
    ],
    "attacks.announcements._target_ must be a policy that can be Announcer, with ": [
        own("attacks.announcements", "OwnRule", wrong="none")
    ],
    "OwnAttack.learned_targets must return finite numbers of shape": [attack("learned_targets", "short")],
    "attacks.attack._target_ must be a policy that can be RowMaker, with __call__(seen, generator), got": [
        own("attacks.attack", "OwnNetwork", wrong="few")
    ],
    "OwnLoss.slope must return finite numbers of shape (2, 1), got": [
        own("training.own_loss", "OwnLoss", wrong="short")
    ],
    "OwnLoss.__call__ must return finite numbers of shape (2,), got None": [
        own("training.own_loss", "OwnLoss", wrong="none")
    ],
    "training.own_loss._target_ must be a policy that can be Loss, with __call__(values, targets) and slope": [
        own("training.own_loss", "OwnRule", wrong="none")
    ],
    "OwnShards.__call__ must return 8 arrays with the numbers of samples": [
        own("training.data.own_shards", "OwnShards", wrong=wrong) for wrong in ("none", "few", "twice", "empty", "far")
    ],
    "Abstract cannot be made: TypeError: Can't instantiate abstract class": [
        own("attacks.attack", 'Abstract')
    ],
    "OwnAttack.knowledge must return one of colluders, omniscient, got 'all'": [
        own("attacks.attack", "OwnAttack", method="no", wrong="no", knowledge="all")
    ],
    "OwnNetwork.build must return a NetworkPlan, got None": [own("network", 'OwnNetwork', wrong='nothing')],
    "OwnNetwork.build failed with KeyError: 'nowhere' (own_policies.py:": [
        own("network", 'OwnNetwork', wrong='fails')
    ],
    "must be a policy that can be Topology, with build(processors, replicas, draws), got": [
        own("network", 'FormerNetwork')
    ],
    "OwnNetwork.build must return 8 processor_routes, got 7": [own("network", 'OwnNetwork', wrong='few')],
    "OwnNetwork.build must return direct_links with one between": [
        own("network", 'OwnNetwork', wrong='unlinked')
    ],
    "OwnNetwork.build must return a plan whose replica_routes[0] is a Route": [
        own("network", 'OwnNetwork', wrong='legless')
    ],
}  # fmt: skip
STOCKS = {
    "a StockPolicy, got 'nothing'": ("policy", "text"),
    "a policy with gap_limit an integer in [0, 24], got -1": ("gap_limit", "negative"),
    "a policy with burst_limit an integer in [0, 24], got 1000000000": ("burst_limit", "huge"),
    "a policy with burst_limit an integer in [0, 24], got 0.5": ("burst_limit", "half"),
    "a policy with demand_driven true or false, got None": ("demand_driven", "none"),
    "a policy with tables.burst_births uint8 of shape": ("tables", "short"),
    "a policy with tables.burst_births of births within the 24 slots, got 255": ("tables", "huge"),
}


@pytest.mark.parametrize(
    ("message", "policy"), [(message, case) for message, cases in FAILING.items() for case in cases]
)
def test_a_run_whose_policy_fails_has_a_summary_and_one_line(
    message: str, policy: Own, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(policy, tmp_path / "run") == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("warning: ")]
    assert line.startswith("failed: ") and f"{OWN}.{message}" in line
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["status"] == "failed" and message in summary["cause"]


@pytest.mark.parametrize(
    ("message", "policy"), [(message, case) for message, cases in REFUSED.items() for case in cases]
)
def test_a_policy_that_is_wrong_from_the_start_is_refused_in_one_line(
    message: str, policy: Own, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(policy, tmp_path / "run") == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("message", "wrong"), STOCKS.items())
def test_stock_that_memory_cannot_hold_is_refused(
    message: str,
    wrong: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    policy = own("scheduling", "OwnScheduler", field=wrong[0], wrong=wrong[1])
    assert ran(policy, tmp_path / "run") == 2
    said = capsys.readouterr().err
    assert f"{OWN}.OwnScheduler.stock_policy must return {message}" in said and said.count("\n") == 1
