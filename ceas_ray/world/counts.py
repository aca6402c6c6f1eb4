"""The number of actors of each kind, and of the Byzantine ones among them."""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.config.schema import RunSettings


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Numbers that follow from settings alone.

    group_size: how many processors share a circuit (1 where each runs its own). parties: groups, or processors where
    each is alone; a party is one simulated actor and sends one row. tolerated_rows: Byzantine rows that the aggregation
    rule is set to tolerate.
    """

    group_size: int
    parties: int
    byzantine_parties: int
    replicas: int
    byzantine_replicas: int
    tolerated_rows: int

    @property
    def key_paths(self) -> int:
        """Paths on which keys are distilled: between parties and replicas, and among replicas."""
        return self.parties * self.replicas + self.replicas * (self.replicas - 1) // 2


def counts_of(settings: RunSettings) -> Counts:
    """Return the numbers of any settings that fit the schema, those that `checks` refuses included."""
    processors, consensus = settings.processors.count, settings.consensus
    group_size = settings.training.processors_per_group if settings.training.partition != "data" else 1
    parties = max(1, processors // group_size)
    return Counts(
        group_size=group_size,
        parties=parties,
        byzantine_parties=round(parties * settings.attacks.fraction),
        replicas=processors if consensus.committee == "processors" else consensus.committee_size or 0,
        byzantine_replicas=settings.attacks.replicas,
        tolerated_rows=int(parties * settings.aggregation.byzantine_fraction),
    )
