"""Scenarios of voting alone: the very `TetraBFT` of training in a heap of messages, with twins, lies and crashes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from heapq import heappop, heappush
from typing import Any

from ceas_ray.consensus.committee import VIEW_TIMER_DELTAS
from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.exploration.network import CALM_AT, Network
from ceas_ray.consensus.exploration.record import Record
from ceas_ray.consensus.exploration.tapes import Tape
from ceas_ray.consensus.exploration.violation import Violation
from ceas_ray.consensus.exploration.voting_invariants import VotingInvariants
from ceas_ray.consensus.exploration.voting_lies import ALSO_GOOD, GOOD, POISON, VALUES, VotingLies
from ceas_ray.consensus.tetrabft import TetraBFT
from ceas_ray.consensus.voting_state import Action, ArmTimer, Output
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.frames import FrameKind
from ceas_ray.messages.quorum import quorums_of

VIEW_TIMER, LONGEST = float(VIEW_TIMER_DELTAS), 400.0
DRAWN_LEADERS, VIEWS = 12, 256
_TIMER, _RECONSIDER = -1, -2
_DECIDE = FrameKind.DECIDE
_HEARD = frozenset(FrameKind) - {FrameKind.PROOF, FrameKind.SUGGEST}
Event = tuple[float, int, int, int, FrameKind, int, Any]
Voting = Callable[[int, int, Callable[[int], int], Callable[[bytes], bool]], TetraBFT]


@cache
def _later_leaders(replicas: int) -> tuple[int, ...]:
    return tuple(view % replicas for view in range(DRAWN_LEADERS, VIEWS))


@cache
def _targets(identities: tuple[int, ...]) -> tuple[list[list[int]], list[dict[int, list[int]]]]:
    """Return, for each entity, those of other identities, all of them and by identity."""
    others = [[e for e, other in enumerate(identities) if other != own] for own in identities]
    return others, [{j: [e for e in of if identities[e] == j] for j in identities} for of in others]


@dataclass(frozen=True)
class VotingSetting:
    """What a seed draws before anything happens. Times in Delta.

    lie: probability. late: honest replicas at which one value becomes valid only at a later time. crashes: after how
    many of its events an honest replica falls back to what it has persisted.
    """

    replicas: int
    byzantine: frozenset[int]
    twins: bool
    lie: float
    deaf: frozenset[int]
    calm_at: float
    leaders: tuple[int, ...]
    late: dict[int, float]
    crashes: dict[int, tuple[int, ...]]

    @classmethod
    def drawn(cls, draws: Draws, replicas: int) -> VotingSetting:
        """Draw the setting of a scenario with this many replicas."""
        byzantine = frozenset(draws.sample(replicas, quorums_of(replicas).faults))
        honest = [node for node in range(replicas) if node not in byzantine]
        leaders = (*(draws.below(replicas) for _ in range(DRAWN_LEADERS)), *_later_leaders(replicas))
        calm_at = draws.choice(CALM_AT)
        unusual = draws.uniform()
        return cls(
            replicas, byzantine, draws.uniform() < 0.75, draws.choice((0.0, 0.3, 0.3, 0.8)),
            frozenset(node for node in honest if draws.uniform() < 0.4) if draws.uniform() < 0.25 else frozenset(),
            calm_at, leaders,
            {node: calm_at * draws.uniform() for node in honest} if unusual < 0.1 else {},
            {draws.choice(honest): tuple(1 + draws.below(40) for _ in range(3))} if unusual > 0.9 else {},
        )  # fmt: skip


class VotingScenario:
    """One scenario, whose entities are the replicas and the second copies (twins) of the Byzantine ones.

    Twins do not hear each other; both hear what is sent to their identity.
    """

    def __init__(
        self, numbers: int | Tape, replicas: int, voting: Voting = TetraBFT, record: Record | None = None
    ) -> None:
        draws = self._draws = Draws(numbers, "voting")
        setting = self.setting = VotingSetting.drawn(draws, replicas)
        self._voting, self._record = voting, record
        self._identities = [*range(replicas), *(sorted(setting.byzantine) if setting.twins else ())]
        self._honest = [node not in setting.byzantine for node in self._identities]
        self._targets, self._targets_of = _targets(tuple(self._identities))
        self._network = Network(draws, len(self._identities), setting.calm_at)
        self._lies = VotingLies(draws, setting.lie, setting.deaf)
        self.invariants = VotingInvariants(
            replicas, [node for node in range(replicas) if node not in setting.byzantine], leaders=setting.leaders,
            valid=VALUES, calm_at=setting.calm_at,
        )  # fmt: skip
        self._now = 0.0
        self._nodes = [self._made(entity) for entity in range(len(self._identities))]
        self._handled = dict.fromkeys(setting.crashes, 0)
        self._heap: list[Event] = []
        self.events = self._serial = 0

    def _made(self, entity: int) -> TetraBFT:
        identity = self._identities[entity]
        if not self._honest[entity]:
            is_valid: Callable[[bytes], bool] = lambda value: True  # noqa: E731
        elif identity in self.setting.late:
            at = self.setting.late[identity]
            is_valid = lambda value: value == GOOD or (value == ALSO_GOOD and self._now >= at)  # noqa: E731
        else:
            is_valid = VALUES.__contains__
        return self._voting(identity, self.setting.replicas, self.setting.leaders.__getitem__, is_valid)

    def run(self) -> None:
        """Run until every honest replica has decided. Raises `Violation`."""
        for entity, node in enumerate(self._nodes):
            options = VALUES if self._honest[entity] else (*VALUES, POISON)
            candidate = GOOD if self._identities[entity] in self.setting.late else self._draws.choice(options)
            self._acted(entity, node.start(candidate))
        for node_late, at in self.setting.late.items():
            self._push(at, node_late, _RECONSIDER)
        heap, invariants, until = self._heap, self.invariants, self.setting.calm_at + LONGEST
        while heap and not invariants.all_decided:
            event = heappop(heap)
            self._now = event[0]
            if self._now > until:
                break
            self.events += 1
            self._happens(event)
        if not invariants.all_decided:
            invariants.ended(self._now)

    @property
    def decided(self) -> tuple[Any, ...]:
        """The time of the last event, and what each honest replica decided."""
        return (self._now, *sorted(self.invariants.decisions.items()))

    def _push(self, at: float, entity: int, sender: int, view: int = 0) -> None:
        self._serial += 1
        heappush(self._heap, (at, self._serial, entity, sender, FrameKind.VIEW_CHANGE, view, None))

    def _happens(self, event: Event) -> None:
        now, _, entity, sender, kind, view, content = event
        node, honest = self._nodes[entity], self._honest[entity]
        if self._record is not None:
            self._record.happened(now, entity, sender=sender, kind=kind, view=view, content=content)
        if sender >= 0:
            if honest and kind in _HEARD:
                self.invariants.heard(entity, sender, kind=kind, view=view, value=content)
            actions = node.receive(sender, kind, view, content)
        elif sender == _TIMER:
            due = honest and view == node.view and not node.halted
            if due:
                self.invariants.timed_out(entity, view, now, judged=not self.setting.crashes)
            actions = node.timeout(view)
            if due and not any(type(action) is ArmTimer for action in actions):
                raise Violation("the timer is armed again", f"replica {entity} in view {view}")
        else:
            actions = node.reconsider()
        disk = self.disk(node) if entity in self._handled and self._crashes(entity) else None
        if actions:
            self._acted(entity, actions)
        if kind == _DECIDE and honest and node.halted:
            self.invariants.halted(entity)
        if disk is not None:
            self._crash(entity, disk)

    def _acted(self, entity: int, actions: list[Action]) -> None:
        if self._honest[entity]:
            self.invariants.acted(entity, actions, self._now)
        if self._record is not None:
            self._record.acted(self._now, entity, actions)
        for action in actions:
            if type(action) is Output:
                self._send(entity, action)
            elif type(action) is ArmTimer:
                self._push(self._now + VIEW_TIMER, entity, _TIMER, action.view)

    def _send(self, entity: int, output: Output) -> None:
        kind, view, content, to = output
        now, identity, honest = self._now, self._identities[entity], self._honest[entity]
        is_calm, uniform, heap, serial = now >= self.setting.calm_at, self._draws.uniform, self._heap, self._serial
        for target in self._targets[entity] if to is None else self._targets_of[entity][to]:
            if not honest:
                falsified = self._lies.falsified(target, output.kind, output.view, output.content)
                if falsified is None:
                    continue
                kind, view, content = falsified
            serial += 1
            at = now + uniform() if is_calm else self._network.arrival(now, entity, target, (kind, view))
            heappush(heap, (at, serial, target, identity, kind, view, content))
        self._serial = serial

    # --- crashes ----------------------------------------------------------

    def disk(self, node: TetraBFT) -> bytes:
        """Return what a crash leaves, which is written before anything is sent."""
        return encode(node.persistent())

    def _crashes(self, entity: int) -> bool:
        """Count an event, and return whether a crash follows it."""
        self._handled[entity] += 1
        return self._handled[entity] in self.setting.crashes[entity]

    def _crash(self, entity: int, disk: bytes) -> None:
        """Crash and go on from what is on disk. What was on its way is said again by the others."""
        if self._record is not None:
            self._record.note(self._now, entity, "crashes and recovers")
        node = self._nodes[entity] = self._made(entity)
        self._acted(entity, node.recover(decode(disk)))
        for other in self._targets[entity]:
            for output in self._nodes[other].resend(entity):
                self._send(other, output)
