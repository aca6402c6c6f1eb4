"""The timers of a replica."""

from __future__ import annotations

from ceas_ray.messages.payloads import TimerPurpose


class ReplicaTimer(TimerPurpose):
    """What a replica wakes itself up for, in one round. The first six belong to the input phase."""

    SILENCE_BEGINS = "silence"
    INPUTS_MAY_CLOSE = "may close"
    INPUTS_MUST_CLOSE = "must close"
    MAY_PROPOSE = "may propose"
    JUDGE_COMPLETENESS = "judge"
    ECHOES_LEAVE = "echo"
    FETCHES_LEAVE = "fetch"
    VIEW_ENDS = "view"
