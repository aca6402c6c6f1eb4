"""YAML files of a folder that others may have written to: plain values, without aliases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ceas_ray.tracking.plain_files import content_of

_MAX_BYTES = 2**20


class _NoAliasLoader(yaml.SafeLoader):
    """Plain YAML without aliases: a few of them, nested, would stand for more than any memory holds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        return super().compose_node(parent, index)


def read_yaml(path: Path) -> Any:
    """Return what a file holds. Raises yaml.YAMLError and ValueError for what is no such YAML, and OSError for more
    than a megabyte and for whatever is no plain file."""
    return yaml.load(content_of(path, _MAX_BYTES).decode(), _NoAliasLoader)
