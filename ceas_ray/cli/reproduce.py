"""The command `scripts/reproduce`: the experiment behind the headline claim.

usage: scripts/reproduce [study.form=quick|night|full] [output=FOLDER] [runtime=local] [key=value ...]

The design is conf/experiment/headline.yaml. Training runs are tasks on Ray (runtime.address: on a cluster), or with
runtime=local processes of this machine; each leaves a result file in FOLDER/runs, so that a second call resumes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ceas_ray.cli.exit_codes import BAD_SETTINGS, COMPLETED
from ceas_ray.config.errors import SettingsError
from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.runtime.interruption import INTERRUPTED, answered
from ceas_ray.studies.headline.experiment import reproduce


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing and report; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/reproduce", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("overrides", nargs="*")
    chosen = parser.parse_args(arguments)
    return answered(lambda _: _answer(chosen.overrides))


def _answer(words: Sequence[str]) -> int:
    try:
        print(reproduce(words))
    except (SettingsError, RuntimeFailure) as error:
        print(error, file=sys.stderr)
        return BAD_SETTINGS
    except KeyboardInterrupt:
        print("interrupted: the same command resumes", file=sys.stderr)
        return INTERRUPTED
    return COMPLETED


if __name__ == "__main__":
    sys.exit(main())
