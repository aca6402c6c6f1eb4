"""Hydra, with its errors in one line."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, RangeSweep
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ceas_ray.config import renamed
from ceas_ray.config.conf_path import conf_directory
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.validation import known_keys, unknown_key

MAX_JOBS = 10_000
"""Of one sweep: all of them are checked before the first one starts."""
_REFUSED = (HydraException, OmegaConfBaseException, ValueError, TypeError, AssertionError, RecursionError)
"""What Hydra and OmegaConf raise for a command line that cannot be composed, their unforeseen cases included."""
_BARE_IPV6 = re.compile(r"[\w.]+=\[[0-9a-fA-F:.]+\](:\d+)?")


def composed(overrides: Sequence[str]) -> dict[str, Any]:
    """The configuration as plain nested dictionaries; raises SettingsError for what cannot be composed."""
    for override in _parsed(overrides):
        if str(override.key_or_group).partition(".")[0].partition("/")[0] == "hydra":
            must = "left out: Hydra's own settings are not supported yet; output=FOLDER names the folder of a run"
            raise SettingsError(str(override.key_or_group), must, override.input_line)
    with _one_line(overrides):
        with initialize_config_dir(str(conf_directory()), version_base="1.3"):
            config = compose("config", overrides=list(overrides))
        plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    plain.pop("hydra", None)
    return dict(plain)


def jobs(overrides: Sequence[str]) -> list[list[str]]:
    """The overrides of every job of a sweep, in Hydra's order."""
    parsed = _parsed(overrides)
    with _one_line(overrides):
        count = math.prod(_choices_of(override) for override in parsed)
        if count > MAX_JOBS:
            raise SettingsError("command line", f"a sweep of at most {MAX_JOBS} jobs", count)
        batches = BasicSweeper.split_arguments(parsed, max_batch_size=None)
    return [list(job) for batch in batches for job in batch]


def overridden_keys(overrides: Sequence[str]) -> list[str]:
    """The keys and groups that these overrides name, with dots."""
    return [str(override.key_or_group).replace("/", ".") for override in _parsed(overrides)]


def _parsed(overrides: Sequence[str]) -> list[Override]:
    option = next((word for word in overrides if word.startswith("-")), None)
    if option is not None:
        must = "key=value, or -m, or --help: Hydra's own options are not supported yet"
        raise SettingsError("command line", must, option)
    with _one_line(overrides):
        return list(OverridesParser.create().parse_overrides(list(overrides)))


@contextmanager
def _one_line(overrides: Sequence[str]) -> Iterator[None]:
    """Raise SettingsError for what Hydra and OmegaConf refuse.

    An interrupt in the midst of them stays one, whatever error their cleaning up after it ends with.
    """
    try:
        yield
    except Exception as error:
        if any(isinstance(cause, KeyboardInterrupt) for cause in _with_contexts(error)):
            raise KeyboardInterrupt from None
        if not isinstance(error, _REFUSED):
            raise
        raise _translated(str(error), overrides) from None


def _with_contexts(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error, the one that it was raised in the handling of, and so on."""
    while error is not None:
        yield error
        error = error.__context__


def _choices_of(override: Override) -> int:
    """Return how many values an override sweeps over; a range is counted, not listed."""
    if not override.is_sweep_override():
        return 1
    sweep: Any = override.value()
    if isinstance(sweep, RangeSweep):
        return max(0, math.ceil((sweep.stop - sweep.start) / sweep.step))
    return len(getattr(sweep, "list", ())) or 1


def _translated(message: str, overrides: Sequence[str]) -> SettingsError:
    missing = re.search(r"Could not find '([^']+)'", message)
    options = re.findall(r"^\t([\w-]+)$", message, re.MULTILINE)
    if missing and options:
        group, _, choice = missing[1].rpartition("/")
        if (group, choice) in renamed.CHOICES:
            return SettingsError(group, f"{renamed.CHOICES[group, choice]} (the new name)", choice)
        return SettingsError(group, f"one of {', '.join(sorted(options))}", choice)
    unknown = re.search(r"(?:Could not override|Could not append to config\.[^']*|Key) '@?([^']+)'", message)
    if unknown:
        came = next((o for o in overrides if o.lstrip("+~").startswith(unknown[1])), unknown[1])
        key = came.lstrip("+~").partition("=")[0]
        return SettingsError(key, unknown_key(key, known_keys()), came)
    bare = next((word for word in overrides if _BARE_IPV6.fullmatch(word)), None)
    if bare is not None:
        key, _, address = bare.partition("=")
        return SettingsError(key, f"quoted where it is an IPv6 address: '{key}=\"{address}\"'", bare)
    line = " ".join(message.split())[:200]
    return SettingsError("command line", f"overrides of the form key=value ({line})", " ".join(map(str, overrides)))
