"""Hydra, with its errors in one line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ceas_ray.config.conf_path import conf_directory
from ceas_ray.config.errors import SettingsError


def composed(overrides: Sequence[str]) -> dict[str, Any]:
    """The configuration as plain nested dictionaries; SettingsError for what cannot be composed."""
    try:
        with initialize_config_dir(str(conf_directory()), version_base="1.3"):
            config = compose("config", overrides=list(overrides))
        plain: Any = OmegaConf.to_container(config, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise _translated(str(error), overrides) from None
    plain.pop("hydra", None)
    return dict(plain)


def jobs(overrides: Sequence[str]) -> list[list[str]]:
    """The overrides of every job of a sweep, in Hydra's order."""
    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
        batches = BasicSweeper.split_arguments(parsed, max_batch_size=None)
    except (HydraException, OmegaConfBaseException) as error:
        raise _translated(str(error), overrides) from None
    return [list(job) for batch in batches for job in batch]


def overridden_keys(overrides: Sequence[str]) -> list[str]:
    """The keys and groups that these overrides name, with dots."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    return [str(override.key_or_group).replace("/", ".") for override in parsed]


def _translated(message: str, overrides: Sequence[str]) -> SettingsError:
    missing = re.search(r"Could not find '([^']+)'", message)
    options = re.findall(r"^\t([\w-]+)$", message, re.MULTILINE)
    if missing and options:
        group, _, choice = missing[1].rpartition("/")
        return SettingsError(group, f"one of {', '.join(sorted(options))}", choice)
    unknown = re.search(r"(?:Could not override|Could not append to config\.[^']*|Key) '@?([^']+)'", message)
    if unknown:
        came = next((o for o in overrides if o.lstrip("+~").startswith(unknown[1])), unknown[1])
        return SettingsError(unknown[1], "a known key or group", came)
    line = " ".join(message.split())
    return SettingsError("command line", "overrides of the form key=value", f"{' '.join(overrides)} ({line})")
