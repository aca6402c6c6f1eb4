"""The command `ceas-ray [overrides]`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ceas_ray.cli.exit_codes import BAD_SETTINGS, OF_STATUS
from ceas_ray.config.composition import composed, jobs
from ceas_ray.config.conf_path import conf_directory
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.runs.environment import with_environment
from ceas_ray.runs.resume import config_of_run
from ceas_ray.runs.run import execute
from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.runtime.interruption import INTERRUPTED, Interruption, answered
from ceas_ray.studies.utilization.outputs import execute_study
from ceas_ray.world.builder import outline_world

USAGE = """usage: ceas-ray [-m] [key=value ...]
  ceas-ray                                  a CEAS run of the default experiment
  ceas-ray experiment=oblivious attacks=sign_flip seed=3
  ceas-ray -m seed=1,2 attacks=alie,sign_flip   all combinations, one after the other
  ceas-ray dry_run=true                     what a run would cost
  ceas-ray resume=outputs/RUN               go on with a run that was interrupted
  ceas-ray verify=outputs/RUN               replay a run and compare it round by round
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the jobs that the command line asks for; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if any(word in ("-h", "--help") for word in words):
        print(USAGE + _choices())
        return 0
    sweep = any(word in ("-m", "--multirun") for word in words)
    overrides = [word for word in words if word not in ("-m", "--multirun")]
    return answered(lambda interruption: _run(overrides, sweep, interruption))


def _run(overrides: Sequence[str], sweep: bool, interruption: Interruption) -> int:
    try:
        found = [_composed(job, sweep) for job in (jobs(overrides) if sweep else [overrides])]
        configs = [config for config, _ in found]
        for line in dict.fromkeys(line for config, lines in found if not config["quiet"] for line in lines):
            print(line, file=sys.stderr)
        for config in configs if sweep else []:
            if config["tracking"]["run_id"] is not None:
                must = "null in a sweep, whose jobs have runs of their own (tracking.parent_run_id takes them)"
                raise SettingsError("tracking.run_id", must, config["tracking"]["run_id"])
            outline_world(build(RunSettings, config))  # refuse a bad job before the first one runs
        code = 0
        for number, config in enumerate(configs):
            code = max(code, _execute(config, number if sweep else None, interruption))
            if code == INTERRUPTED:
                break
        return code
    except (SettingsError, RuntimeFailure) as error:
        print(error, file=sys.stderr)
        return BAD_SETTINGS


def _execute(config: Mapping[str, Any], number: int | None, interruption: Interruption) -> int:
    """Run the study or the training run that the configuration asks for; return the exit code."""
    if build(RunSettings, config).study.name is not None:
        return OF_STATUS[execute_study(config, number)]
    return OF_STATUS[execute(config, number, interruption)]


def _composed(overrides: Sequence[str], sweep: bool) -> tuple[dict[str, Any], list[str]]:
    """Return the configuration of a new run, or of the one that `resume` or `verify` names.

    With it come the lines that say what the environment sets.
    """
    config = composed(overrides)
    old = config["resume"] is not None or config["verify"] is not None
    config = config_of_run(config, overrides) if old else config
    return with_environment(config, overrides, os.environ, sweep)


def _choices() -> str:
    lines = ["groups and their choices:"]
    for group in sorted(path for path in conf_directory().rglob("*") if path.is_dir()):
        name = group.relative_to(conf_directory()).as_posix()
        lines.append(f"  {name}: {', '.join(sorted(path.stem for path in group.glob('*.yaml')))}")
    return "\n".join([*lines, f"every key, with its default: {conf_directory()}"])


if __name__ == "__main__":
    sys.exit(main())
