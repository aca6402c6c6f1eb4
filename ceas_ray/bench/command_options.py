"""The options of benchmarks that time whole commands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple

from ceas_ray.config.composition import composed
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build


class CommandOptions(NamedTuple):
    """repeats: how often the command is timed. warms_up: whether it runs once before. overrides: of every run."""

    repeats: int
    warms_up: bool
    overrides: list[str]


def command_options(
    name: str, about: str | None, words: Sequence[str], *, repeats: int, of_all: Sequence[str]
) -> CommandOptions:
    """Read the options of `scripts/bench NAME`. about: the module's docstring. repeats: by default. of_all: overrides
    of every run.

    Raises SettingsError for bad overrides.
    """
    parser = argparse.ArgumentParser(prog=f"scripts/bench {name}", description=(about or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=repeats, help=f"turns that count (default: {repeats})")
    parser.add_argument("--quick", action="store_true", help="one turn, and no run before it")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings other than the default ones")
    chosen = parser.parse_args(words)
    overrides = [*of_all, *chosen.overrides]
    build(RunSettings, composed(overrides))
    return CommandOptions(1 if chosen.quick else max(1, chosen.repeats), not chosen.quick, overrides)
