"""The launcher `hydra/launcher=ray`: all jobs of a sweep are handed over together, to be run on one Ray cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

_CHOICE = {"_target_": "hydra_plugins.hydra_ceas_ray.ray_launcher.RayLauncher"}
ConfigStore.instance().store(group="hydra/launcher", name="ray", node=_CHOICE, provider="ceas_ray")


class RayLauncher(Launcher):
    """Composes every job, and gives all of them to the application that Hydra runs."""

    def __init__(self) -> None:
        self._context: Any = None
        self._task: Any = None
        self._config: Any = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """See `Launcher`."""
        self._context, self._task, self._config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run the jobs and return what each made of its objective."""
        from ceas_ray.config.application import JobComposer

        composer = JobComposer(self._context.config_loader, self._config)
        jobs = [composer.job(number, words) for number, words in enumerate(job_overrides, initial_job_idx)]
        values = self._task.together(jobs)
        return [
            JobReturn(overrides=list(job.overrides), status=JobStatus.COMPLETED, _return_value=value)
            for job, value in zip(jobs, values, strict=True)
        ]
