"""What one round at a replica has come to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class AgreementState:
    """finished: what was decided is adopted. stopped: nothing more is awaited. to_come_back: the replica recovered from
    a crash and must speak up once inputs may close.
    """

    finished: bool = False
    stopped: bool = False
    to_come_back: bool = False
