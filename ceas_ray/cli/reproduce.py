"""The command `scripts/reproduce`: the experiment behind the headline claim, or another one that is registered.

usage: scripts/reproduce [experiment=headline|rules|awareness|everything|weights] [study.form=FORM] [output=FOLDER]
                         [runtime=local] [key=value ...]

The design is the experiment's file in conf/experiment/; study.form is one of those it lists. Training runs are tasks on
Ray (runtime.address: on a cluster), or with runtime=local processes of this machine; each leaves a result file in
FOLDER/runs, so that a second call resumes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from ceas_ray.cli.exit_codes import BAD_SETTINGS, COMPLETED
from ceas_ray.config.errors import SettingsError
from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.runtime.interruption import INTERRUPTED, answered
from ceas_ray.studies.awareness.experiment import AWARENESS
from ceas_ray.studies.headline.experiment import HEADLINE
from ceas_ray.studies.reproduction import Experiment
from ceas_ray.studies.rules.experiment import RULES
from ceas_ray.studies.systems.experiment import EVERYTHING, WEIGHTS

_EXPERIMENTS: dict[str, Experiment[Any]] = {
    experiment.name: experiment for experiment in (HEADLINE, RULES, AWARENESS, EVERYTHING, WEIGHTS)
}
_CHOICE = "experiment="


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing and report; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/reproduce", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("overrides", nargs="*")
    chosen = parser.parse_args(arguments)
    return answered(lambda _: _answer(chosen.overrides))


def _chosen(words: Sequence[str]) -> Experiment[Any]:
    """Return the experiment that the words name; the headline experiment where they name none."""
    named = [word.removeprefix(_CHOICE) for word in words if word.startswith(_CHOICE)] or [HEADLINE.name]
    if len(named) > 1 or named[0] not in _EXPERIMENTS:
        raise SettingsError("experiment", f"one of {', '.join(_EXPERIMENTS)}", ", ".join(named))
    return _EXPERIMENTS[named[0]]


def _answer(words: Sequence[str]) -> int:
    try:
        print(_chosen(words).reproduce([word for word in words if not word.startswith(_CHOICE)]))
    except (SettingsError, RuntimeFailure) as error:
        print(error, file=sys.stderr)
        return BAD_SETTINGS
    except KeyboardInterrupt:
        print("interrupted: the same command resumes", file=sys.stderr)
        return INTERRUPTED
    return COMPLETED


if __name__ == "__main__":
    sys.exit(main())
