"""Quarantine: processors whom enough replicas accuse of equivocation enter no later round. Ours.

Accusations are local evidence, said in echoes. What they lead to is part of a decided value, never of a safety rule.
"""

from __future__ import annotations

from collections.abc import Sequence

from ceas_ray.consensus.committee import Committee
from ceas_ray.consensus.inputs import Inputs


def accused_after(accused: Sequence[int], inputs: Inputs, quarantined: Sequence[int]) -> tuple[int, ...]:
    """Whom a replica accuses after a round: as before, and whom its echoes convict, but those in quarantine."""
    return tuple(sorted({*accused, *inputs.equivocators()} - {*quarantined}))


def quarantine_to_propose(quarantined: Sequence[int], inputs: Inputs, committee: Committee) -> tuple[int, ...]:
    """With those whom Q echoes accuse: then every honest replica hears B of them at least."""
    return tuple(sorted({*quarantined, *inputs.accused(committee.quorum)}))


def is_acceptable(proposed: Sequence[int], quarantined: Sequence[int], inputs: Inputs, committee: Committee) -> bool:
    """Whether nobody leaves the quarantine, and B echoes, one of them honest, accuse everybody who enters it."""
    return {*quarantined} <= {*proposed} <= {*quarantined, *inputs.accused(committee.blocking)}
