"""The inputs of a run beside its settings and the code of this package: the user's files and policies, read once."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from hashlib import blake2b
from importlib.machinery import all_suffixes
from pathlib import Path
from typing import Any

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.policies import function_target, read_input
from ceas_ray.kernel.input_file import InputFile


class RunInputs:
    """The inputs of one world: each is read once, hashed, and refused if another content is expected."""

    def __init__(self, expected: Mapping[str, Any]) -> None:
        """expected: the hash of every input by its key, as the run was started with; empty for a new run."""
        self._expected = expected
        self._digests: dict[str, str] = {}
        self._paths: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._notes: list[str] = []

    def read(self, key: str, path: str, part: str = "") -> InputFile:
        """Read the file that the setting `key` names; raises SettingsError if it cannot be read or is not the expected
        one.

        part: what the setting says after the path, such as `:function`.
        """
        file = read_input(key, path)
        self._paths[key] = file.path
        self._values[key] = file.path + part
        self._note(key, file.digest, file.path)
        return file

    def take(self, key: str, digest: str, where: str) -> None:
        """Take what `where` makes, by its hash, as an input of its own; raises SettingsError if it is not the expected
        one."""
        self._note(key, digest, where)

    def read_code(self, targets: Mapping[str, str]) -> None:
        """Hash the code of other packages whose classes settings name. targets: class by key, as `package.module.Name`.

        All modules of the package count, whatever imports them.
        """
        for package in sorted({target.partition(".")[0] for target in targets.values()} - {"ceas_ray"}):
            for name, path in sorted(modules_of(package).items()):
                self._note(name, blake2b(path.read_bytes(), digest_size=16).hexdigest(), str(path))
        for key, digest in self._expected.items():
            if key not in self._digests:
                raise SettingsError(key, f"there as when the run was started (content {digest})", "nothing")

    def _note(self, key: str, digest: str, where: str) -> None:
        if self._expected and self._expected.get(key) != digest:
            was = self._expected.get(key, "none")
            raise SettingsError(key, f"what the run was started with (content {was})", f"{where} (content {digest})")
        self._digests[key] = digest

    def note(self, lines: tuple[str, ...]) -> None:
        """Keep notes for the person who starts the run: how files were read, and what is not used."""
        self._notes.extend(lines)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return all notes, in the order of reading."""
        return tuple(self._notes)

    @property
    def digests(self) -> dict[str, str]:
        """The hash of every input by its key, or by its name for a module."""
        return dict(self._digests)

    @property
    def values(self) -> dict[str, str]:
        """Return the values of settings that name files, by their keys, with absolute paths."""
        return dict(self._values)

    @property
    def paths(self) -> dict[str, str]:
        """The absolute path of every input file by its key."""
        return dict(self._paths)


def modules_of(package: str) -> dict[str, Path]:
    """Return the files of an imported package, or of a module, that hold code, by their names beside it."""
    module = sys.modules[package]
    folders = [Path(folder) for folder in getattr(module, "__path__", ())]
    if not folders:
        path = Path(str(module.__file__))
        return {path.name: path}
    suffixes = tuple(all_suffixes())
    return {
        f"{package}/{path.relative_to(folder).as_posix()}": path
        for folder in folders
        for path in folder.rglob("*")
        if path.name.endswith(suffixes) and "__pycache__" not in path.parts and path.is_file()
    }


def with_inputs(config: Mapping[str, Any], inputs: RunInputs) -> dict[str, Any]:
    """Return the settings in which every input file has its absolute path, and `inputs` the hash of each input."""
    made = dict(config)
    for key, value in inputs.values.items():
        made = _with(made, key.split("."), value)
    return made | {"inputs": inputs.digests}


def _with(config: Mapping[str, Any], path: list[str], value: str) -> dict[str, Any]:
    first, *rest = path
    return dict(config) | {first: _with(config[first], rest, value) if rest else value}


def targets_of(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return every `_target_` in these settings by its key, and the function that makes the circuit, where a module has
    it."""
    found: dict[str, str] = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            found |= targets_of(value, f"{prefix}{name}.")
        elif name == "_target_":
            found[prefix + name] = str(value)
        elif prefix + name == "training.circuit" and (target := function_target(value)) is not None:
            found[prefix + name] = target
    return found
