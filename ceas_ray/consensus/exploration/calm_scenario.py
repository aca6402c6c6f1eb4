"""Liveness after the calm, of the very `TetraBFT` of training: a walk of the abstract model, then a calm network.

Real replicas are driven into a state that an all-powerful adversary can reach. From then on every honest message takes
at most one Delta, those sent before included, and Byzantine replicas still say what they like. The first view above all
honest ones has an honest leader, and it must decide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any

from ceas_ray.consensus.committee import VIEW_TIMER_DELTAS
from ceas_ray.consensus.exploration.abstract_model import LIVENESS, AbstractModel
from ceas_ray.consensus.exploration.abstract_rules import Change
from ceas_ray.consensus.exploration.conformance import DrivenWalk, Step
from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.exploration.violation import Violation
from ceas_ray.consensus.exploration.voting_lies import VALUES
from ceas_ray.consensus.safety_rule import NO_VOTE, Vote, VoteHistory
from ceas_ray.consensus.tetrabft import TetraBFT
from ceas_ray.consensus.voting_state import Action, ArmTimer, Output
from ceas_ray.messages.frames import FrameKind

HUNT = 200
"""Walks among which one is looked for whose end is live only by the second alternative for proofs."""
_TIMER = -1
_VOTES = (FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4)


def hunted(seed: int, model: AbstractModel, walks: int) -> int:
    """Return a walk's seed: the first of these whose end is live only by the second alternative for proofs; the last
    one if there is none.
    """
    weaker = AbstractModel(model.replicas, model.views, model.values, Change.NO_TWO_CLAIMS)
    first = seed * walks
    return first + weaker.search(first, walks).walks - 1


class CalmScenario(DrivenWalk):
    """Drives replicas along a walk and then calms the network. Times in Delta since the calm."""

    def __init__(
        self, seed: int, model: AbstractModel, voting: Callable[..., TetraBFT] = TetraBFT, hunt: int = HUNT
    ) -> None:
        super().__init__(hunted(seed, model, hunt), model, voting)
        self._calm = Draws(seed, "calm")
        self._said: list[tuple[int, Output]] = []
        self._heap: list[tuple[float, int, int, int, FrameKind, int, Any]] = []
        self._serial = self.events = 0
        self._now = 0.0

    def run(self) -> None:
        """Run until all have decided. Raises `Violation`."""
        self.drive()
        first = self._first_view = max(node.view for node in self._nodes) + 1
        for view in range(first, first + len(self._nodes)):
            self._leaders[view] = self._calm.below(len(self._nodes))
        for who, output in self._said:
            self._send(who, output)
        for who, node in enumerate(self._nodes):
            if node.view < 0:
                self._act(who, node.start(None))
            self._push(
                VIEW_TIMER_DELTAS * self._calm.uniform(),
                who=who,
                sender=_TIMER,
                kind=FrameKind.VIEW_CHANGE,
                view=node.view,
                content=None,
            )
        self._lie()
        self._run_calm_network()

    @property
    def decided(self) -> tuple[Any, ...]:
        """The time of the last event, and what each replica decided."""
        return (self._now, *(node.decided for node in self._nodes))

    def _run_calm_network(self) -> None:
        until = 20.0 * VIEW_TIMER_DELTAS
        while self._heap and self._now < until:
            self._now, _, who, sender, kind, view, content = heappop(self._heap)
            self.events += 1
            node = self._nodes[who]
            self._act(who, node.timeout(view) if sender == _TIMER else node.receive(sender, kind, view, content))
            if node.decided is None and node.view > self._first_view:
                description = (
                    f"view {self._first_view} of the honest leader {self._leaders[self._first_view]} does not decide"
                )
                raise Violation(LIVENESS, f"{description}; replica {who} enters view {node.view}")
            if all(other.decided is not None for other in self._nodes):
                break
        undecided = [who for who, node in enumerate(self._nodes) if node.decided is None]
        if undecided:
            raise Violation("termination", f"replicas {undecided} have not decided {self._now:.0f} after the calm")
        if len({node.decided.value for node in self._nodes if node.decided is not None}) > 1:
            raise Violation("agreement", "two values are decided after the calm")

    def _done(self, who: int, actions: Sequence[Action]) -> list[Step]:
        self._said += [(who, action) for action in actions if isinstance(action, Output)]
        return super()._done(who, actions)

    def _act(self, who: int, actions: Sequence[Action]) -> None:
        for action in actions:
            if isinstance(action, Output):
                self._send(who, action)
            elif isinstance(action, ArmTimer):
                at = self._now + VIEW_TIMER_DELTAS
                self._push(at, who=who, sender=_TIMER, kind=FrameKind.VIEW_CHANGE, view=action.view, content=None)

    def _send(self, who: int, output: Output) -> None:
        for target in range(len(self._nodes)) if output.to is None else (output.to,):
            if target != who and target < len(self._nodes):
                at = self._now + self._calm.uniform()
                self._push(at, who=target, sender=who, kind=output.kind, view=output.view, content=output.content)

    def _push(self, at: float, *, who: int, sender: int, kind: FrameKind, view: int, content: Any) -> None:
        self._serial += 1
        heappush(self._heap, (at, self._serial, who, sender, kind, view, content))

    def _lie(self) -> None:
        """Send Byzantine suggests that call one value safe, proofs that say anything, votes for any value; some come
        early.
        """
        draws, view = self._calm, self._first_view
        lure = draws.choice(self._state.lures(view))
        for node in self._nodes:
            node.propose_from_now_on(VALUES[lure - 1] if draws.uniform() < 0.7 else draws.choice(VALUES))
        suggest = VoteHistory(Vote(view - 1, VALUES[lure - 1]), NO_VOTE, NO_VOTE)
        for liar in self._liars:
            for who in range(len(self._nodes)):
                if draws.uniform() < 0.8:
                    self._tell(who, liar, FrameKind.SUGGEST, suggest)
                if draws.uniform() < 0.3:
                    low, high = (Vote(draws.below(view), draws.choice(VALUES)) for _ in range(2))
                    self._tell(who, liar, FrameKind.PROOF, VoteHistory(low, NO_VOTE, high))
                for kind in _VOTES:
                    if draws.uniform() < 0.3:
                        self._tell(who, liar, kind, draws.choice(VALUES))
                if draws.uniform() < 0.3:
                    self._tell(who, liar, FrameKind.VIEW_CHANGE, None)

    def _tell(self, who: int, liar: int, kind: FrameKind, content: Any) -> None:
        view = self._first_view + (kind == FrameKind.VIEW_CHANGE)
        late = self._calm.uniform() < 0.3
        self._push(
            2.0 * VIEW_TIMER_DELTAS * self._calm.uniform() if late else 0.0,
            who=who,
            sender=liar,
            kind=kind,
            view=view,
            content=content,
        )
