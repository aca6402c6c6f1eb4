"""The network of a scenario: partitions that heal, delays, and a calm time after which all messages take at most one
Delta.
"""

from __future__ import annotations

from ceas_ray.consensus.committee import VIEW_TIMER_DELTAS
from ceas_ray.consensus.exploration.draws import Draws

CALM_AT = (0.0, 0.0, 9.0, 18.0, 27.0, 36.0)
"""Times at which the calm may begin, in Delta; one of these is drawn."""
PARTITIONS = (1, 2, 2, 3)
LONGEST_EARLY_DELAY = 3.0
Topic = tuple[int, int]
"""Kind and view of a message."""


class Network:
    """Draws arrival times, in Delta. Until the calm every kind of message of a view has its own partition of the nodes.

    What crosses a partition arrives within one Delta after the calm; what does not takes up to 3 Delta.
    """

    def __init__(self, draws: Draws, nodes: int, calm_at: float) -> None:
        self.calm_at, self._draws, self._nodes = calm_at, draws, nodes
        self._groups: dict[Topic, list[int]] = {}

    def arrival(self, now: float, sender: int, receiver: int, topic: Topic) -> float:
        """Return when a message that is sent now arrives."""
        delay = self._draws.uniform()
        if now >= self.calm_at:
            return now + delay
        groups = self._groups.get(topic)
        if groups is None:
            count = self._draws.choice(PARTITIONS)
            groups = self._groups[topic] = [self._draws.below(count) for _ in range(self._nodes)]
        if groups[sender] != groups[receiver]:
            return self.calm_at + delay
        early, latest = now + LONGEST_EARLY_DELAY * delay, self.calm_at + delay
        return early if early < latest else latest


class UnequalNetwork(Network):
    """Each link has one delay in the calm, often the shortest or the longest."""

    def __init__(self, draws: Draws, nodes: int, calm_at: float) -> None:
        super().__init__(draws, nodes, calm_at)
        self._delays: dict[tuple[int, int], float] = {}

    def arrival(self, now: float, sender: int, receiver: int, topic: Topic) -> float:
        """Return when a message that is sent now arrives."""
        if now < self.calm_at:
            return super().arrival(now, sender, receiver, topic)
        link = sender, receiver
        if link not in self._delays:
            self._delays[link] = self._draws.choice((0.001, 0.001, 0.5, 1.0))
        return now + self._delays[link]


class HurryingNetwork(Network):
    """Frames between the others take little time, those of one replica a Delta, and those to it less and less: it
    learns a little sooner in each view that the others have ended it, so that its own timer never runs out.
    """

    def __init__(self, draws: Draws, nodes: int, calm_at: float, hurried: int) -> None:
        super().__init__(draws, nodes, calm_at)
        self._hurried, self._nearby, self._sooner = hurried, draws.choice((0.01, 0.1, 0.3)), draws.choice((0.01, 0.03))

    def arrival(self, now: float, sender: int, receiver: int, topic: Topic) -> float:
        """Return when a message that is sent now arrives."""
        if now < self.calm_at:
            return super().arrival(now, sender, receiver, topic)
        if receiver == self._hurried:
            return now + max(self._nearby, 1.0 - self._sooner * (now // VIEW_TIMER_DELTAS))
        return now + (1.0 if sender == self._hurried else self._nearby)
