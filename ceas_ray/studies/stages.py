"""What experiments share that tune each arm, select the conditions that are worst for it, and evaluate it under these.

What is tuned of an arm (its learning rate, say) is chosen by the mean of its two least accuracies on the validation set
of the first selection seed, without attack and under the screening attacks. Conditions are attacks with a strength, and
perhaps more. An attack's strength is the one that is worst for the arm on that seed. The worst conditions there (the
shortlist) run on the other selection seeds; those that are worst over all are the arm's, under which it is evaluated on
fresh seeds. Accuracies below chance count as chance.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import numpy as np

from ceas_ray.kernel.ranges import Range
from ceas_ray.studies.headline.design import (
    AveragedDesign,
    Numbers,
    Run,
    SeededForm,
    SeededPlan,
    each_attack,
    with_validation,
)
from ceas_ray.studies.headline.statistics import Floats, Result, clipped
from ceas_ray.studies.headline.training_runs import Source

_WORST = 2
"""How many of the lowest validation accuracies decide on what is tuned."""


class StagedForm(SeededForm):
    """A part of a design to run. screening: by name, the strengths of the attacks under which arms are tuned, beside
    none. shortlist, worst_attacks: how many conditions all selection seeds see, and how many of these the evaluation
    seeds.
    """

    screening: dict[str, Numbers]
    shortlist: Annotated[int, Range(1, 1000)]
    worst_attacks: Annotated[int, Range(1, 1000)]


D = TypeVar("D", bound=AveragedDesign)
F = TypeVar("F", bound=StagedForm)
Condition = TypeVar("Condition", bound=tuple[Any, ...])
"""An attack, its strength, and perhaps more; without attack, that of `StagedPlan.no_attack`."""
Choice = TypeVar("Choice")


class StagedPlan(SeededPlan[D, F], ABC, Generic[D, F, Condition, Choice]):
    """The runs of a form, stage by stage. A choice is what is tuned of an arm."""

    @property
    @abstractmethod
    def no_attack(self) -> Condition:
        """The condition without attack."""

    @property
    @abstractmethod
    def screened(self) -> Sequence[Condition]:
        """The conditions under which arms are tuned, beside none."""

    @property
    @abstractmethod
    def conditions(self) -> Sequence[Condition]:
        """The conditions from which the worst are selected."""

    @property
    @abstractmethod
    def choices(self) -> Sequence[Choice]:
        """What is tuned, to choose from."""

    @abstractmethod
    def run_under(self, scenario: str, arm: str, condition: Condition, *, choice: Choice, seed: int) -> Run:
        """Return a run of an arm under a condition, with a choice, on a seed."""

    @property
    def _tried(self) -> Sequence[Choice]:
        """All choices; none where there is one alone, which needs no tuning."""
        return self.choices if len(self.choices) > 1 else ()

    @property
    def untuned(self) -> dict[str, Choice]:
        """The first choice for every arm."""
        return dict.fromkeys(self.form.arms, self.choices[0])

    def tuning(self, scenario: str) -> list[Run]:
        """Return the runs without attack and under the screening attacks, with every choice and a validation set, on
        the first selection seed; none where there is one choice alone.
        """
        runs = [
            self.run_under(scenario, arm, condition, choice=choice, seed=self.selection_seeds[0])
            for arm in self.form.arms
            for condition in (self.no_attack, *self.screened)
            for choice in self._tried
        ]
        return with_validation(runs, self.design.validation_fraction)

    def selection(self, scenario: str, choices: Mapping[str, Choice]) -> list[Run]:
        """Return the runs of every condition on the first selection seed."""
        return self._under(scenario, choices, dict.fromkeys(self.form.arms, self.conditions), self.selection_seeds[:1])

    def further_selection(
        self, scenario: str, choices: Mapping[str, Choice], conditions: Mapping[str, Sequence[Condition]]
    ) -> list[Run]:
        """Return the runs of each arm under its conditions on all selection seeds but the first."""
        return self._under(scenario, choices, conditions, self.selection_seeds[1:])

    def evaluation(
        self, scenario: str, choices: Mapping[str, Choice], conditions: Mapping[str, Sequence[Condition]]
    ) -> list[Run]:
        """Return the runs of each arm under its conditions and under no attack on the evaluation seeds."""
        under = {arm: (*of_arm, self.no_attack) for arm, of_arm in conditions.items()}
        return self._under(scenario, choices, under, self.evaluation_seeds)

    def _under(
        self,
        scenario: str,
        choices: Mapping[str, Choice],
        conditions: Mapping[str, Sequence[Condition]],
        seeds: Sequence[int],
    ) -> list[Run]:
        return [
            self.run_under(scenario, arm, condition, choice=choices[arm], seed=seed)
            for arm in self.form.arms
            for condition in conditions[arm]
            for seed in seeds
        ]

    def count(self) -> int:
        """Return how many runs it all takes."""
        form = self.form
        tuned = len(self._tried) * (1 + len(each_attack(form.screening)))
        selected = len(self.conditions) + form.shortlist * (form.selection_seeds - 1)
        evaluated = (form.worst_attacks + 1) * form.evaluation_seeds
        return (tuned + selected + evaluated) * len(form.arms) * len(form.scenarios)


@dataclass(frozen=True)
class Staged(Generic[Condition, Choice]):
    """What came of the stages. choices: of each arm. conditions: those that each arm is judged under, the worst first.
    selected, evaluated: results under these, evaluated also without attack.
    """

    choices: Mapping[str, Choice]
    conditions: Mapping[str, Sequence[Condition]]
    selected: Sequence[Result]
    evaluated: Sequence[Result]


def staged(
    plan: StagedPlan[Any, Any, Condition, Choice], scenario: str, laboratory: Source,
    *, condition_of: Callable[[Result], Condition], choice_of: Callable[[Result], Choice],
) -> Staged[Condition, Choice]:  # fmt: skip
    """Tune, select and evaluate the arms of a scenario. condition_of, choice_of: those of a run, by its result."""
    form = plan.form
    tuned = laboratory.results(plan.tuning(scenario))
    choices = best_choices(tuned, form.arms, choice_of) if tuned else plan.untuned
    selection = laboratory.results(plan.selection(scenario, choices))
    shortlist = worst_conditions(selection, form.arms, form.shortlist, condition_of)
    further = laboratory.results(plan.further_selection(scenario, choices, shortlist))
    selected = [*results_under(selection, shortlist, condition_of), *further]
    conditions = worst_conditions(selected, form.arms, form.worst_attacks, condition_of)
    return Staged(choices, conditions, selected, laboratory.results(plan.evaluation(scenario, choices, conditions)))


def best_choices(
    tuned: Sequence[Result], arms: Sequence[str], choice_of: Callable[[Result], Choice]
) -> dict[str, Choice]:
    """Return the best choice of each arm; the lower of equally good ones. See the module."""
    chosen = {}
    for arm in arms:
        by_choice: dict[Any, list[float]] = {}
        for r in tuned:
            if r["arm"] == arm:
                by_choice.setdefault(choice_of(r), []).append(_validated(r))
        choices = sorted(by_choice)
        chosen[arm] = choices[int(np.argmax([np.mean(sorted(by_choice[choice])[:_WORST]) for choice in choices]))]
    return chosen


def _validated(result: Result) -> float:
    return max(float(result["validation_accuracy"]), float(result["validation_chance"]))


def worst_conditions(
    selected: Sequence[Result], arms: Sequence[str], number: int, condition_of: Callable[[Result], Condition]
) -> dict[str, list[Condition]]:
    """Return this many conditions of each arm, the worst first, each at the strength with the least mean accuracy; the
    first of equally bad ones.
    """
    chosen = {}
    for arm in arms:
        cells: dict[Condition, list[float]] = {}
        for r in selected:
            if r["arm"] == arm:
                cells.setdefault(condition_of(r), []).append(clipped(r))
        means = {cell: float(np.mean(values)) for cell, values in cells.items()}
        worst: dict[tuple[Any, ...], Condition] = {}
        for cell in sorted(means, key=means.__getitem__):
            attack, _, *more = cell
            worst.setdefault((attack, *more), cell)
        chosen[arm] = list(worst.values())[:number]
    return chosen


def results_under(
    results: Sequence[Result],
    conditions: Mapping[str, Sequence[Condition]],
    condition_of: Callable[[Result], Condition],
) -> list[Result]:
    """Return the results under these conditions of their arms."""
    return [r for r in results if condition_of(r) in conditions[r["arm"]]]


def accuracies_under(
    results: Sequence[Result],
    conditions: Mapping[str, Sequence[Condition]],
    condition_of: Callable[[Result], Condition],
) -> dict[str, Floats]:
    """Return the accuracies of each arm under its own conditions, in their order: (conditions, 1, seeds)."""
    return {
        arm: np.stack([accuracies_by_seed(results, arm, cell, condition_of) for cell in of_arm])[:, None]
        for arm, of_arm in conditions.items()
    }


def accuracies_by_seed(
    results: Sequence[Result], arm: str, condition: Condition, condition_of: Callable[[Result], Condition]
) -> Floats:
    """Return the arm's accuracies under a condition (seeds,)."""
    of_cell = [r for r in results if r["arm"] == arm and condition_of(r) == condition]
    return np.array([clipped(r) for r in sorted(of_cell, key=lambda r: int(r["seed"]))])
