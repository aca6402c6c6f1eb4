"""The designs of the experiments on whole systems, as `conf/experiment/everything.yaml` and `weights.yaml` register
them, and the runs that they ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.setting_types import Share
from ceas_ray.config.validation import build
from ceas_ray.kernel.ranges import Range
from ceas_ray.studies.awareness.design import Counts, Setting, shots_of
from ceas_ray.studies.headline.design import (
    KEY,
    AveragedDesign,
    Cell,
    Numbers,
    Run,
    SeededForm,
    SeededPlan,
    Words,
    each_attack,
    form_of,
    refuse_unknown,
    with_validation,
)

Condition = tuple[str, float, str]
"""An attack, its strength and the placement of the colluders."""
NO_ATTACK: Condition = ("none", 0.0, "random")


class Form(SeededForm):
    """A part of a design to run.

    circuits: a round, of which each arm has its own. screening: attacks under which circuits and learning rates are
    chosen, beside none. shortlist, worst_attacks: how many conditions all selection seeds see, and how many of these
    the evaluation seeds. pair_budget: for shots and tests, of a run; 0: none, and runs go on to their last round.
    comparisons: by name, an arm and those with the best of which it is compared.
    """

    circuits: Counts
    placements: Words
    screening: dict[str, Numbers]
    shortlist: Annotated[int, Range(1, 1000)]
    worst_attacks: Annotated[int, Range(1, 1000)]
    pair_budget: Annotated[int, Range(0, 1_000_000_000_000)]
    comparisons: dict[str, Words]


class Design(AveragedDesign):
    """See the comments in the experiment's file. margins: claimed in a comparison. bounded: arms whose weights are
    claimed to gain at most the factor 1 + cv^2 in variance.
    """

    margins: dict[str, Share]
    bounded: Words
    forms: dict[str, Form]


class EverythingDesign(Design):
    """CEAS as a whole against other systems."""

    experiment: ClassVar[str] = "everything"


class WeightsDesign(Design):
    """Weights by quality on unequal hardware."""

    experiment: ClassVar[str] = "weights"


@dataclass(frozen=True)
class SystemRun(Run):
    """A training run with this many circuits a round."""

    circuits: int


def read_design(kind: type[Design], config: Any, form: str) -> tuple[Design, Form]:
    """Return a design and one of its forms; raises SettingsError for what does not fit together."""
    design = build(kind, config, KEY)
    chosen, key = form_of(design.forms, form), f"{KEY}.forms.{form}"
    refuse_unknown(f"{KEY}.arms", (*chosen.arms, design.claimant), design.arms)
    refuse_unknown(f"{KEY}.scenarios", chosen.scenarios, design.scenarios)
    for name, compared in chosen.comparisons.items():
        if len(set(compared)) < 2 or not set(compared) <= set(chosen.arms):
            must = "an arm of the form and at least another one that it is compared with"
            raise SettingsError(f"{key}.comparisons.{name}", must, compared)
    for name in ("circuits", "learning_rates", "placements", "attacks"):
        if not getattr(chosen, name):
            raise SettingsError(f"{key}.{name}", "at least one", getattr(chosen, name))
    most = len(chosen.attacks) * len(chosen.placements)
    if not chosen.worst_attacks <= chosen.shortlist <= most:
        must = f"from worst_attacks ({chosen.worst_attacks}) to the number of attacks and placements ({most})"
        raise SettingsError(f"{key}.shortlist", must, chosen.shortlist)
    Plan(design, chosen, ()).refuse_shared_seeds(key)
    return design, chosen


class Plan(SeededPlan[Design, Form]):
    """The runs of a form of an experiment on whole systems."""

    @property
    def settings(self) -> list[Setting]:
        """All circuits a round with each learning rate."""
        return [(circuits, rate) for circuits in self.form.circuits for rate in self.form.learning_rates]

    @property
    def conditions(self) -> list[Condition]:
        """Every attack with each strength and placement."""
        return [
            (attack, strength, placement)
            for attack, strength in each_attack(self.form.attacks)
            for placement in self.form.placements
        ]

    def tuning(self, scenario: str) -> list[SystemRun]:
        """Return the runs without attack and under the screening attacks, with every setting and a validation set, on
        the first selection seed; none where there is one setting alone.
        """
        screened = [NO_ATTACK, *((attack, strength, "random") for attack, strength in each_attack(self.form.screening))]
        runs = [
            self._run(scenario, arm, condition, setting=setting, seed=self.selection_seeds[0])
            for arm in self.form.arms
            for condition in screened
            for setting in self._tried
        ]
        aside = with_validation(runs, self.design.validation_fraction)
        return [SystemRun(**vars(run)) for run in aside]

    @property
    def _tried(self) -> list[Setting]:
        return self.settings if len(self.settings) > 1 else []

    def selection(self, scenario: str, settings: Mapping[str, Setting]) -> list[SystemRun]:
        """Return the runs of every condition on the first selection seed."""
        return self._under(scenario, settings, dict.fromkeys(self.form.arms, self.conditions), self.selection_seeds[:1])

    def further_selection(
        self, scenario: str, settings: Mapping[str, Setting], conditions: Mapping[str, Sequence[Condition]]
    ) -> list[SystemRun]:
        """Return the runs of each arm under its conditions on all selection seeds but the first."""
        return self._under(scenario, settings, conditions, self.selection_seeds[1:])

    def evaluation(
        self, scenario: str, settings: Mapping[str, Setting], conditions: Mapping[str, Sequence[Condition]]
    ) -> list[SystemRun]:
        """Return the runs of each arm under its conditions and under no attack on the evaluation seeds."""
        under = {arm: (*of_arm, NO_ATTACK) for arm, of_arm in conditions.items()}
        return self._under(scenario, settings, under, self.evaluation_seeds)

    def _under(
        self,
        scenario: str,
        settings: Mapping[str, Setting],
        conditions: Mapping[str, Sequence[Condition]],
        seeds: range,
    ) -> list[SystemRun]:
        return [
            self._run(scenario, arm, condition, setting=settings[arm], seed=seed)
            for arm in self.form.arms
            for condition in conditions[arm]
            for seed in seeds
        ]

    def _run(self, scenario: str, arm: str, condition: Condition, *, setting: Setting, seed: int) -> SystemRun:
        (attack, strength, placement), (circuits, rate) = condition, setting
        cell = Cell(scenario=scenario, arm=arm, attack=attack, strength=strength, placement=placement)
        return SystemRun(**vars(self.run(cell, rate, seed, shared=shots_of(circuits))), circuits=circuits)

    def count(self) -> int:
        """Return how many runs it all takes."""
        form = self.form
        tuned = len(self._tried) * (1 + len(each_attack(form.screening)))
        selected = len(self.conditions) + form.shortlist * (form.selection_seeds - 1)
        evaluated = (form.worst_attacks + 1) * form.evaluation_seeds
        return (tuned + selected + evaluated) * len(form.arms) * len(form.scenarios)
