"""The words that the field and other tools use for our keys, choices and values, from `conf/synonyms.txt`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ceas_ray.config.conf_path import conf_directory

FILE = "synonyms.txt"
KEYS = ""


def synonyms_of(group: str) -> Mapping[str, str]:
    """Return our word for each word of others, among the choices of a group or the values of a key; of keys: `KEYS`."""
    return _table().get(group, {})


@cache
def _table() -> Mapping[str, Mapping[str, str]]:
    """Return our words by those of others, by the group or key that they are choices or values of.

    Each line is `ours: word word ...`, where ours is a key, GROUP=CHOICE or KEY=VALUE; # begins a comment.
    """
    found: dict[str, dict[str, str]] = {}
    for line in (conf_directory() / FILE).read_text(encoding="utf-8").splitlines():
        ours, _, words = line.partition("#")[0].partition(":")
        group, is_choice, choice = ours.strip().partition("=")
        of_group = found.setdefault(group if is_choice else KEYS, {})
        of_group.update(dict.fromkeys(words.split(), choice if is_choice else group))
    return found
