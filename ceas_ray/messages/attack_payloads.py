"""Messages between the adversary and the Byzantine processors that it moves."""

from __future__ import annotations

from ceas_ray.kernel.codec import message
from ceas_ray.messages.payloads import Floats


@message(kw_only=True)
class RowShown:
    """Processor to adversary: a colluder's honest row (d,) in 1/rad, or a copy of an honest update if the adversary is
    omniscient.
    """

    round_index: int
    processor: int
    row: Floats


@message(kw_only=True)
class SendRow:
    """Adversary to colluder: send this row (d,) as your update, or versions of it (versions, d) to the replicas in
    turn.

    timing: when it leaves, as in `attacks.attack.Timing`.
    """

    round_index: int
    row: Floats
    timing: str
