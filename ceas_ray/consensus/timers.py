"""What a replica wakes itself up for."""

from __future__ import annotations

from enum import StrEnum


class ReplicaTimer(StrEnum):
    """Of one round. The first five are those of the input phase."""

    INPUTS_MAY_CLOSE = "may close"
    INPUTS_MUST_CLOSE = "must close"
    MAY_PROPOSE = "may propose"
    JUDGE_WHAT_LACKS = "judge"
    ECHOES_LEAVE = "echo"
    FETCHES_LEAVE = "fetch"
    VIEW_ENDS = "view"
