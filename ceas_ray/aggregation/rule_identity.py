"""The identity of an aggregation rule, which decided values name: no two rules are ever taken for each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any


def rule_identity(aggregation: Mapping[str, Any], contents: Mapping[str, str]) -> bytes:
    """Return the digest of a rule's classes and arguments, whatever their order, and of the files among them.

    aggregation: rule, weights, cap and the other settings of their group. contents: the hash of every input file by its
    key (`aggregation.rule.table`), which stands for its path: the same file elsewhere is the same rule.
    """
    named = _without_paths(aggregation, "aggregation", contents)
    return blake2b(json.dumps(named, sort_keys=True).encode(), digest_size=16).digest()


def _without_paths(node: Mapping[str, Any], key: str, contents: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: _without_paths(value, f"{key}.{name}", contents) if isinstance(value, Mapping)
        else contents.get(f"{key}.{name}", value)
        for name, value in node.items()
    }  # fmt: skip
