"""The commands, a file for each: they alone read the command line and choose exit codes."""

from ceas_ray.cli.before_imports import prepare

prepare(__name__)
