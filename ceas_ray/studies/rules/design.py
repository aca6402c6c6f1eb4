"""The design of the experiment on rules, as `conf/experiment/rules.yaml` registers it, and the runs it asks for."""

from __future__ import annotations

from typing import Any, ClassVar

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.setting_types import Share, Text
from ceas_ray.config.validation import build
from ceas_ray.studies.headline.design import (
    KEY,
    Attack,
    AveragedDesign,
    Cell,
    Run,
    Words,
    each_attack,
    form_of,
    refuse_unknown,
)
from ceas_ray.studies.stages import StagedForm, StagedPlan

NO_ATTACK = ("none", 0.0)


class Design(AveragedDesign):
    """See the comments in `conf/experiment/rules.yaml`."""

    experiment: ClassVar[str] = "rules"
    baseline: Text
    margins: dict[str, Share]
    recorded: Words
    forms: dict[str, StagedForm]


def read_design(config: Any, form: str) -> tuple[Design, StagedForm]:
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


class Plan(StagedPlan[Design, StagedForm, Attack, float]):
    """The runs of a form of the experiment on rules: learning rates are tuned, and a condition is an attack."""

    @property
    def no_attack(self) -> Attack:
        """See `StagedPlan`."""
        return NO_ATTACK

    @property
    def screened(self) -> list[Attack]:
        """See `StagedPlan`."""
        return each_attack(self.form.screening)

    @property
    def conditions(self) -> list[Attack]:
        """See `StagedPlan`."""
        return each_attack(self.form.attacks)

    @property
    def choices(self) -> tuple[float, ...]:
        """See `StagedPlan`."""
        return self.form.learning_rates

    def run_under(self, scenario: str, arm: str, condition: Attack, *, choice: float, seed: int) -> Run:
        """See `StagedPlan`."""
        attack, strength = condition
        cell = Cell(scenario=scenario, arm=arm, attack=attack, strength=strength, placement="random")
        return self.run(cell, choice, seed)
