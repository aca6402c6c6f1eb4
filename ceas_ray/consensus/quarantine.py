"""Quarantine: processors named by a decided value enter no later round. Ours.

A conviction rests on what echoes say, never on what one replica saw alone. An accused processor enters the quarantine
by a decided value, which names it as it names entries: Q echoes to propose, B to accept. No safety rule depends on it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ceas_ray.consensus.echoes import Echoes, ItemKind, accusation_item


def is_convicted(processor: int, echoes: Echoes) -> bool:
    """Return whether B replicas echo one digest of a processor and B another. The first honest echoer of each had it
    from the processor itself, so the processor sent both.
    """
    return echoes.count_acceptable(ItemKind.UPDATE, processor) > 1


def accused_after(accused: Sequence[int], quarantined: Sequence[int]) -> tuple[int, ...]:
    """Return whom a replica goes on to accuse after a round: those whom no decided value has named."""
    return tuple(sorted({*accused} - {*quarantined}))


def accusations_to_propose(processors: int, quarantined: Sequence[int], echoes: Echoes) -> tuple[int, ...]:
    """Return the processors outside the quarantine whom Q replicas accuse."""
    return tuple(
        k for k in range(processors) if k not in quarantined and echoes.is_proposable(accusation_item(k))
    )  # fmt: skip


def are_acceptable(accused: Sequence[int], quarantined: Sequence[int], echoes: Echoes) -> bool:
    """Return whether B replicas accuse each of them, one of them honest, and none is in quarantine already."""
    return not {*accused} & {*quarantined} and all(echoes.is_acceptable(accusation_item(k)) for k in accused)
