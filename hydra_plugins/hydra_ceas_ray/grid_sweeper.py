"""The sweeper `hydra/sweeper=grid`: all combinations, as Hydra's own `basic` makes them, each composed once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

_CHOICE = {
    "_target_": "hydra_plugins.hydra_ceas_ray.grid_sweeper.GridSweeper",
    "max_batch_size": None,
    "params": None,
}
ConfigStore.instance().store(group="hydra/sweeper", name="grid", node=_CHOICE, provider="ceas_ray")


class GridSweeper(Sweeper):
    """Launches every combination of the values that are given. Launchers check and compose the jobs, nobody else."""

    def __init__(self, max_batch_size: int | None, params: Mapping[str, str] | None) -> None:
        """max_batch_size: jobs that the launcher gets at once; None: all. params: sweeps beside those of the line."""
        self._batch, self._params = max_batch_size, dict(params or {})
        self._launcher: Any = None
        self._context: Any = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """See `Sweeper`."""
        self.config, self._context = config, hydra_context
        self._launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Launch all jobs; return what they returned, by batch.

        Leaves `multirun.yaml` in the folder of a sweep that has begun, however it ends.
        """
        from ceas_ray.config.application import write_multirun
        from ceas_ray.config.composition import combinations
        from ceas_ray.config.errors import SettingsError

        assert self.config is not None
        parser = OverridesParser.create(config_loader=self._context.config_loader)
        jobs = combinations(parser.parse_overrides([*(f"{k}={v}" for k, v in self._params.items()), *arguments]))
        size = self._batch or max(1, len(jobs))
        returned, refused = [], False
        try:
            for first in range(0, len(jobs), size):
                returned.append(self._launcher.launch(jobs[first : first + size], initial_job_idx=first))
                for job in returned[-1]:
                    _ = job.return_value  # raises what the job raised
        except SettingsError:
            refused = True
            raise
        finally:
            if not refused:
                write_multirun(self.config)
        return returned
