"""The design of the experiment on awareness, as `conf/experiment/awareness.yaml` registers it, and its runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.setting_types import Requirement, Share, Text
from ceas_ray.config.validation import build
from ceas_ray.kernel.ranges import Range
from ceas_ray.studies.headline.design import (
    KEY,
    Attack,
    Cell,
    RegisteredDesign,
    Run,
    SeededForm,
    SeededPlan,
    Words,
    each_attack,
    form_of,
    refuse_unknown,
)

Counts = Annotated[
    tuple[Annotated[int, Range(4, 1_000_000)], ...],
    Field(strict=False, max_length=100),
    Requirement("a list of integers in [4, 1000000]"),
]
Setting = tuple[int, float]
"""Circuits a round, and a learning rate."""


class Form(SeededForm):
    """A part of the design to run. circuits: a round, of which each arm has its own. judged: how many arms that do not
    know the timetable are evaluated. pair_budget: for shots and tests, of a run.
    """

    circuits: Counts
    pair_budget: Annotated[int, Range(1, 1_000_000_000_000)]
    judged: Annotated[int, Range(1, 100)]


class Design(RegisteredDesign):
    """See the comments in `conf/experiment/awareness.yaml`."""

    experiment: ClassVar[str] = "awareness"
    tuned: dict[str, dict[str, Words]]
    knowing: Text
    factors: dict[str, Annotated[float, Range(1, 1000)]]
    level: Share
    level_rounds: Annotated[int, Range(1, 1000)]
    forms: dict[str, Form]


def shots_of(circuits: int) -> Words:
    """Return the overrides for this many circuits a round, with a quarter as many forward circuits."""
    return f"training.circuits_per_round={circuits}", f"training.forward_circuits={circuits // 4}"


@dataclass(frozen=True)
class LevelRun(Run):
    """A training run with this many circuits a round."""

    circuits: int

    @property
    def setting(self) -> Setting:
        """What is chosen for an arm on the selection seeds."""
        return self.circuits, self.learning_rate


def read_design(config: Any, form: str) -> tuple[Design, Form]:
    """Return the design and one of its forms; raises SettingsError for what does not fit together."""
    design = build(Design, config, KEY)
    chosen, key = form_of(design.forms, form), f"{KEY}.forms.{form}"
    refuse_unknown(f"{KEY}.arms", (*chosen.arms, design.claimant, design.knowing), design.arms)
    refuse_unknown(f"{KEY}.scenarios", (*chosen.scenarios, *design.tuned, *design.factors), design.scenarios)
    for of_scenario in design.tuned.values():
        refuse_unknown(f"{KEY}.arms", tuple(of_scenario), design.arms)
    plan = Plan(design, chosen, ())
    if design.claimant not in chosen.arms or not plan.oblivious:
        raise SettingsError(f"{key}.arms", f"at least {design.claimant} and one without the timetable", chosen.arms)
    for name, values in (("circuits", chosen.circuits), ("learning_rates", chosen.learning_rates)):
        if not values:
            raise SettingsError(f"{key}.{name}", "at least one", values)
    if not plan.attacks:
        raise SettingsError(f"{key}.attacks", "at least one, the first of which selects", chosen.attacks)
    plan.refuse_shared_seeds(key)
    return design, chosen


class Plan(SeededPlan[Design, Form]):
    """The runs of a form of the experiment on awareness."""

    @property
    def attacks(self) -> list[Attack]:
        """All attacks that arms are judged under; the first is the one that selects."""
        return each_attack(self.form.attacks)

    @property
    def oblivious(self) -> list[str]:
        """Arms that do not know the timetable."""
        return [arm for arm in self.form.arms if arm not in (self.design.claimant, self.design.knowing)]

    @property
    def aware(self) -> list[str]:
        """Arms that do."""
        return [arm for arm in self.form.arms if arm not in self.oblivious]

    def selection(self, scenario: str) -> list[LevelRun]:
        """Return the runs of every arm and setting under the first attack on the selection seeds."""
        return [
            self._run(scenario, arm, attack=self.attacks[0], setting=(circuits, rate), seed=seed)
            for arm in self.form.arms
            for circuits in self.form.circuits
            for rate in self.form.learning_rates
            for seed in self.selection_seeds
        ]

    def evaluation(self, scenario: str, settings: Mapping[str, Setting]) -> list[LevelRun]:
        """Return the runs under every attack, on the evaluation seeds, of the judged arms. settings: theirs."""
        return [
            self._run(scenario, arm, attack=attack, setting=setting, seed=seed)
            for arm, setting in settings.items()
            for attack in self.attacks
            for seed in self.evaluation_seeds
        ]

    def _run(self, scenario: str, arm: str, *, attack: Attack, setting: Setting, seed: int) -> LevelRun:
        (name, strength), (circuits, rate) = attack, setting
        cell = Cell(scenario=scenario, arm=arm, attack=name, strength=strength, placement="random")
        run = self.run(cell, rate, seed, shared=shots_of(circuits), arm=self._tuned(scenario, arm))
        return LevelRun(**vars(run), circuits=circuits)

    def _tuned(self, scenario: str, arm: str) -> Words:
        return self.design.tuned.get(scenario, {}).get(arm, ())

    def count(self) -> int:
        """Return how many runs it all takes."""
        form = self.form
        selected = len(form.arms) * len(form.circuits) * len(form.learning_rates) * form.selection_seeds
        judged = len(self.aware) + min(form.judged, len(self.oblivious))
        return (selected + judged * len(self.attacks) * form.evaluation_seeds) * len(form.scenarios)
