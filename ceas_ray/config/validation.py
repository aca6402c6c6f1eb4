"""Validation of a composed configuration by the schema: one line for whatever is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ceas_ray.config import renamed
from ceas_ray.config.errors import NOTHING, SettingsError, UnusableSettings
from ceas_ray.config.nearest import nearest, or_nearest
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.synonyms import KEYS, synonyms_of

M = TypeVar("M", bound=BaseModel)

_MUST = {
    "missing": "given",
    "bool_type": "true or false",
    "string_type": "a text",
    "int_type": "an integer",
    "float_type": "a number",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a group of settings",
    "model_attributes_type": "a group of settings",
    "finite_number": "a finite number",
}
"""What pydantic's own errors ask for; ranges and named types of the schema say it themselves (`must`)."""


def build(settings: type[M], config: Any, within: str = "") -> M:
    """Return the settings in nested mappings. Raises SettingsError for what is wrong, for an unknown key first.

    within: the key of the configuration, where it is not that of a whole run.
    """
    try:
        return settings.model_validate(config)
    except ValidationError as error:
        raise refusal(error, within, known_keys(settings, within)) from None


def unusable(key: str, reason: str) -> UnusableSettings:
    """Return the error for settings that cannot be used; it names the key that begins the reason, or else `key`."""
    first = reason.split(maxsplit=1)[0].rstrip(":,") if reason.strip() else ""
    return UnusableSettings(first if first in known_keys() else key, reason)


def refusal(error: ValidationError, within: str, known: Sequence[str]) -> SettingsError:
    """Return the first of pydantic's errors (an unknown key before all others) in one line.

    within: the key of what was validated. known: all keys that exist in it.
    """
    details = error.errors(include_url=False)
    first = next((detail for detail in details if detail["type"] == "extra_forbidden"), details[0])
    key = _key(within, first["loc"])
    came = NOTHING if first["type"] == "missing" else first["input"]
    return SettingsError(key, _must(first, key, known), came)


def _key(within: str, location: tuple[int | str, ...]) -> str:
    key = within
    for part in location:
        key = f"{key}[{part}]" if isinstance(part, int) else joined(key, part)
    return key


def _must(detail: ErrorDetails, key: str, known: Sequence[str]) -> str:
    match detail["type"]:
        case "must":
            return detail["msg"]
        case "extra_forbidden":
            return unknown_key(key, known)
        case "literal_error":
            words = re.findall(r"'([^']*)'", detail["ctx"]["expected"])
            return or_nearest(f"one of {', '.join(words)}", str(detail["input"]), words, synonyms_of(key))
        case "too_long":
            return f"a list of at most {detail['ctx']['max_length']}"
        case other:
            return _MUST.get(other, detail["msg"])


def joined(key: str, name: str) -> str:
    """Return the dotted key of `name` in the group `key`."""
    return f"{key}.{name}" if key else name


def known_keys(settings: type[BaseModel] = RunSettings, within: str = "") -> list[str]:
    """Return all keys of a schema, with dots, those of groups included."""
    keys = []
    for name, field in settings.model_fields.items():
        key = joined(within, name)
        keys.append(key)
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, BaseModel):
                keys += known_keys(part, key)
    return keys


def unknown_key(key: str, known: Sequence[str]) -> str:
    """Return what an unknown key must be: its present name, or a known key, with the nearest one.

    The nearest is a synonym, or else the same name further down in the group, a key of the same group, a key of the
    same name in another group, or any other key.
    """
    if key in renamed.KEYS:
        values = f" ({renamed.VALUES[key]})" if key in renamed.VALUES else ""
        return f"named {renamed.KEYS[key]}{values}"
    known = [other for other in known if not other.endswith("_target_")]
    group, _, name = key.rpartition(".")
    synonyms = synonyms_of(KEYS)
    meant = synonyms.get(name, name)
    beside = {other.rpartition(".")[2]: other for other in known if other.rpartition(".")[0] == group}
    in_group = nearest(name, beside, synonyms)
    elsewhere = [] if meant == name or meant not in known else [meant]
    near = elsewhere if not group or meant.startswith(f"{group}.") else []
    near += [other for other in known if group and other.startswith(f"{group}.") and other.endswith(f".{name}")][:1]
    same_group = [] if in_group is None else [beside[in_group]]
    near += [*(same_group if group else []), *elsewhere]
    namesakes = [other for other in known if other.rpartition(".")[2] == meant]
    near += [nearest(key, namesakes) or namesakes[0]] if namesakes else []
    near += same_group
    near += [other for other in [nearest(key, [k for k in known if k != group], synonyms)] if other is not None]
    last_parts = {other.rpartition(".")[2]: other for other in reversed(known)}
    by_last_part = nearest(name, last_parts, synonyms) if group not in known else None
    near += [] if by_last_part is None else [last_parts[by_last_part]]
    return f"a known key{f' (did you mean {near[0]}?)' if near else ''}"
