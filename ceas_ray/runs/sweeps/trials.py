"""The trials of a search: Optuna chooses them and keeps them in a study, an SQLite database in the search's folder."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ceas_ray.config.errors import SettingsError, UnusableSettings, reason_of
from ceas_ray.config.nearest import or_nearest
from ceas_ray.config.search_space import Choices, Numbers
from ceas_ray.runs.sweeps.objectives import Objectives
from ceas_ray.tracking.database_uri import sqlite_uri
from ceas_ray.tracking.plain_files import require_plain

if TYPE_CHECKING:
    from optuna import Study
    from optuna.samplers import BaseSampler

STUDY = "study.db"
SAMPLERS = ("tpe", "nsga2", "random")
_NAME = "ceas_ray"
_KEY = "hydra/sweeper"


@dataclass(frozen=True)
class Trial:
    """A trial with the values it chose, by override keys. values: its objectives, None unless it completed."""

    number: int
    chosen: Mapping[str, Any]
    is_over: bool
    values: tuple[float, ...] | None


def require_optuna() -> None:
    """Raise SettingsError if Optuna is not installed."""
    try:
        import optuna
    except ImportError:
        reason = "hydra/sweeper=optuna needs Optuna, which the extra `sweeper` brings: pip install 'ceas-ray[sweeper]'"
        raise UnusableSettings(_KEY, reason) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def refuse_unknown_sampler(sampler: str) -> None:
    """Raise SettingsError for a sampler that there is not."""
    if sampler not in SAMPLERS:
        must = or_nearest(f"one of {', '.join(SAMPLERS)}", sampler, SAMPLERS)
        raise SettingsError("hydra.sweeper.sampler", must, sampler)


class Trials:
    """The study in a folder.

    Each trial is drawn from a stream of its own, made from the seed and its number, and from the results of those
    before it: a search that was interrupted goes on with the trials that it would have had.
    """

    def __init__(self, folder: Path, objectives: Objectives, sampler: str, seed: int) -> None:
        """Open the study, or begin one; sampler: one of SAMPLERS. Raises SettingsError for a damaged study."""
        require_optuna()
        import optuna
        from optuna.study import StudyDirection

        self._sampler, self._seed = sampler, seed
        try:
            self._storage = optuna.storages.RDBStorage(_study_in(folder))
            self._study: Study = optuna.create_study(
                storage=self._storage,
                study_name=_NAME,
                directions=[StudyDirection[name.upper()] for name in objectives.directions],
                load_if_exists=True,
            )
            self._study.get_trials(deepcopy=False)  # reads all: what is damaged is found here
        except _unreadable() as error:
            raise UnusableSettings("hydra.sweep.dir", f"{folder / STUDY}: {reason_of(error)}") from None

    def ask(self, dimensions: Mapping[str, Choices | Numbers]) -> Trial:
        """Begin a new trial. Raises OSError if the study takes no more."""
        with _writing():
            self._study.sampler = self._sampler_of(len(self._study.trials))
            trial = self._study.ask({key: _distribution(dimension) for key, dimension in dimensions.items()})
        return Trial(trial.number, dict(trial.params), is_over=False, values=None)

    def tell(
        self, number: int, values: Sequence[float] | None, rounds: Mapping[int, float] = {}, *, pruned: bool = False
    ) -> None:
        """End a trial: with its objectives, as pruned, or as failed. One that is over stays as it is.

        rounds: the objective by round, from 1 on, as far as it was measured. pruned: whether that ended it. Raises
        OSError if the study takes no more.
        """
        from optuna.trial import TrialState

        trial = self._study.get_trials(deepcopy=False)[number]
        if trial.state.is_finished():
            return
        state = TrialState.PRUNED if pruned else TrialState.FAIL if values is None else TrialState.COMPLETE
        with _writing():
            for step, value in rounds.items():
                self._storage.set_trial_intermediate_value(trial._trial_id, step, value)
            self._study.tell(number, values, state=state, skip_if_finished=True)

    def medians(self, least: int) -> dict[int, float]:
        """Return the median of the objective by round, over the trials that are complete.

        There is none before `least` are complete. This is what Optuna's MedianPruner compares with, as of now.
        """
        from optuna.trial import TrialState

        complete = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(complete) < least:
            return {}
        by_round: dict[int, list[float]] = {}
        for trial in complete:
            for step, value in trial.intermediate_values.items():
                by_round.setdefault(step, []).append(value)
        return {step: float(np.median(values)) for step, values in sorted(by_round.items())}

    def all(self) -> Iterator[Trial]:
        """Yield all trials that have begun, in their order."""
        for trial in self._study.get_trials(deepcopy=False):
            values = None if trial.values is None else tuple(trial.values)
            yield Trial(trial.number, dict(trial.params), trial.state.is_finished(), values)

    def best(self) -> set[int]:
        """Return the numbers of the trials that no other one surpasses: with one objective, of the best."""
        return {trial.number for trial in self._study.best_trials}

    def _sampler_of(self, number: int) -> BaseSampler:
        from optuna.samplers import NSGAIISampler, RandomSampler, TPESampler

        content = f"{self._seed} {number}".encode()
        seed = int.from_bytes(blake2b(content, digest_size=4).digest(), "little")
        if self._sampler == "random":
            return RandomSampler(seed=seed)
        return NSGAIISampler(seed=seed) if self._sampler == "nsga2" else TPESampler(seed=seed)


def trials_over(folder: Path) -> int:
    """Return how many trials of the study in this folder are over; 0 where there is none that can be read."""
    require_optuna()
    import optuna

    if not (folder / STUDY).exists():
        return 0
    try:
        study = optuna.load_study(study_name=_NAME, storage=_study_in(folder))
        return sum(trial.state.is_finished() for trial in study.get_trials(deepcopy=False))
    except _unreadable():
        return 0


def _study_in(folder: Path) -> str:
    """Return the URI of the study in a folder. Raises OSError where something else than a file has its name."""
    path = folder / STUDY
    if path.exists() or path.is_symlink():
        require_plain(path)
    return sqlite_uri(path)


@contextmanager
def _writing() -> Iterator[None]:
    """Raise OSError, in one line, for whatever Optuna and its database raise meanwhile."""
    from optuna.exceptions import OptunaError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (OptunaError, SQLAlchemyError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, SQLAlchemyError) else error
        reason = " ".join(str(getattr(cause, "orig", None) or cause).split())[:200]
        raise OSError(errno.EIO, f"{STUDY}: {reason}") from None


def _unreadable() -> tuple[type[Exception], ...]:
    """Return what Optuna raises for a database that is no study."""
    from optuna.exceptions import OptunaError
    from sqlalchemy.exc import SQLAlchemyError

    return OptunaError, SQLAlchemyError, RuntimeError, OSError, LookupError, ValueError, TypeError


def _distribution(dimension: Choices | Numbers) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(dimension, Choices):
        return CategoricalDistribution(dimension.values)
    low, high, step = dimension.low, dimension.high, dimension.step
    if dimension.whole:
        return IntDistribution(int(low), int(high), dimension.log, int(step or 1))
    return FloatDistribution(low, high, dimension.log, step)
