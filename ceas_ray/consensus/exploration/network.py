"""The network of a scenario: partitions that heal, delays, and a calm time after which all messages take at most one
Delta.
"""

from __future__ import annotations

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
