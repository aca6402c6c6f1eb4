"""What the schema and the policies ask for, key by key: for tests that walk over all of it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import is_dataclass
from types import ModuleType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from ceas_ray import aggregation, attacks, network, scheduling
from ceas_ray.config.conf_path import conf_directory
from ceas_ray.config.schema import RunSettings

Leaf = tuple[str, Any, tuple[Any, ...]]
"""A key, its plain type (None left out), and the metadata of its annotation."""


def leaves(model: type[BaseModel], within: str = "") -> Iterator[Leaf]:
    """Every key of a schema that is no group."""
    for name, hint in get_type_hints(model, include_extras=True).items():
        if name in model.model_fields:
            yield from leaves_of(hint, f"{within}.{name}" if within else name)


def leaves_of(hint: Any, key: str, extras: tuple[Any, ...] = ()) -> Iterator[Leaf]:
    """The leaves that an annotation stands for: one for every type that it allows."""
    if get_origin(hint) is Annotated:
        inner, *more = get_args(hint)
        yield from leaves_of(inner, key, (*extras, *more))
    elif get_origin(hint) in (Union, UnionType):
        for option in get_args(hint):
            if option is not type(None):
                yield from leaves_of(option, key, extras)
    elif isinstance(hint, type) and issubclass(hint, BaseModel):
        yield from leaves(hint, key)
    else:
        yield key, hint, extras


LEAVES = list(leaves(RunSettings))


def _policy_classes(package: ModuleType) -> Iterator[type]:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(found.name)
        for value in vars(module).values():
            if isinstance(value, type) and is_dataclass(value) and value.__module__ == module.__name__:
                yield value


POLICIES = sorted(
    {
        policy
        for package in (aggregation, attacks, network, scheduling)
        for policy in _policy_classes(package)
        if any(
            f"{policy.__module__}.{policy.__name__}" in path.read_text() for path in conf_directory().rglob("*.yaml")
        )
    },
    key=lambda policy: policy.__name__,
)
"""The classes of policies that `conf/` names."""
