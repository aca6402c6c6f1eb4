"""The designs of the experiments on whole systems, as `conf/experiment/everything.yaml` and `weights.yaml` register
them, and the runs that they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.setting_types import Share
from ceas_ray.config.validation import build
from ceas_ray.kernel.ranges import Range
from ceas_ray.studies.awareness.design import Counts, Setting, shots_of
from ceas_ray.studies.headline.design import (
    KEY,
    AveragedDesign,
    Cell,
    Run,
    Words,
    each_attack,
    form_of,
    refuse_unknown,
)
from ceas_ray.studies.stages import StagedForm, StagedPlan

Condition = tuple[str, float, str]
"""An attack, its strength and the placement of the colluders."""
BudgetedPairs = Literal["shots_and_tests", "all"]
NO_ATTACK: Condition = ("none", 0.0, "random")


class Form(StagedForm):
    """A part of a design to run.

    circuits: a round, of which each arm has its own. pair_budget: of a run; 0: none, and runs go on to their last
    round. budgeted_pairs: those that count towards it; keys are among `all`. comparisons: by name, an arm and those
    with the best of which it is compared.
    """

    circuits: Counts
    placements: Words
    pair_budget: Annotated[int, Range(0, 1_000_000_000_000)]
    budgeted_pairs: BudgetedPairs
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


class Plan(StagedPlan[Design, Form, Condition, Setting]):
    """The runs of a form of an experiment on whole systems: circuits a round and learning rates are tuned."""

    @property
    def no_attack(self) -> Condition:
        """See `StagedPlan`."""
        return NO_ATTACK

    @property
    def screened(self) -> list[Condition]:
        """See `StagedPlan`."""
        return [(attack, strength, "random") for attack, strength in each_attack(self.form.screening)]

    @property
    def conditions(self) -> list[Condition]:
        """Every attack with each strength and placement."""
        return [
            (attack, strength, placement)
            for attack, strength in each_attack(self.form.attacks)
            for placement in self.form.placements
        ]

    @property
    def choices(self) -> list[Setting]:
        """All circuits a round with each learning rate."""
        return [(circuits, rate) for circuits in self.form.circuits for rate in self.form.learning_rates]

    def run_under(self, scenario: str, arm: str, condition: Condition, *, choice: Setting, seed: int) -> SystemRun:
        """See `StagedPlan`."""
        (attack, strength, placement), (circuits, rate) = condition, choice
        cell = Cell(scenario=scenario, arm=arm, attack=attack, strength=strength, placement=placement)
        return SystemRun(**vars(self.run(cell, rate, seed, shared=shots_of(circuits))), circuits=circuits)
