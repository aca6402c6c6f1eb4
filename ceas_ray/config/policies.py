"""Policies that settings name by `_target_`: rules, weights, attacks, schedulers, networks."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, cast, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from ceas_ray.config import renamed
from ceas_ray.config.errors import NOTHING, SettingsError, UnusableSettings, blame_on
from ceas_ray.config.setting_types import PathText
from ceas_ray.config.validation import joined, refusal, unknown_key
from ceas_ray.kernel.input_file import InputFile

POLICIES = "ceas_ray.policies"
"""The entry point group by which an installed package registers itself: `[project.entry-points."ceas_ray.policies"]`"""


def registered_packages() -> tuple[str, ...]:
    """Return the packages whose policies settings may name: this one, and installed ones with an entry point in
    POLICIES.
    """
    return _registered(tuple(sys.path))


@cache
def _registered(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the packages that the folders of Python's path register. They are read once, because that takes long."""
    others = {entry.value.partition(":")[0].partition(".")[0] for entry in entry_points(group=POLICIES)}
    return ("ceas_ray", *sorted(others - {"ceas_ray"}))


def own_folders() -> tuple[Path, ...]:
    """Return the folders that may hold a user's own modules: the working folder, and those that PYTHONPATH names.

    The `working_dir` and the `py_modules` of a Ray job are among them. A run folder, or a folder in one, never is.
    """
    named = [Path(entry).absolute() for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    return tuple(folder for folder in (Path.cwd(), *named) if not _is_of_a_run(folder))


def _is_of_a_run(folder: Path) -> bool:
    return any((place / "journal.jsonl").exists() for place in (folder, *folder.parents))


def own_package(package: str) -> ModuleSpec | None:
    """Return where a top-level module or package lies in `own_folders`; None if it is not there."""
    if not package.isidentifier() or package in sys.builtin_module_names:
        return None
    found = PathFinder.find_spec(package, [str(folder) for folder in own_folders()])
    return found if found is not None and found.origin is not None else None


def own_packages(targets: Iterable[str]) -> tuple[str, ...]:
    """Return the packages and modules of `own_folders` that hold these classes; targets: as `package.module.Name`."""
    packages = {target.partition(".")[0] for target in targets}
    return tuple(sorted(packages - {*registered_packages()}))


Reader = Callable[[str, str], InputFile]
"""Function that reads the file at the path that a setting gives: read(key, path)."""


def read_input(key: str, path: str) -> InputFile:
    """Read the file at `path`. Raises SettingsError for `key` if it cannot be read."""
    try:
        return InputFile.read(path)
    except ValueError as error:
        raise SettingsError(key, str(error), path) from None


def instantiate(node: Mapping[str, Any], key: str, kind: type | None = None, read: Reader = read_input) -> Any:
    """Return the object that a `_target_` mapping describes, nested ones first.

    Only policy classes (dataclasses) that are defined in this package or a registered one are allowed; anything else is
    refused by its name, without being imported. Arguments must have the types and ranges that the class declares. kind:
    the protocol or base class that the policy must be of (None: any). A field of type `InputFile` is given as a path,
    which `read` reads.
    """
    policy = _policy_class(node.get("_target_"), key)
    if kind is not None and not _is_of(policy, kind):
        must = _requirement(kind)
        raise SettingsError(f"{key}._target_", must, node["_target_"])
    for former, present in renamed.CLASS_ATTRIBUTES.items():
        if hasattr(policy, former):
            reason = f"{_path(policy)} states {former}, which must be named {present}"
            raise UnusableSettings(f"{key}._target_", reason)
    given = {str(name): value for name, value in node.items() if name != "_target_"}
    hints = blame_on(key, lambda: _hints_of(policy))
    names = [field.name for field in fields(policy) if field.init]
    for name in given:
        if name not in names:
            raise SettingsError(joined(key, name), unknown_key(joined(key, name), [joined(key, n) for n in names]),
                                given[name])  # fmt: skip
    for field in fields(policy):
        if field.init and field.default is MISSING and field.default_factory is MISSING and field.name not in given:
            raise SettingsError(joined(key, field.name), "given", NOTHING)
    arguments = {name: _argument(value, hints[name], joined(key, name), read) for name, value in given.items()}
    return blame_on(key, lambda: _made(policy, arguments))


def _made(policy: Any, arguments: Mapping[str, Any]) -> Any:
    """Return the policy. Raises ValueError for any exception of its constructor, which may be a user's own code."""
    try:
        return policy(**arguments)
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"{_path(policy)} cannot be made: {type(error).__name__}: {error}") from error


def _path(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _policy_class(target: Any, key: str) -> Any:
    packages = registered_packages()
    must = f"a class within {' or '.join(packages)}, or within a module in the working folder"
    package = target.partition(".")[0] if isinstance(target, str) else ""
    own = None if package in packages else own_package(package)
    if package not in packages and own is None:
        raise SettingsError(f"{key}._target_", must, target)
    if target in renamed.TARGETS:
        raise SettingsError(f"{key}._target_", renamed.TARGETS[target], target)
    module, _, name = target.rpartition(".")
    try:
        found = getattr(_imported(module, own), name)
    except (ImportError, AttributeError, ValueError):
        raise SettingsError(f"{key}._target_", must, target) from None
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise UnusableSettings(f"{key}._target_", f"{module} cannot be imported: {why}") from None
    defined_in = found.__module__.partition(".")[0] if isinstance(found, type) else ""
    if not is_dataclass(found) or defined_in not in (*packages, package):
        raise SettingsError(f"{key}._target_", "a policy class (a dataclass)", target)
    return found


def _imported(module: str, own: ModuleSpec | None) -> ModuleType:
    """Import and return a module. own: its package in `own_folders`. Raises ImportError if Python has another one."""
    if own is not None:
        folder = str(Path(str(own.origin)).parent if own.submodule_search_locations is None else
                     Path(str(own.origin)).parent.parent)  # fmt: skip
        if folder not in sys.path:
            sys.path.append(folder)
        if getattr(importlib.import_module(own.name), "__file__", None) != own.origin:
            raise ImportError(f"Python has another module {own.name}")
    return importlib.import_module(module)


def function_target(text: Any) -> str | None:
    """Return `package.module.function` of a text `package.module:function`; None for any other text, such as a path."""
    module, _, name = str(text).partition(":")
    is_module = all(map(str.isidentifier, module.split("."))) and not module.endswith(".py")
    return f"{module}.{name}" if is_module and name.isidentifier() else None


def imported_function(target: str, key: str) -> Callable[..., Any]:
    """Return the function `package.module.function`, of a registered package or of a module in `own_folders`.

    Raises SettingsError for `key` if there is none, or if its module cannot be imported.
    """
    module, _, name = target.rpartition(".")
    package = module.partition(".")[0]
    registered = package in registered_packages()
    own = None if registered else own_package(package)
    try:
        found = getattr(_imported(module, own), name) if registered or own is not None else None
    except (ImportError, AttributeError) as error:
        raise UnusableSettings(key, f"{module} has no {name} that can be imported: {error}") from None
    except Exception as error:
        raise UnusableSettings(key, f"{module} cannot be imported: {type(error).__name__}: {error}") from None
    if not callable(found):
        must = f"a function of a module in the working folder or on PYTHONPATH, or within {registered_packages()[0]}"
        raise SettingsError(key, must, f"{module}:{name}")
    return cast("Callable[..., Any]", found)


def _is_of(policy: type, kind: type) -> bool:
    """Return whether the class is a subclass of `kind`, or has the methods of a protocol with as many parameters
    each."""
    if not getattr(kind, "_is_protocol", False):
        return issubclass(policy, kind)
    return all(
        callable(found := getattr(policy, name, None))
        and len(inspect.signature(found).parameters) == len(inspect.signature(method).parameters)
        for name, method in _methods_of(kind).items()
    )


def _methods_of(protocol: type) -> dict[str, Callable[..., Any]]:
    """Return the methods that a protocol asks for, by name."""
    own = ("__init__", "__subclasshook__", "_no_init_or_replace_init")
    return {name: value for name, value in vars(protocol).items() if inspect.isfunction(value) and name not in own}


def _requirement(kind: type) -> str:
    """Return in words what a policy of this kind must be: a subclass, or a class with the methods of a protocol."""
    if not getattr(kind, "_is_protocol", False):
        return f"a subclass of {_path(kind)}"
    methods = [
        f"{name}({', '.join(parameter for parameter in inspect.signature(method).parameters if parameter != 'self')})"
        for name, method in _methods_of(kind).items()
    ]
    return f"a policy that can be {kind.__name__}, with {' and '.join(methods)}"


def _hints_of(policy: type) -> dict[str, Any]:
    try:
        return get_type_hints(policy, include_extras=True)
    except Exception as error:
        raise ValueError(f"the annotations of {policy.__name__} must name types that can be found ({error})") from None


def _argument(value: Any, hint: Any, key: str, read: Reader) -> Any:
    """Return an argument as its annotation requires: a number in its range, a text, a file, or another policy."""
    kind = hint if isinstance(hint, type) else None
    if isinstance(value, Mapping):
        return instantiate(value, key, kind if getattr(kind, "_is_protocol", False) else None, read)
    if getattr(kind, "_is_protocol", False):
        raise SettingsError(key, "a mapping with _target_", value)
    adapter: TypeAdapter[Any] = TypeAdapter(
        PathText if hint is InputFile else hint,
        config=ConfigDict(strict=True, allow_inf_nan=False, arbitrary_types_allowed=True),
    )
    try:
        checked = adapter.validate_python(value)
    except ValidationError as error:
        raise refusal(error, key, []) from None
    return read(key, checked) if hint is InputFile else checked
