"""What a host tells after a window: its status, its mail, and what was observed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ceas_ray.kernel.envelope import Mark
from ceas_ray.kernel.mail import Mail


@dataclass(frozen=True)
class HostStatus:
    """The state of a host that the others must know.

    bound: B(host), before which no envelope of its unhandled ones can cause a delivery elsewhere. next_at: its earliest
    unhandled envelope. promises: of all its actors, in their order. digests: of all its actors, in their order.
    """

    bound: int
    next_at: int
    promises: tuple[int, ...]
    digests: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandledEvent:
    """An entry of a timeline: an envelope that was handled, and when it was caused (its delivery, if that is not
    known)."""

    caused_at: int
    deliver_at: int
    sender: str
    receiver: str
    payload: str


@dataclass(frozen=True)
class SimulatedObservation:
    """What an actor observed (a message), and at which simulated time, ps."""

    time: int
    actor: str
    payload: Any


@dataclass(frozen=True)
class WindowReply:
    """The outcome of one window on one host."""

    status: HostStatus
    mail: Mapping[str, Mail]
    observations: tuple[SimulatedObservation, ...]
    mark: Mark | None
    handled: int
    work_seconds: float
    events: tuple[HandledEvent, ...] = ()
