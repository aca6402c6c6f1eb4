"""The design of the experiment, as `conf/experiment/headline.yaml` registers it, and the runs that it asks for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import Field

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import SettingsGroup
from ceas_ray.config.setting_types import Requirement, Share, Text
from ceas_ray.config.validation import build
from ceas_ray.kernel.ranges import Range

KEY = "study.design"


Words = Annotated[tuple[str, ...], Field(strict=False, max_length=1000), Requirement("a list of names or overrides")]
Numbers = Annotated[
    tuple[Annotated[float, Range(-1e6, 1e6)], ...],
    Field(strict=False, max_length=1000),
    Requirement("a list of numbers"),
]
Seed = Annotated[int, Range(1, 1_000_000)]


class RegisteredForm(SettingsGroup):
    """A part of a registered design to run. attacks: by name, the strengths. overrides: of all its runs."""

    scenarios: Words
    arms: Words
    attacks: dict[str, Numbers]
    learning_rates: Numbers
    selection_seeds: Annotated[int, Range(1, 1000)]
    first_evaluation_seed: Seed
    evaluation_seeds: Annotated[int, Range(2, 1000)]
    overrides: Words


class SeededForm(RegisteredForm):
    """A form that says on which seeds it selects."""

    first_selection_seed: Seed


class RegisteredDesign(SettingsGroup):
    """What registered designs share; arms and scenarios are overrides by name. Each has `forms` besides.

    experiment: the name in `conf/experiment` that a run of the design starts from.
    """

    experiment: ClassVar[str]

    arms: dict[str, Words]
    claimant: Text
    scenarios: dict[str, Words]


class AveragedDesign(RegisteredDesign):
    """A design whose runs go on to their last round; their accuracies are means of the last evaluations."""

    validation_fraction: Annotated[float, Range(0, 0.9, open_below=True)]
    last_evaluations: Annotated[int, Range(1, 1_000_000)]


class Form(RegisteredForm):
    """A part of the design to run."""

    placements: Words


class Design(AveragedDesign):
    """See the comments in `conf/experiment/headline.yaml`."""

    experiment: ClassVar[str] = "headline"
    plain: Text
    robust: Words
    flat: Text
    self_reported: Text
    margin: Share
    forms: dict[str, Form]


D = TypeVar("D", bound=RegisteredDesign)
F = TypeVar("F", bound=RegisteredForm)
S = TypeVar("S", bound=SeededForm)
Attack = tuple[str, float]
"""An attack and its strength."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """The conditions that runs are compared for; attack `none` has neither strength nor placement."""

    scenario: str
    arm: str
    attack: str
    strength: float
    placement: str


@dataclass(frozen=True)
class Run(Cell):
    """One training run of a cell, and the overrides that make it."""

    learning_rate: float
    seed: int
    overrides: tuple[str, ...]

    @property
    def key(self) -> str:
        """A name for its result: a hash of all that decides it."""
        return blake2b(json.dumps(self.overrides).encode(), digest_size=10).hexdigest()


def read_design(config: Any, form: str) -> tuple[Design, Form]:
    """Return the design and one of its forms; raises SettingsError for what does not fit together."""
    design = build(Design, config, KEY)
    chosen = form_of(design.forms, form)
    used = (*chosen.arms, design.claimant, design.plain, *design.robust, design.flat)
    refuse_unknown(f"{KEY}.arms", used, design.arms)
    refuse_unknown(f"{KEY}.scenarios", chosen.scenarios, design.scenarios)
    needed = {design.claimant, design.plain, design.flat}
    if not needed <= set(chosen.arms) or not set(design.robust) & set(chosen.arms):
        raise SettingsError(f"{KEY}.forms.{form}.arms", f"at least {sorted(needed)} and a robust one", chosen.arms)
    return design, chosen


@dataclass(frozen=True)
class RegisteredPlan(Generic[D, F]):
    """All runs of a form of a registered design, on top of `words`, the overrides of the command line."""

    design: D
    form: F
    words: tuple[str, ...]

    @property
    def scenarios(self) -> Words:
        """Names of the scenarios of the form."""
        return self.form.scenarios

    @property
    def evaluation_seeds(self) -> range:
        """Fresh seeds, the same for all arms."""
        first = self.form.first_evaluation_seed
        return range(first, first + self.form.evaluation_seeds)

    @property
    def tuned_rates(self) -> tuple[float, ...]:
        """The learning rates to choose from; none where there is one alone, which needs no choice."""
        return self.form.learning_rates if len(self.form.learning_rates) > 1 else ()

    def run(self, cell: Cell, learning_rate: float, seed: int, *, shared: Words = (), arm: Words = ()) -> Run:
        """Return a run of the cell. shared, arm: overrides besides those of all runs, and of the arm.

        Without attack, the scenario's overrides of attackers do not hold.
        """
        attack, hostile = cell.attack, tuple[str, ...]()
        if attack != "none":
            hostile = f"attacks.strength={cell.strength}", f"attacks.placement={cell.placement}"
        scenario = self.design.scenarios[cell.scenario]
        of_scenario = [word for word in scenario if attack != "none" or not _of_attackers(word)]
        overrides = (
            f"experiment={self.design.experiment}", *self.form.overrides, *shared, *self.design.arms[cell.arm], *arm,
            f"attacks={attack}", *of_scenario, *hostile, f"training.learning_rate={learning_rate}",
            f"training.final_learning_rate={learning_rate / 10}", *self.words, f"seed={seed}",
        )  # fmt: skip
        return Run(**asdict(cell), learning_rate=learning_rate, seed=seed, overrides=overrides)


class SeededPlan(RegisteredPlan[D, S]):
    """All runs of a form that says on which seeds it selects."""

    @property
    def selection_seeds(self) -> range:
        """Seeds on which all that is chosen is chosen."""
        first = self.form.first_selection_seed
        return range(first, first + self.form.selection_seeds)

    def refuse_shared_seeds(self, key: str) -> None:
        """Raise SettingsError if a seed selects and evaluates; key: of the form."""
        if set(self.selection_seeds) & set(self.evaluation_seeds):
            must = "such that no seed selects and evaluates"
            raise SettingsError(f"{key}.first_evaluation_seed", must, self.form.first_evaluation_seed)


class Plan(RegisteredPlan[Design, Form]):
    """All runs of a form."""

    @property
    def selection_seeds(self) -> range:
        """Seeds on which learning rates, strengths, placements, attacks and baselines are chosen."""
        return range(1, 1 + self.form.selection_seeds)

    def tuning(self, scenario: str) -> list[Run]:
        """Return the runs without attack, with every learning rate and a validation set; none where there is one rate
        alone.
        """
        runs = [
            self.run(Cell(scenario=scenario, arm=arm, attack="none", strength=0.0, placement="random"), rate, seed)
            for arm in self.form.arms
            for rate in self.tuned_rates
            for seed in self.selection_seeds
        ]
        return with_validation(runs, self.design.validation_fraction)

    def selection(self, scenario: str, rates: Mapping[str, float]) -> list[Run]:
        """Return the runs of every attack, strength and placement."""
        return [
            self.run(
                Cell(scenario=scenario, arm=arm, attack=attack, strength=float(strength), placement=placement),
                rates[arm],
                seed,
            )
            for arm in self.form.arms
            for attack, strengths in self.form.attacks.items()
            for strength in strengths
            for placement in self.form.placements
            for seed in self.selection_seeds
        ]

    def evaluation(
        self, scenario: str, rates: Mapping[str, float], strengths: Mapping[tuple[str, str, str], float]
    ) -> list[Run]:
        """Return the runs of every attack and placement at the strength that was worst for the arm, by (arm, attack,
        placement)."""
        return [
            self.run(
                Cell(
                    scenario=scenario,
                    arm=arm,
                    attack=attack,
                    strength=strengths[arm, attack, placement],
                    placement=placement,
                ),
                rates[arm],
                seed,
            )
            for arm in self.form.arms
            for attack in self.form.attacks
            for placement in self.form.placements
            for seed in self.evaluation_seeds
        ]

    def count(self) -> int:
        """Return how many runs it all takes."""
        form, cells = self.form, len(self.form.attacks) * len(self.form.placements)
        swept = sum(len(strengths) for strengths in form.attacks.values()) * len(form.placements)
        per_arm = (len(self.tuned_rates) + swept) * form.selection_seeds + cells * form.evaluation_seeds
        return per_arm * len(form.arms) * len(form.scenarios)


def each_attack(attacks: Mapping[str, Sequence[float]]) -> list[Attack]:
    """Return every attack with each of its strengths."""
    return [(attack, float(strength)) for attack, strengths in attacks.items() for strength in strengths]


def with_validation(runs: Sequence[Run], fraction: float) -> list[Run]:
    """Return the runs with this share of their training part set aside for validation."""
    aside = f"training.data.validation_fraction={fraction}"
    return [replace(run, overrides=(*run.overrides, aside)) for run in runs]


def form_of(forms: Mapping[str, F], name: str) -> F:
    """Return a form by its name; raises SettingsError if there is none of that name."""
    if name not in forms:
        raise SettingsError("study.form", f"one of {', '.join(forms)}", name)
    return forms[name]


def refuse_unknown(key: str, wanted: Sequence[str], known: Iterable[str]) -> None:
    """Raise SettingsError for a name that is wanted and not among those known."""
    for word in wanted:
        if word not in known:
            raise SettingsError(key, "such that every name used is among them", word)


def _of_attackers(word: str) -> bool:
    return word.startswith("attacks.")


def named(runs: Sequence[Run]) -> dict[str, Run]:
    """Return the runs by key, each once."""
    return {run.key: run for run in runs}
