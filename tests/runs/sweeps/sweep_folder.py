"""What a sweep leaves in its folder, as its tests read it; and a rule that fails where it is told to."""

from __future__ import annotations

import csv
from pathlib import Path

RULE = (
    "from dataclasses import dataclass\nimport numpy as np\n\n\n@dataclass(frozen=True)\nclass Mine:\n"
    "    fails: bool\n\n    def __call__(self, updates, weights, faults):\n"
    "        if self.fails:\n            raise RuntimeError('too large')\n"
    "        return np.mean(updates, axis=0)\n"
)


def rows(folder: Path) -> list[dict[str, str]]:
    """The rows of the table of results."""
    return list(csv.DictReader((folder / "results.csv").open()))
