"""What must hold of whole replicas, round after round: of what they say, decide, and make of the inputs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from ceas_ray.consensus.exploration.violation import Violation
from ceas_ray.consensus.exploration.voting_invariants import VotingInvariants
from ceas_ray.consensus.rule_three import evidence_of
from ceas_ray.consensus.tetrabft import Decision, Output
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.frames import FrameKind
from ceas_ray.messages.payloads import RoundDecided

_TOLD = frozenset({FrameKind.PROOF, FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4})
_VIEWS = 256
SETTLED = 6.0
"""Delta after the calm: what was locked before it is echoed and fetched by then."""


def honest_input(processor: int, round_index: int) -> int:
    """What an honest processor sends; no two inputs are the same."""
    return 1 + processor + 1000 * round_index


class _AllBut:
    """All values but those that a liar made up."""

    def __init__(self, poisoned: set[bytes]) -> None:
        self._poisoned = poisoned

    def __contains__(self, value: object) -> bool:
        return value not in self._poisoned


class RoundsJudge:
    """An observer of honest replicas; raises `Violation`. Element k of the model is what processor k sent last."""

    def __init__(
        self, replicas: int, rounds: int, honest: Collection[int], processors: int, least_entries: int,
        liars: Collection[int], poisoned: set[bytes], calm_at: float, judges_views: bool,
    ) -> None:  # fmt: skip
        """liars: processors. poisoned: values that no honest replica may vote for."""
        self._honest, self._processors, self._least_entries, self._liars = honest, processors, least_entries, liars
        self.invariants = [
            VotingInvariants(
                replicas, honest, [(t + view) % replicas for view in range(_VIEWS)], _AllBut(poisoned), calm_at,
                hears_all=False,
            )
            for t in range(rounds)
        ]  # fmt: skip
        self._replicas, self._calm_at, self._judges_views = replicas, calm_at, judges_views
        self._entered: list[dict[int, float]] = [{} for _ in range(rounds)]
        self._said: set[tuple[int, int, FrameKind, int, bytes]] = set()
        self.decided: list[dict[int, RoundDecided]] = [{} for _ in range(rounds)]

    @property
    def all_decided(self) -> bool:
        """Whether every honest replica has decided the last round."""
        return self.invariants[-1].all_decided

    def said(self, replica: int, round_index: int, kind: FrameKind, view: int, body: bytes, now: float) -> None:
        """An honest replica sent a frame; the same one to others, or again, is nothing new."""
        key = (replica, round_index, kind, view, body)
        if kind in _TOLD and key not in self._said:
            self._said.add(key)
            content = evidence_of(decode(body)) if kind == FrameKind.PROOF else decode(body)
            if kind == FrameKind.PROOF:
                self._enters(replica, round_index, view, now)
            self.invariants[round_index].acted(replica, [Output(kind, view, content)], now)

    def _enters(self, replica: int, round_index: int, view: int, now: float) -> None:
        """The view before this one is lost if nobody has decided; after the calm no honest leader's may be."""
        entered = self._entered[round_index]
        before = entered.get(view - 1)
        lost = view not in entered and not self.decided[round_index]
        entered.setdefault(view, now)
        leader = (round_index + view - 1) % self._replicas
        if before is None or before < self._calm_at + SETTLED:
            return
        if self._judges_views and lost and leader in self._honest:
            told = f"view {view - 1} of round {round_index}, entered at {before:.2f}, left at {now:.2f}"
            raise Violation("no view of an honest leader is lost", told)

    def heard(self, replica: int, sender: int, round_index: int, kind: FrameKind, view: int, body: bytes) -> None:
        """An honest replica accepted a frame of another replica."""
        if kind in _TOLD and kind != FrameKind.PROOF:
            value = _vote(body)
            if value is not None:
                self.invariants[round_index].heard(replica, sender, kind, view, value)

    def decides(self, replica: int, decided: RoundDecided, now: float) -> list[Decision]:
        """External validity: the model is what the pure function makes of inputs as they were sent."""
        decisions, t, who = [Decision(decided.digest, decided.view)], decided.round_index, f"replica {replica}"
        self.invariants[t].acted(replica, decisions, now)
        if not decided.skipped and len(decided.processors) < self._least_entries:
            raise Violation("external validity", f"{who} decides on {len(decided.processors)} entries")
        last = self._agreed(t - 1)
        before = np.zeros(self._processors) if last is None else np.asarray(last.model)
        for k, found in enumerate(np.asarray(decided.model)):
            wanted = honest_input(k, t) if k in decided.processors else before[k]
            if found != wanted and not (k in self._liars and k in decided.processors):
                raise Violation("no altered honest input", f"{who}: element {k} is {found}, must be {wanted}")
        self._judge_quarantine(who, decided, () if last is None else last.quarantined)
        for other in self.decided[t].values():
            if _held(other) != _held(decided):
                raise Violation("the same model digest on every honest node", who)
        self.decided[t][replica] = decided
        return decisions

    def _agreed(self, round_index: int) -> RoundDecided | None:
        """What honest replicas decided in a round, as the first of them did."""
        return None if round_index < 0 else next(iter(self.decided[round_index].values()))

    def _judge_quarantine(self, who: str, decided: RoundDecided, before: tuple[int, ...]) -> None:
        if not {*decided.quarantined} <= {*self._liars}:
            raise Violation("no honest processor in quarantine", f"{who}: {decided.quarantined}")
        if not {*before} <= {*decided.quarantined} or {*before} & {*decided.processors}:
            raise Violation("a quarantine lasts", f"{who}: {decided.quarantined} after {before}")

    def ended(self, now: float) -> None:
        """Nothing is left to happen, or the time is over."""
        for t, of_round in enumerate(self.invariants):
            if not self.decided[t]:
                raise Violation("termination", f"round {t} has no decision at {now:.0f}")
            if of_round is self.invariants[-1]:
                of_round.ended(now)


def _held(decided: RoundDecided) -> bytes:
    return encode((np.asarray(decided.model), decided.quarantined))


def _vote(body: bytes) -> Any:
    """A vote's value; None for malformed ones."""
    try:
        value = decode(body)
    except ValueError:
        return None
    return value if isinstance(value, bytes) else None
