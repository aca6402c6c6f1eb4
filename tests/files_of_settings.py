"""Files of settings for tests: Hydra reads some twenty whenever it composes; here each is read when it has changed."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from typing import Any

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.core_plugins.importlib_resources_config_source import ImportlibResourcesConfigSource
from hydra.plugins.config_source import ConfigResult, ConfigSource

Loader = Callable[[Any, str], ConfigResult]


def read_when_changed() -> None:
    """Let Hydra keep what it reads of files and of packages, for the rest of this process."""
    for source in (FileConfigSource, ImportlibResourcesConfigSource):
        source.load_config = _keeping(source.load_config)


def _keeping(load: Loader) -> Loader:
    kept: dict[tuple[Any, ...], bytes] = {}

    def load_config(self: ConfigSource, config_path: str) -> ConfigResult:
        state = _state(os.path.join(self.path, self._normalize_file_name(config_path)))
        if (self.path, config_path, state) not in kept:
            kept[self.path, config_path, state] = pickle.dumps(load(self, config_path))
        found: ConfigResult = pickle.loads(kept[self.path, config_path, state])
        return found

    return load_config


def _state(path: str) -> tuple[int, ...]:
    """What changes with a file; nothing for one within a package, which does not change."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns
