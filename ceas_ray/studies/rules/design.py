"""The design of the experiment on rules, as `conf/experiment/rules.yaml` registers it, and the runs it asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.setting_types import Share, Text
from ceas_ray.config.validation import build
from ceas_ray.kernel.ranges import Range
from ceas_ray.studies.headline.design import (
    KEY,
    Attack,
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

NO_ATTACK = ("none", 0.0)


class Form(SeededForm):
    """A part of the design to run. screening: by name, the strengths. shortlist, worst_attacks: how many attacks all
    selection seeds see, and how many of these the evaluation seeds.
    """

    screening: dict[str, Numbers]
    shortlist: Annotated[int, Range(1, 1000)]
    worst_attacks: Annotated[int, Range(1, 1000)]


class Design(AveragedDesign):
    """See the comments in `conf/experiment/rules.yaml`."""

    experiment: ClassVar[str] = "rules"
    baseline: Text
    margins: dict[str, Share]
    recorded: Words
    forms: dict[str, Form]


def read_design(config: Any, form: str) -> tuple[Design, Form]:
    """Return the design and one of its forms; raises SettingsError for what does not fit together."""
    design = build(Design, config, KEY)
    chosen, key = form_of(design.forms, form), f"{KEY}.forms.{form}"
    refuse_unknown(f"{KEY}.arms", (*chosen.arms, design.claimant, design.baseline), design.arms)
    refuse_unknown(f"{KEY}.scenarios", (*chosen.scenarios, *design.margins), design.scenarios)
    needed = {design.claimant, design.baseline}
    if len(needed) < 2 or not needed <= set(chosen.arms):
        raise SettingsError(f"{key}.arms", f"at least the claimant and another baseline, {sorted(needed)}", chosen.arms)
    if not chosen.learning_rates:
        raise SettingsError(f"{key}.learning_rates", "at least one", chosen.learning_rates)
    empty = [attack for attack, strengths in chosen.attacks.items() if not strengths]
    if empty:
        raise SettingsError(f"{key}.attacks.{empty[0]}", "at least one strength", [])
    if not chosen.worst_attacks <= chosen.shortlist <= len(chosen.attacks):
        must = f"from worst_attacks ({chosen.worst_attacks}) to the number of attacks ({len(chosen.attacks)})"
        raise SettingsError(f"{key}.shortlist", must, chosen.shortlist)
    Plan(design, chosen, ()).refuse_shared_seeds(key)
    return design, chosen


class Plan(SeededPlan[Design, Form]):
    """The runs of a form of the experiment on rules."""

    def runs(
        self, scenario: str, arm: str, attacks: Sequence[Attack], *, rates: Sequence[float], seeds: Sequence[int]
    ) -> list[Run]:
        """Return the runs of an arm under each attack, with each learning rate, on each seed."""
        return [
            self.run(Cell(scenario=scenario, arm=arm, attack=attack, strength=strength, placement="random"), rate, seed)
            for attack, strength in attacks
            for rate in rates
            for seed in seeds
        ]

    def tuning(self, scenario: str) -> list[Run]:
        """Return the runs without attack and under the screening attacks, with every learning rate and a validation
        set, on the first selection seed; none where there is one rate alone.
        """
        attacks, seeds = (NO_ATTACK, *each_attack(self.form.screening)), self.selection_seeds[:1]
        runs = [
            run
            for arm in self.form.arms
            for run in self.runs(scenario, arm, attacks, rates=self.tuned_rates, seeds=seeds)
        ]
        return with_validation(runs, self.design.validation_fraction)

    def selection(self, scenario: str, rates: Mapping[str, float]) -> list[Run]:
        """Return the runs of every attack and strength on the first selection seed."""
        attacks, seeds = each_attack(self.form.attacks), self.selection_seeds[:1]
        return [
            run for arm in self.form.arms for run in self.runs(scenario, arm, attacks, rates=[rates[arm]], seeds=seeds)
        ]

    def further_selection(
        self, scenario: str, rates: Mapping[str, float], attacks: Mapping[str, Sequence[Attack]]
    ) -> list[Run]:
        """Return the runs of each arm under its attacks on all selection seeds but the first."""
        return self._under(scenario, rates, attacks, self.selection_seeds[1:])

    def evaluation(
        self, scenario: str, rates: Mapping[str, float], attacks: Mapping[str, Sequence[Attack]]
    ) -> list[Run]:
        """Return the runs of each arm under its attacks and under none on the evaluation seeds."""
        under = {arm: (*of_arm, NO_ATTACK) for arm, of_arm in attacks.items()}
        return self._under(scenario, rates, under, self.evaluation_seeds)

    def _under(
        self, scenario: str, rates: Mapping[str, float], attacks: Mapping[str, Sequence[Attack]], seeds: range
    ) -> list[Run]:
        return [
            run
            for arm in self.form.arms
            for run in self.runs(scenario, arm, attacks[arm], rates=[rates[arm]], seeds=seeds)
        ]

    def count(self) -> int:
        """Return how many runs it all takes."""
        form = self.form
        selected = len(each_attack(form.attacks)) + form.shortlist * (form.selection_seeds - 1)
        evaluated = (form.worst_attacks + 1) * form.evaluation_seeds
        per_arm = len(self.tuned_rates) * (1 + len(each_attack(form.screening))) + selected + evaluated
        return per_arm * len(form.arms) * len(form.scenarios)
