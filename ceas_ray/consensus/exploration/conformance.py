"""Conformance of the voting of training with the abstract model, in both directions.

Traces: whatever honest replicas did in a message-level scenario must be a sequence of steps of the model. Driven walks:
a random walk of the model is forced upon real replicas by an adversary that delivers what it takes and nothing else;
each must do exactly the step, and nothing where the adversary tries what the model forbids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ceas_ray.consensus.exploration.abstract_model import MAX_VIEWS, AbstractModel
from ceas_ray.consensus.exploration.abstract_rules import (
    PHASES,
    Change,
    Rules,
    claimed_since,
    is_enabled,
    safe_values,
)
from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.exploration.violation import Violation
from ceas_ray.consensus.exploration.voting_lies import VALUES
from ceas_ray.consensus.safety_rule import NO_VOTE, Vote, VoteHistory
from ceas_ray.consensus.tetrabft import TetraBFT
from ceas_ray.consensus.voting_state import Action, Decision, Output
from ceas_ray.messages.frames import FrameKind

ENTER, DECIDE = 0, 5
Step = tuple[int, int, int, bytes]
"""Who, view, phase (ENTER, 1 to 4, DECIDE) and value."""
_BYTES = dict(enumerate(VALUES, start=1))
_NUMBERS = {value: number for number, value in _BYTES.items()}
_NOTHING = b""


class AbstractState:
    """The state of the abstract model's honest replicas, see `abstract_rules`."""

    def __init__(self, replicas: int, first_view: int = -1) -> None:
        model = AbstractModel(replicas, MAX_VIEWS, len(VALUES))
        self._rules = model.rules
        self.entered = np.full(model.honest, first_view, np.int64)
        self.votes = np.zeros((model.honest, MAX_VIEWS, PHASES + 1), np.int8)

    def allows(self, who: int, view: int, phase: int, value: int) -> bool:
        """Return whether this step is possible."""
        return bool(is_enabled(self.entered, self.votes, who, view, phase, value, self._rules))

    def latest_claimed(self, view: int, value: int) -> int:
        """Return the value that Byzantine proofs for `view` must show to make `value` safe, if anything does.

        That is the value itself, or else the one that an honest proof claims since the latest view.
        """
        rules = self._rules._replace(change=int(Change.NO_TWO_CLAIMS))
        if (safe_values(self.entered, self.votes, view, view, True, rules) >> value) & 1:
            return value

        def claimed(other: int) -> int:
            return int(claimed_since(self.entered, self.votes, view, 1, other, view, rules.blocking, int(Change.NONE)))

        return max(range(1, rules.values + 1), key=claimed)

    def lures(self, view: int) -> list[int]:
        """Return the values that Byzantine suggests can make a leader propose and that only a pair of claims in the
        honest proofs shows safe; all values if there are none.
        """
        rules, everybody = self._rules, -1
        offered = safe_values(self.entered, self.votes, everybody, view, False, rules)
        alone = Rules(
            values=rules.values, faults=rules.faults, quorum=rules.quorum + rules.faults,
            blocking=rules.blocking + rules.faults, change=int(Change.NO_TWO_CLAIMS),
        )  # fmt: skip
        taken = safe_values(self.entered, self.votes, everybody, view, True, alone)
        every = range(1, rules.values + 1)
        return [v for v in every if (offered & ~taken) >> v & 1] or list(every)

    def take(self, who: int, view: int, phase: int, value: int) -> None:
        """Enter a view, or vote."""
        if phase == ENTER:
            self.entered[who] = view
        elif phase != DECIDE:
            self.votes[who, view, phase] = value


def check_trace(replicas: int, honest: Sequence[int], steps: Sequence[Step]) -> int:
    """Replay in the model what honest replicas did, in order. Return the number of steps compared: those in views that
    the model can hold.

    Raises `Violation` for a step that the model does not allow.
    """
    place = {node: k for k, node in enumerate(honest)}
    state = AbstractState(replicas, first_view=0)
    for number, (node, view, phase, value) in enumerate(steps):
        if view >= MAX_VIEWS:
            return number
        chosen = _NUMBERS.get(value, 0)
        views = range(MAX_VIEWS) if phase == DECIDE else (view,)
        if not any(state.allows(place[node], v, phase, chosen) for v in views):
            raise Violation(
                "conformance", f"{_described((node, view, phase, value))} is not a step of the abstract model"
            )
        state.take(place[node], view, phase, chosen)
    return len(steps)


def _described(step: Step) -> str:
    node, view, phase, value = step
    does = {ENTER: "entering", DECIDE: "deciding"}.get(phase, f"vote {phase}")
    return f"replica {node} {does} in view {view}" + (f" for {value.decode()}" if value else "")


class DrivenWalk:
    """Drives real replicas 0 .. n - f - 1 along a walk of the model; the others are Byzantine and lead every view."""

    def __init__(self, seed: int, model: AbstractModel, voting: Callable[..., TetraBFT] = TetraBFT) -> None:
        self._draws = Draws(seed, "conformance")
        self._model, self._walk = model, model.walk(seed)
        self._liars = range(model.honest, model.replicas)
        self._leader = model.replicas - 1
        self._leaders: dict[int, int] = {}
        self._nodes = [voting(k, model.replicas, self._leader_of, _NUMBERS.__contains__) for k in range(model.honest)]
        self._state = AbstractState(model.replicas)
        self._proofs: list[dict[int, VoteHistory]] = [{} for _ in self._nodes]
        self._meant = {tuple(step[:3]): int(step[3]) for step in self._walk.steps.tolist() if step[2] != ENTER}
        self._decided: dict[int, bytes] = {}
        self.steps = 0

    def _leader_of(self, view: int) -> int:
        return self._leaders.get(view, self._leader)

    def run(self) -> None:
        """Drive the walk, then offer values in new views. Raises `Violation` at the first difference."""
        self.drive()
        self._try_new_views()

    def drive(self) -> None:
        """Take the walk, step for step."""
        for who, view, phase, value in self._walk.steps.tolist():
            self._try_something()
            if phase == ENTER:
                for between in range(int(self._state.entered[who]) + 1, view + 1):
                    self._take(who, between, ENTER, 0)
            else:
                self._take(who, view, phase, value)
            self._try_something(DECIDE)

    def run_script(self, script: Sequence[tuple[int, int, int, int]]) -> None:
        """Force these (who, view, phase, value) in place of the walk, allowed or not. Raises `Violation`."""
        for who, view, phase, value in script:
            self._take(who, view, phase, value)

    def _try_new_views(self) -> None:
        """Let all enter two more views; in the second everyone is offered some value, which may be unsafe by now."""
        last = min(self._model.views + 1, MAX_VIEWS - 1)
        for who in range(len(self._nodes)):
            for view in range(int(self._state.entered[who]) + 1, last + 1):
                self._take(who, view, ENTER, 0)
        for who in range(len(self._nodes)):
            self._take(who, last, 1, 1 + self._draws.below(len(VALUES)))

    def _try_something(self, phase: int | None = None) -> None:
        """Try what may be forbidden now, but never what would spoil the rest of the walk."""
        who = self._draws.below(len(self._nodes))
        view = int(self._state.entered[who])
        if view < 0:
            return
        phase = 1 + self._draws.below(PHASES) if phase is None else phase
        votes = self._state.votes[who, view]
        if phase > 1 and not votes[phase - 1]:
            return  # its own vote would later complete what is delivered now
        value = self._meant.setdefault((who, view, phase), 1 + self._draws.below(len(VALUES)))
        if phase == DECIDE or not (self._state.allows(who, view, phase, value) or votes[phase]):
            self._take(who, view, phase, value)

    def _take(self, who: int, view: int, phase: int, value: int) -> None:
        expected: list[Step] = []
        if self._state.allows(who, view, phase, value) and not (phase == DECIDE and who in self._decided):
            expected.append((who, view, phase, _BYTES.get(value, _NOTHING)))
        done = self._done(who, self._forced(who, view, phase, value))
        if done != expected:
            description = [", ".join(map(_described, steps)) or "nothing" for steps in (done, expected)]
            raise Violation("conformance", f"did {description[0]}; the abstract model says {description[1]}")
        self.steps += len(done)
        if expected and phase == DECIDE:
            self._decided[who] = _BYTES[value]
        elif expected:
            self._state.take(who, view, phase, value)

    def _forced(self, who: int, view: int, phase: int, value: int) -> list[Action]:
        """Deliver all that may make a replica do it: every honest message so far, and the Byzantine ones that help."""
        node = self._nodes[who]
        if phase == ENTER:
            if view == 0:
                return node.start(None)
            others = [k for k in range(self._model.replicas) if k != who]
            return [a for k in others for a in node.receive(k, FrameKind.VIEW_CHANGE, view, None)]
        if phase == 1:
            return self._proposed(who, view, value)
        kind = FrameKind(FrameKind.VOTE1 + phase - 2)
        voters = [k for k, votes in enumerate(self._state.votes) if k != who and votes[view, phase - 1] == value]
        return [a for k in (*voters, *self._liars) for a in node.receive(k, kind, view, _BYTES[value])]

    def _proposed(self, who: int, view: int, value: int) -> list[Action]:
        node = self._nodes[who]
        actions = node.receive(self._leader, FrameKind.PROPOSAL, view, _BYTES[value])
        low = Vote(view - 1, _BYTES[self._state.latest_claimed(view, value)]) if view else NO_VOTE
        helpful = VoteHistory(low, Vote(view - 2, b"another") if view > 1 else NO_VOTE, NO_VOTE)
        shown = {k: proofs[view] for k, proofs in enumerate(self._proofs) if view in proofs and k != who}
        shown |= dict.fromkeys(self._liars, helpful) if view else {}
        for liar in self._liars:  # it has sent no other proof of this view yet: what a try in vain showed never came
            node.state.proofs.get(view, {}).pop(liar, None)
        return [*actions, *(a for k, e in shown.items() for a in node.receive(k, FrameKind.PROOF, view, e))]

    def _done(self, who: int, actions: Sequence[Action]) -> list[Step]:
        done: list[Step] = (
            [(who, 0, ENTER, _NOTHING)] if self._nodes[who].view == 0 and self._state.entered[who] < 0 else []
        )
        for action in actions:
            if isinstance(action, Decision):
                done.append((who, action.view, DECIDE, action.value))
            elif isinstance(action, Output) and action.kind == FrameKind.PROOF:
                self._proofs[who][action.view] = action.content
                done.append((who, action.view, ENTER, _NOTHING))
            elif isinstance(action, Output) and FrameKind.VOTE1 <= action.kind <= FrameKind.VOTE4:
                done.append((who, action.view, action.kind - FrameKind.VOTE1 + 1, action.content))
        return done
