"""Policies that settings name by `_target_`: rules, weights, attacks, schedulers, networks."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from importlib.metadata import entry_points
from typing import Any, get_type_hints

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.validation import joined, plain_value
from ceas_ray.kernel.input_file import InputFile

POLICIES = "ceas_ray.policies"
"""The entry point group by which an installed package registers itself: `[project.entry-points."ceas_ray.policies"]`"""


def registered_packages() -> tuple[str, ...]:
    """The packages whose policies settings may name: this one, and installed ones with an entry point in POLICIES."""
    others = {entry.value.partition(":")[0].partition(".")[0] for entry in entry_points(group=POLICIES)}
    return ("ceas_ray", *sorted(others - {"ceas_ray"}))


Reader = Callable[[str, str], InputFile]
"""Reads the file at a path, which the setting of this key names."""


def read_input(key: str, path: str) -> InputFile:
    """Read the file at `path`; SettingsError of `key` if it cannot be read."""
    try:
        return InputFile.read(path)
    except ValueError as error:
        raise SettingsError(key, str(error), path) from None


def instantiate(node: Mapping[str, Any], key: str, read: Reader = read_input) -> Any:
    """The object that a `_target_` mapping describes, nested ones first. Only policy classes (dataclasses) that are
    defined in this package or a registered one; anything else is refused by its name, and nothing of it imported.
    A field of type `InputFile` is given as a path, and is what `read` makes of it.
    """
    target = node.get("_target_")
    packages = registered_packages()
    must = f"a class within {' or '.join(packages)}"
    if not isinstance(target, str) or target.partition(".")[0] not in packages:
        raise SettingsError(f"{key}._target_", must, target)
    module, _, name = target.rpartition(".")
    try:
        made = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        raise SettingsError(f"{key}._target_", must, target) from None
    if not is_dataclass(made) or not isinstance(made, type) or made.__module__.partition(".")[0] not in packages:
        raise SettingsError(f"{key}._target_", "a policy class (a dataclass)", target)
    arguments = {
        name: instantiate(value, joined(key, str(name)), read) if isinstance(value, Mapping) else value
        for name, value in node.items()
        if name != "_target_"
    }
    checked = _check_arguments(made, arguments, key, read)
    try:
        return made(**checked)
    except (TypeError, ValueError) as error:
        raise SettingsError(key, f"usable by {name}", f"{dict(arguments)}: {error}") from None


def _check_arguments(made: Any, arguments: Mapping[str, Any], key: str, read: Reader) -> dict[str, Any]:
    names = [field.name for field in fields(made)]
    for name in arguments:
        if name not in names:
            raise SettingsError(joined(key, str(name)), f"a known key (one of {', '.join(names)})", arguments[name])
    hints = get_type_hints(made)

    def checked(name: str, value: Any) -> Any:
        if hints[name] is InputFile:
            return read(joined(key, name), plain_value(str, value, joined(key, name), []))
        return plain_value(hints[name], value, joined(key, name), []) if hints[name] in _PLAIN else value

    return {name: checked(name, value) for name, value in arguments.items()}


_PLAIN = (int, float, str, bool)
