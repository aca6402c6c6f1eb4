"""Measures of how well Byzantine rows were told from honest ones."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import astuple, dataclass
from typing import Any

from ceas_ray.aggregation.rule import DUST


@dataclass
class Detection:
    """Counts of rows in a round, or summed over rounds.

    A row is flagged if its effective weight in the aggregate is zero (see `Weighing`), or if its processor is in
    quarantine. What that says depends on the rule: one that removes rows (filters, `multi_krum`,
    `divide_and_conquer`) or discounts them to zero detects; one that takes each coordinate for itself flags a row that
    it uses in no coordinate; `krum` flags all rows but one; mixing and clipping hardly ever leave a row no weight at
    all, nor do means. Rounds that were skipped, and all rounds of a rule that gives no effective weights, do not count.

    rounds: how many. rows: those that entered, and those of processors in quarantine. byzantine_rows, flagged: how
    many of them are; flagged_byzantine: both. byzantine_weight: effective weight of the Byzantine rows, summed.
    """

    rounds: int = 0
    rows: int = 0
    byzantine_rows: int = 0
    flagged: int = 0
    flagged_byzantine: int = 0
    byzantine_weight: float = 0.0

    @classmethod
    def of_round(cls, weights: dict[int, float], quarantined: Collection[int], byzantine: Collection[int]) -> Detection:
        """Judge a round. weights: effective weight of each row that entered, by its sender."""
        rows = {*weights, *quarantined}
        flagged = {*quarantined, *(sender for sender, weight in weights.items() if weight <= DUST)}
        bad = rows & {*byzantine}
        return cls(
            rounds=1,
            rows=len(rows),
            byzantine_rows=len(bad),
            flagged=len(flagged),
            flagged_byzantine=len(flagged & bad),
            byzantine_weight=float(sum(weights.get(sender, 0.0) for sender in sorted(bad))),
        )

    def __add__(self, other: Detection) -> Detection:
        """Return the sums of both."""
        return Detection(*(mine + more for mine, more in zip(astuple(self), astuple(other), strict=True)))

    @property
    def precision(self) -> float | None:
        """The share of flagged rows that are Byzantine; None where none was flagged."""
        return self.flagged_byzantine / self.flagged if self.flagged else None

    @property
    def recall(self) -> float | None:
        """The share of Byzantine rows that were flagged; None where there was none."""
        return self.flagged_byzantine / self.byzantine_rows if self.byzantine_rows else None

    def line(self) -> dict[str, float]:
        """Return what the journal says of a round: what is unknown is left out."""
        shares = {"detection_precision": self.precision, "detection_recall": self.recall}
        counts: dict[str, float] = {"flagged": self.flagged, "flagged_byzantine": self.flagged_byzantine}
        counts |= {name: share for name, share in shares.items() if share is not None}
        return counts | {"effective_weight_byzantine": self.byzantine_weight}

    def summary(self) -> dict[str, Any]:
        """Return what the summary says of all rounds; effective_weight_byzantine: mean over the rounds."""
        return {
            "rounds": self.rounds,
            "rows": self.rows,
            "byzantine_rows": self.byzantine_rows,
            "flagged": self.flagged,
            "flagged_byzantine": self.flagged_byzantine,
            "precision": self.precision,
            "recall": self.recall,
            "effective_weight_byzantine": self.byzantine_weight / self.rounds if self.rounds else None,
        }
