"""The error that a scenario raises when an invariant does not hold."""

from __future__ import annotations


class Violation(Exception):
    """An invariant of the specification does not hold. `invariant` names it; `what` says who did what."""

    def __init__(self, invariant: str, what: str) -> None:
        super().__init__(f"{invariant}: {what}")
        self.invariant, self.what = invariant, what
