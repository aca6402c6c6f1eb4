"""The sweeper `hydra/sweeper=optuna`: a search, in which Optuna chooses each job after what those before it came to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

_CHOICE = {
    "_target_": "hydra_plugins.hydra_ceas_ray.optuna_sweeper.OptunaSweeper",
    "objective": ["test_accuracy"],
    "direction": None,
    "trials": 20,
    "parallel": 1,
    "sampler": "tpe",
    "seed": 1,
    "pruner": None,
    "startup_trials": 5,
    "warm_up_rounds": 0,
    "params": None,
}
ConfigStore.instance().store(group="hydra/sweeper", name="optuna", node=_CHOICE, provider="ceas_ray")


class OptunaSweeper(Sweeper):
    """Hands the space and what is looked for to the application that Hydra runs, which composes a job per trial."""

    def __init__(self, params: Mapping[str, str] | None, **settings: Any) -> None:
        """params: what is searched beside the overrides of the line. settings: see `SearchSettings`."""
        self._params, self._settings = dict(params or {}), settings
        self._context: Any = None
        self._task: Any = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """See `Sweeper`."""
        self.config, self._context, self._task = config, hydra_context, task_function

    def sweep(self, arguments: list[str]) -> None:
        """Run the search. Leaves `multirun.yaml` in the folder of one that has begun, however it ends."""
        from ceas_ray.config.application import JobComposer, write_multirun
        from ceas_ray.config.errors import SettingsError
        from ceas_ray.config.search_space import search_space

        config = self.config
        assert config is not None
        launcher = config.hydra.runtime.choices["hydra/launcher"]
        if launcher != "ray":
            raise SettingsError("hydra/launcher", "ray with hydra/sweeper=optuna", launcher)
        parser = OverridesParser.create(config_loader=self._context.config_loader)
        words = [*(f"{key}={value}" for key, value in self._params.items()), *arguments]
        space = search_space(parser.parse_overrides(words))
        given = {name: list(v) if OmegaConf.is_list(v) else v for name, v in self._settings.items()}

        composer = JobComposer(self._context.config_loader, config)

        def composed(number: int, chosen: Mapping[str, object]) -> Any:
            return composer.job(number, space.overrides(chosen))

        folder = Path(config.hydra.sweep.dir)
        refused = False
        try:
            self._task.search(given, space, folder, composed)
        except SettingsError:
            refused = True
            raise
        finally:
            if not refused:
                write_multirun(config)
