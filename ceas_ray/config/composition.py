"""Compose configurations with Hydra, and state its errors in one line."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, RangeSweep
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ceas_ray.config import renamed
from ceas_ray.config.command_line import key_named_by, parsed_word
from ceas_ray.config.composed_configs import ComposedConfigs
from ceas_ray.config.conf_path import conf_directory
from ceas_ray.config.errors import NOTHING, SettingsError
from ceas_ray.config.nearest import or_nearest
from ceas_ray.config.synonyms import synonyms_of
from ceas_ray.config.validation import known_keys, unknown_key

VERSION_BASE = "1.3"
PRIMARY = "config"
MAX_JOBS = 10_000
"""Maximum number of jobs of a sweep, all of which are checked before the first one starts."""
_REFUSED = (HydraException, OmegaConfBaseException, ValueError, TypeError, AssertionError, RecursionError)
"""Exceptions of Hydra and OmegaConf for a command line that cannot be composed, in cases they do not foresee too."""


def composed(overrides: Sequence[str]) -> dict[str, Any]:
    """Return the configuration as plain nested dictionaries; raise SettingsError for what cannot be composed."""
    (config,) = composed_jobs([overrides])
    return config


def composed_jobs(lines: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Return the configuration of each line of overrides; see `composed`."""
    found, configs = [], ComposedConfigs(_composed_by_hydra)
    for line in lines:
        for word in line:
            parsed_word(word)
        with one_line(line):
            config = configs.of(line)
            found.append(plain(config, config.hydra.runtime.choices, line))
    return found


def _composed_by_hydra(overrides: Sequence[str]) -> DictConfig:
    with initialize_config_dir(str(conf_directory()), version_base=VERSION_BASE):
        return compose(PRIMARY, overrides=list(overrides), return_hydra_config=True)


def plain(config: DictConfig, choices: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return the resolved settings of a composed configuration, without Hydra's own, together with their `origin`.

    choices: the choice of every group, Hydra's own groups included. overrides: the words that led to the configuration.
    """
    found = {str(name): _plain_value(config[name]) for name in config if name != "hydra"}
    own = {str(group): str(choice) for group, choice in choices.items() if not str(group).startswith("hydra/")}
    words = [word for word in overrides if not word.lstrip("+~").startswith(("hydra.", "hydra/"))]
    return {**found, "origin": {"choices": own, "overrides": words}}


def _plain_value(value: Any) -> Any:
    whole = OmegaConf.is_config(value)
    return OmegaConf.to_container(value, resolve=True, throw_on_missing=True) if whole else value


def jobs(overrides: Sequence[str]) -> list[list[str]]:
    """Return the overrides of every job of a sweep, in Hydra's order."""
    with one_line(overrides), initialize_config_dir(str(conf_directory()), version_base=VERSION_BASE):
        compose(PRIMARY, overrides=[o for o in overrides if o.startswith("hydra.searchpath")])  # which globs look into
        parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
        return combinations(parser.parse_overrides(list(overrides)))


def combinations(parsed: Sequence[Override]) -> list[list[str]]:
    """Return the overrides of every job, in Hydra's order. Raises SettingsError for too many jobs and for intervals."""
    count = math.prod(_choices_of(override) for override in parsed)
    if count > MAX_JOBS:
        raise SettingsError("command line", f"a sweep of at most {MAX_JOBS} jobs", count)
    values = {override.get_key_element(): _values_of(override) for override in parsed}
    return [list(job) for job in itertools.product(*values.values())]


def _values_of(override: Override) -> list[str]:
    """Return an override once for each of its values."""
    key = override.get_key_element()
    if not override.is_sweep_override():
        return [f"{key}={override.get_value_element_as_str()}"]
    if not override.is_discrete_sweep():
        must = "values to try one by one, as in 1,2,3 or range(1,4): intervals are for sweepers that search in them"
        raise SettingsError(key, must, str(override.input_line).partition("=")[2])
    return [f"{key}={value}" for value in override.sweep_string_iterator()]


def overridden_keys(overrides: Sequence[str]) -> list[str]:
    """Return the keys and groups that these overrides name, with dots."""
    return [str(parsed_word(word).key_or_group).replace("/", ".") for word in overrides]


@contextmanager
def one_line(overrides: Sequence[str]) -> Iterator[None]:
    """Raise SettingsError for what Hydra and OmegaConf refuse.

    An interrupt stays an interrupt, whatever error they raise while they clean up after it.
    """
    try:
        yield
    except Exception as error:
        if any(isinstance(cause, KeyboardInterrupt) for cause in _with_contexts(error)):
            raise KeyboardInterrupt from None
        if not isinstance(error, _REFUSED):
            raise
        GlobalHydra.instance().clear()
        raise _translated(str(error), overrides) from None


def _with_contexts(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error, then the error during whose handling it was raised, and so on."""
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


_REFUSALS = r"Could not override|Could not delete(?: from config\.)?|Key|Could not append to config\.[^']*"
_NOT_GIVEN = re.compile(r"Missing mandatory value.*full_key: (\S+)", re.DOTALL)
_NO_CHOICE = "Config group override must be a string or a list. Got NoneType"
_UNKNOWN = re.compile(rf"(?:{_REFUSALS}) '@?([^']+)'")


def _translated(message: str, overrides: Sequence[str]) -> SettingsError:
    """Return the SettingsError for a message of Hydra or OmegaConf; it names the word to blame."""
    not_given = _NOT_GIVEN.search(message)
    if not_given:
        return SettingsError(not_given[1], "given", NOTHING)
    missing = re.search(r"Could not find '([^']+)'", message)
    options = re.findall(r"^\t([\w-]+)$", message, re.MULTILINE)
    if missing and options:
        group, _, choice = missing[1].rpartition("/")
        return _unknown_choice(group, choice, options)
    without = {word.partition("=")[0] for word in overrides if word.lower().endswith("=null")} & set(_groups())
    if _NO_CHOICE in message and without:
        group = min(without)
        return SettingsError(group, _one_of(group, "none", _groups()[group]), None)
    there = re.search(r"An item is already at '([^']+)'", message)
    if there:
        return SettingsError(there[1], "given without +, since there is such a key", _word_of(there[1], overrides))
    unknown = _UNKNOWN.search(message)
    if unknown:
        return _unknown_word(_word_of(unknown[1], overrides), overrides)
    line = " ".join(message.split())[:200]
    interpolated = next((word for word in overrides if "${" in word), None) if "Interpolation" in message else None
    word = interpolated or _word_to_blame(overrides)
    if word is None:
        return SettingsError("command line", f"overrides that go together ({line})", " ".join(map(str, overrides)))
    return SettingsError(key_named_by(word), f"an override that Hydra can apply ({line})", word)


def _unknown_choice(group: str, choice: str, options: Sequence[str]) -> SettingsError:
    if (group, choice) in renamed.CHOICES:
        return SettingsError(group, f"{renamed.CHOICES[group, choice]} (the new name)", choice)
    meant = _choices_by_class(group).get(choice.lower().replace("-", "_"))
    must = _one_of(group, choice, options)
    if meant is not None:
        must = f"one of {', '.join(sorted(options))} (did you mean {meant}?)"
    return SettingsError(group, must, choice)


def _one_of(group: str, choice: str, options: Sequence[str]) -> str:
    return or_nearest(f"one of {', '.join(sorted(options))}", choice, options, synonyms_of(group))


def _unknown_word(came: str, overrides: Sequence[str]) -> SettingsError:
    """Return the error for a word whose key there is not, or is no key for such a word."""
    key, known = key_named_by(came), _known(overrides)
    if key in known and came.startswith("~"):
        return SettingsError(key, "given without ~, since every setting is needed", came)
    if key in known:
        must = f"given field by field ({key}.NAME=VALUE) or by a file of its group, where new fields may stand"
        return SettingsError(key, must, came)
    having = _choices_with(key)
    return SettingsError(key, f"given with {having} alone" if having else unknown_key(key, known), came)


def _word_to_blame(overrides: Sequence[str]) -> str | None:
    """Return the first word that cannot be applied even alone, or else the first without which the others can."""
    places = [word for word in overrides if word.startswith("hydra.searchpath")]
    alone = (word for word in overrides if not _can_be_composed([*places, word]))
    others = (word for n, word in enumerate(overrides) if _can_be_composed([*overrides[:n], *overrides[n + 1 :]]))
    return next(itertools.chain(alone, others), None)


def _can_be_composed(overrides: Sequence[str]) -> bool:
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(conf_directory()), version_base=VERSION_BASE):
            compose(PRIMARY, overrides=list(overrides))
    except _REFUSED:
        return False
    return True


def _word_of(key: str, overrides: Sequence[str]) -> str:
    """Return the word of the line that names this key, or one below it."""
    return next((word for word in overrides if word.lstrip("+~").startswith(key)), key)


def _known(overrides: Sequence[str]) -> list[str]:
    """Return all known keys and groups, including those of the choices on this line and Hydra's own."""
    groups = _groups()
    words = [word.partition("=") for word in overrides]
    choices = {group: choice for group, _, choice in words if choice in groups.get(group, ())}
    plug_ins = [word for word in overrides if word.startswith("hydra/") and _can_be_composed([word])]
    chosen = [*(f"{group}={choice}" for group, choice in choices.items()), *plug_ins]
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_directory()), version_base=VERSION_BASE):
        config: Any = OmegaConf.to_container(compose(PRIMARY, overrides=chosen, return_hydra_config=True))
    return list(dict.fromkeys([*known_keys(), *groups, *_keys_of(config)]))


def _groups() -> dict[str, list[str]]:
    """Return the choices of every group of this package."""
    folders = [path for path in sorted(conf_directory().rglob("*")) if path.is_dir()]
    return {
        folder.relative_to(conf_directory()).as_posix(): sorted(path.stem for path in folder.glob("*.yaml"))
        for folder in folders
    }


def _choices_with(key: str) -> str:
    """Return the choices of a key's group whose files have it, as `network=grid or ring`; an empty text if none has."""
    group, _, name = key.partition(".")
    files = [conf_directory() / group / f"{choice}.yaml" for choice in _groups().get(group, ())]
    having = [path.stem for path in files if re.search(rf"^{re.escape(name)}:", path.read_text("utf-8"), re.MULTILINE)]
    return f"{group}={' or '.join(having)}" if having else ""


def _choices_by_class(group: str) -> dict[str, str]:
    """Return choices of a group by the module of their first class, for modules that no choice is named after."""
    found: dict[str, str] = {}
    for name in _groups().get(group, ()):
        text = (conf_directory() / group / f"{name}.yaml").read_text(encoding="utf-8")
        modules = re.findall(r"_target_: ceas_ray\.\w+\.(\w+)\.", text)
        if modules and modules[0] not in _groups()[group] and len(name) < len(found.get(modules[0], name + " ")):
            found[modules[0]] = name
    return found


def _keys_of(config: Mapping[Any, Any], prefix: str = "") -> Iterable[str]:
    for name, value in config.items():
        key = f"{prefix}{name}"
        yield key
        if isinstance(value, Mapping):
            yield from _keys_of(value, f"{key}.")
