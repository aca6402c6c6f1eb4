"""Configurations of the jobs of a sweep: of those that differ in plain values alone, one is composed.

Hydra composes each from all its files anew, which takes longer than anything else that a short job waits for.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Container, Mapping, Sequence
from functools import cached_property
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ceas_ray.config.command_line import key_named_by, parsed_word

_KEPT = 8
"""Composed configurations that are kept: jobs may have the choices of groups of any of them."""
_KEY = re.compile(r"\w+(?:\.\w+)*")
_NAMES_OVERRIDES = re.compile(r"\$\{hydra[.:](?:job\.override_dirname|overrides)")
"""Interpolations of what the overrides of a job are, not of what they change."""
_PLAIN = (str, int, float, bool, type(None))


class ComposedConfigs:
    """Returns the configurations that overrides lead to, with Hydra's own part. compose: lets Hydra compose one."""

    def __init__(self, compose: Callable[[Sequence[str]], DictConfig]) -> None:
        self._compose = compose
        self._kept: deque[_Kept] = deque(maxlen=_KEPT)

    def of(self, words: Sequence[str]) -> DictConfig:
        """Return the configuration with these overrides. A later call may change it."""
        kept = self._changed(words) or _Kept(self._compose(words), words)
        self._kept.appendleft(kept)
        return kept.config

    def _changed(self, words: Sequence[str]) -> _Kept | None:
        """Take out a configuration that has these overrides once some of its values are changed, and return it."""
        for kept in [*self._kept]:
            changes = kept.changes(words)
            if changes is None or kept.names_overrides:
                continue
            self._kept.remove(kept)
            if kept.change(changes, words):
                return kept
        return None


class _Kept:
    """A configuration that Hydra composed, and whose values now are those of the overrides `words`."""

    def __init__(self, config: DictConfig, words: Sequence[str]) -> None:
        self.config, self._words = config, words

    @cached_property
    def names_overrides(self) -> bool:
        """Whether parts of it name its overrides, and not only what these change."""
        return _NAMES_OVERRIDES.search(OmegaConf.to_yaml(self.config)) is not None

    def changes(self, words: Sequence[str]) -> dict[str, Any] | None:
        """Return the values that lead to these overrides; None if values alone do not."""
        return _value_changes(self._words, words, self.config.hydra.runtime.choices)

    def change(self, changes: Mapping[str, Any], words: Sequence[str]) -> bool:
        """Give it these values, as Hydra would; return whether it took all of them. It is of no use if it did not."""
        try:
            for key, value in changes.items():
                OmegaConf.update(self.config, key, value, merge=True)
        except OmegaConfBaseException:
            return False
        task: Any = OmegaConf.to_container(self.config.hydra.overrides.task)
        new = dict(zip(self._words, words, strict=True))
        self.config.hydra.overrides.task = [new.get(word, word) for word in task]
        OmegaConf.clear_cache(self.config)  # results of resolvers, which are kept by what they are called with
        self._words = words
        return True


def _value_changes(before: Sequence[str], words: Sequence[str], groups: Container[str]) -> dict[str, Any] | None:
    """Return the values, by their keys, in which two lines of overrides differ; None if they differ in anything else.

    Choices of these groups, keys that are added or deleted, lists and mappings are no plain values, and neither is one
    of which another override of the line has a part.
    """
    keys = [key_named_by(word) for word in words]
    if keys != [key_named_by(word) for word in before]:
        return None
    changes = {}
    for key, old, new in zip(keys, before, words, strict=True):
        if old == new:
            continue
        overrides = parsed_word(old), parsed_word(new)
        stands_alone = sum(_overlap(key, other) for other in keys) == 1
        is_own = key not in groups and not key.startswith("hydra.")
        if not (stands_alone and is_own and all(map(_is_plain, overrides))):
            return None
        changes[key] = overrides[1].value()
    return changes


def _is_plain(override: Override) -> bool:
    written = override.input_line is not None and _KEY.fullmatch(override.input_line.partition("=")[0]) is not None
    return written and not override.is_sweep_override() and isinstance(override.value(), _PLAIN)


def _overlap(key: str, other: str) -> bool:
    return f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}.")
