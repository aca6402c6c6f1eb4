"""The invariants of whole replicas: what must hold of what they say, decide, and make of the inputs, in every round."""

from __future__ import annotations

from typing import Any

import numpy as np

from ceas_ray.consensus.committee import VIEW_TIMER_DELTAS
from ceas_ray.consensus.echoes import SKIP
from ceas_ray.consensus.exploration.replica_setting import PROCESSOR_FAULTS, PROCESSORS, ReplicaSetting
from ceas_ray.consensus.exploration.violation import Violation
from ceas_ray.consensus.exploration.voting_invariants import VotingInvariants
from ceas_ray.consensus.safety_rule import vote_history_of
from ceas_ray.consensus.voting_state import Decision, Output
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.consensus_payloads import RoundDecided
from ceas_ray.messages.frames import PACED_FRAMES, FrameKind

_JUDGED = frozenset({FrameKind.PROOF, FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4})
_VIEWS = 256
_MIN_ENTRIES = PROCESSORS - PROCESSOR_FAULTS
_PACE = 0.99
"""Delta; times are rounded."""
SETTLED = 6.0
"""Delta after the calm: what was locked before it is echoed and fetched by then."""


ASKS_WITHIN = 1.0 * VIEW_TIMER_DELTAS
"""Delta after the last loss: whoever missed something has asked for it by then."""


def honest_input(processor: int, round_index: int) -> int:
    """Return what an honest processor sends; no two inputs are the same."""
    return 1 + processor + 1000 * round_index


class _AllBut:
    """The set of all values except those that a liar made up."""

    def __init__(self, poisoned: set[bytes]) -> None:
        self._poisoned = poisoned

    def __contains__(self, value: object) -> bool:
        return value not in self._poisoned


class RoundInvariants:
    """Observes honest replicas and raises `Violation`. Element k of the model is what processor k sent last.

    poisoned: digests of values that no honest replica may vote for; liars add to it.
    """

    def __init__(self, setting: ReplicaSetting) -> None:
        self._setting, self._honest, self.poisoned = setting, setting.honest, set[bytes]()
        replicas, rounds = setting.replicas, setting.rounds
        self.invariants = [
            VotingInvariants(
                replicas,
                self._honest,
                leaders=[(t + view) % replicas for view in range(_VIEWS)],
                valid=_AllBut(self.poisoned),
                calm_at=setting.calm_at,
                hears_all=False,
            )
            for t in range(rounds)
        ]
        self._calm_at = setting.lost_until + ASKS_WITHIN if setting.lost else setting.calm_at
        self._blocking = setting.committee.blocking
        self._deciders: list[set[int]] = [set() for _ in range(rounds)]
        self._entered: list[dict[int, float]] = [{} for _ in range(rounds)]
        self._lost: set[tuple[int, int]] = set()
        self._said: set[tuple[int, int, FrameKind, int, bytes]] = set()
        self._told: dict[tuple[int, int], dict[int, bytes]] = {}
        self._echoed: dict[tuple[int, str, int], set[Any]] = {}
        self._paced: dict[tuple[int, str, int, FrameKind], tuple[float, int]] = {}
        self.decided: list[dict[int, RoundDecided]] = [{} for _ in range(rounds)]
        self._adopted: dict[int, tuple[int, Any]] = {}

    @property
    def all_decided(self) -> bool:
        """Whether every honest replica has decided the last round."""
        return self.invariants[-1].all_decided

    def is_disturbed(self, until: float) -> None:
        """Note that a replica is back, or that a round begins: from then on what was missed before is made good."""
        self._calm_at = max(self._calm_at, until)

    # --- what replicas say ----------------------------------------------------------

    def said(
        self, replica: int, peer: str, *, round_index: int, kind: FrameKind, view: int, body: bytes, now: float
    ) -> None:
        """Judge a frame that an honest replica sent; the same one to others, or again, is nothing new."""
        if kind == FrameKind.FETCH or (kind == FrameKind.ECHO and self._is_paced(replica, peer, round_index, body)):
            self._judge_pace((replica, peer, round_index, kind), now)
        elif kind == FrameKind.DECIDE:
            self._deciders[round_index].add(replica)
        if kind not in _JUDGED:
            return
        key = (replica, round_index, kind, view, body)
        if key not in self._said:
            self._said.add(key)
            content = vote_history_of(decode(body)) if kind == FrameKind.PROOF else decode(body)
            self.invariants[round_index].acted(replica, [Output(kind, view, content)], now)

    def _is_paced(self, replica: int, peer: str, round_index: int, body: bytes) -> bool:
        """Return whether an Echo says something new other than SKIP, which goes at once; the rest may be repeated."""
        items, said = {*decode(body)}, self._echoed.setdefault((replica, peer, round_index), set())
        fresh = items - said
        said |= items
        return bool(fresh) and SKIP not in fresh

    def _judge_pace(self, link: tuple[int, str, int, FrameKind], now: float) -> None:
        """Raise `Violation` if frames on a link are less than one Delta apart, or more than four leave in a view: what
        others say must not make a replica spend its keys.
        """
        last, left = self._paced.get(link, (-1.0, 0))
        kind, who = link[3].name, f"replica {link[0]} to {link[1]}, in round {link[2]}"
        if now < last + _PACE:
            raise Violation("Echoes and Fetches keep their pace", f"{kind} of {who} at {now:.2f} and {last:.2f}")
        if left == PACED_FRAMES:
            raise Violation("Echoes and Fetches keep their pace", f"{left + 1} {kind}s in a view, {who}, at {now:.2f}")
        self._paced[link] = now, left + 1

    def has_a_new_pace(self, replica: int) -> None:
        """Note that a replica enters a view, has waited for one as long as a view takes, or is back after a crash."""
        for link, (last, _) in self._paced.items():
            if link[0] == replica:
                self._paced[link] = last, 0

    def enters(self, replica: int, round_index: int, view: int, now: float) -> None:
        """Judge the view before the one that an honest replica enters.

        It is lost if fewer than B replicas have decided, since the others do not learn the decision from them. After
        the calm no view of an honest leader may be lost, and where there was trouble never two in a row.
        """
        entered = self._entered[round_index]
        if view in entered:
            return
        entered[view] = now
        before = entered.get(view - 1)
        leader = (round_index + view - 1) % self._setting.replicas
        decided = len(self._deciders[round_index]) >= self._blocking
        if before is None or before < self._calm_at + SETTLED or decided:
            return
        if self._setting.judges_views and leader in self._honest:
            self._lost.add((round_index, view - 1))
            if not self._setting.is_troubled or (round_index, view - 2) in self._lost:
                description = f"view {view - 1} of round {round_index}, entered at {before:.2f}, left at {now:.2f}"
                raise Violation("no view of an honest leader is lost", description)

    def heard(self, replica: int, sender: int, *, round_index: int, kind: FrameKind, view: int, body: bytes) -> None:
        """Take note of a frame that an honest replica accepted from another one."""
        if kind == FrameKind.DECIDE:
            value = _vote(body)
            if value is not None:
                self._told.setdefault((replica, round_index), {}).setdefault(sender, value)
        elif kind in _JUDGED and kind != FrameKind.PROOF:
            value = _vote(body)
            if value is not None:
                self.invariants[round_index].heard(replica, sender, kind=kind, view=view, value=value)

    def lacks(self, replica: int, round_index: int, past: bytes | None) -> None:
        """Judge a replica that lacks the model of the round before this one; past: the value that it knows was decided
        then. What B others have told it, it must know, whenever they did.
        """
        told = [*self._told.get((replica, round_index - 1), {}).values()]
        if past is None and any(told.count(value) >= self._blocking for value in told):
            raise Violation("what B replicas decided is known", f"replica {replica}, of round {round_index - 1}")

    def decides(self, replica: int, decided: RoundDecided, now: float) -> list[Decision]:
        """Judge external validity: the model is what the pure function makes of inputs as they were sent."""
        decisions, t, who = [Decision(decided.digest, decided.view)], decided.round_index, f"replica {replica}"
        self.invariants[t].acted(replica, decisions, now)
        if not decided.skipped and len({*decided.processors}) < max(_MIN_ENTRIES, len(decided.processors)):
            raise Violation("external validity", f"{who} decides on entries of {decided.processors}")
        if decided.skipped and t == 0 and self._setting.is_good:
            raise Violation("a good round is not skipped", who)
        last = self._agreed(t - 1)
        before = np.zeros(PROCESSORS) if last is None else np.asarray(last.model)
        for k, found in enumerate(np.asarray(decided.model)):
            wanted = honest_input(k, t) if k in decided.processors else before[k]
            if found != wanted and not (k in self._setting.liar_processors and k in decided.processors):
                raise Violation("no altered honest input", f"{who}: element {k} is {found}, must be {wanted}")
        self._judge_quarantine(who, decided, () if last is None else last.quarantined)
        for other in self.decided[t].values():
            if _held(other) != _held(decided):
                raise Violation("the same model digest on every honest node", who)
        self.decided[t][replica] = decided
        return decisions

    def _agreed(self, round_index: int) -> RoundDecided | None:
        """Return what honest replicas decided in a round, as the first of them reported it."""
        return None if round_index < 0 else next(iter(self.decided[round_index].values()))

    def _judge_quarantine(self, who: str, decided: RoundDecided, before: tuple[int, ...]) -> None:
        if not {*decided.quarantined} <= {*self._setting.liar_processors}:
            raise Violation("no honest processor in quarantine", f"{who}: {decided.quarantined}")
        if not {*before} <= {*decided.quarantined} or {*before} & {*decided.processors}:
            raise Violation("a quarantine lasts", f"{who}: {decided.quarantined} after {before}")

    # --- processors ----------------------------------------------------------

    def adopts(self, processor: int, round_index: int, model: Any) -> None:
        """Note that an honest processor adopts a model."""
        self._adopted[processor] = round_index, model

    def has_adopted(self, processor: int) -> None:
        """Judge an honest processor at the end: enough replicas have replied that it must hold the last model."""
        last = len(self.decided) - 1
        t, model = self._adopted.get(processor, (-1, None))
        agreed = self._agreed(last)
        if t != last or agreed is None or not np.array_equal(model, agreed.model):
            raise Violation("processors adopt what is decided", f"processor {processor} holds a model of round {t}")

    # --- the end ----------------------------------------------------------

    def ended(self, now: float) -> None:
        """Judge termination, now that nothing is left to happen or the time is over."""
        for t, of_round in enumerate(self.invariants):
            if not self.decided[t]:
                raise Violation("termination", f"round {t} has no decision at {now:.0f}")
            if of_round is self.invariants[-1]:
                of_round.ended(now)


def _held(decided: RoundDecided) -> bytes:
    return encode((np.asarray(decided.model), decided.quarantined))


def _vote(body: bytes) -> Any:
    """Return a vote's value, or None for a malformed one."""
    try:
        value = decode(body)
    except ValueError:
        return None
    return value if isinstance(value, bytes) else None
