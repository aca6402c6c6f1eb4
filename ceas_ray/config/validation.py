"""From a composed configuration to checked settings: one clear line for whatever is wrong."""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ceas_ray.config.errors import SettingsError

T = TypeVar("T")


@dataclass(frozen=True)
class Range:
    """The numbers that a field may have: from `least` (not itself, if exclusive) to `most`."""

    least: float
    most: float | None = None
    exclusive: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.least if self.exclusive else value >= self.least
        return above and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        if self.most is None:
            return f"{'>' if self.exclusive else '>='} {self.least}"
        return f"in [{self.least}, {self.most}]"


def build(settings_class: type[T], config: Any, key: str = "") -> T:
    """An instance of a settings dataclass from nested mappings; SettingsError for the first thing that is wrong."""
    if not isinstance(config, Mapping):
        raise SettingsError(key, "a group of settings", config)
    hints = get_type_hints(settings_class, include_extras=True)
    names = [field.name for field in fields(settings_class)]  # type: ignore[arg-type]
    for name in config:
        if name not in names:
            near = difflib.get_close_matches(str(name), names, n=1)
            must = f"a known key{f' (did you mean {joined(key, near[0])}?)' if near else ''}"
            raise SettingsError(joined(key, str(name)), must, config[name])
    for name in names:
        if name not in config:
            raise SettingsError(joined(key, name), "given", "nothing")
    return settings_class(**{name: _value(hints[name], config[name], joined(key, name)) for name in names})


def joined(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _value(wanted: Any, value: Any, key: str) -> Any:
    origin = get_origin(wanted)
    if origin is Annotated:
        base, *extras = get_args(wanted)
        return _in_range(plain_value(base, value, key, extras), extras, key)
    if origin in (Union, types.UnionType):
        return _alternative(get_args(wanted), value, key)
    if origin is Literal:
        choices = get_args(wanted)
        if value not in choices:
            raise SettingsError(key, f"one of {', '.join(map(str, choices))}", value)
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise SettingsError(key, "a list", value)
        return tuple(_value(get_args(wanted)[0], item, f"{key}[{i}]") for i, item in enumerate(value))
    if origin is Mapping or origin is dict or (isinstance(origin, type) and issubclass(origin, Mapping)):
        if not isinstance(value, Mapping):
            raise SettingsError(key, "a mapping with _target_", value)
        return dict(value)
    if is_dataclass(wanted):
        return build(wanted, value, key)  # type: ignore[arg-type]
    return plain_value(wanted, value, key, [])


def _alternative(options: tuple[Any, ...], value: Any, key: str) -> Any:
    """What one of the options makes of the value; where none fits, what each would have wanted."""
    if value is None and type(None) in options:
        return None
    wanted = []
    for option in options:
        try:
            if option is not type(None):
                return _value(option, value, key)
        except SettingsError as error:
            if error.key != key:
                raise
            wanted.append(error.must)
    raise SettingsError(key, " or ".join(wanted), value)


_NAMES = {int: "an integer", float: "a number", str: "a text", bool: "true or false"}


def plain_value(wanted: Any, value: Any, key: str, extras: list[Any]) -> Any:
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    fits = isinstance(value, wanted) and not (wanted is int and isinstance(value, bool))
    if not fits or (wanted is float and value != value):
        limits = "".join(f" {extra}" for extra in extras if isinstance(extra, Range))
        raise SettingsError(key, _NAMES[wanted] + limits, value)
    return value


def _in_range(value: Any, extras: list[Any], key: str) -> Any:
    for extra in extras:
        if isinstance(extra, Range) and value not in extra:
            raise SettingsError(key, f"a number {extra}", value)
    return value
