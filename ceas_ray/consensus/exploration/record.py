"""The record of what happened in a scenario, for the chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Record(Protocol):
    """Receives everything that happens, in the order of time (Delta)."""

    def happened(self, now: float, entity: int, *, sender: int, kind: int, view: int, content: Any) -> None:
        """Note that a message arrived, or that a timer (sender < 0) ran out."""

    def acted(self, now: float, entity: int, actions: Sequence[Any]) -> None:
        """Note what an entity did about it."""

    def note(self, now: float, entity: int, text: str) -> None:
        """Note something else."""
