"""The journal's view of a round's aggregation: how much weight each row has in the model that was decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ceas_ray.kernel.actor import Actor, WrappedActor
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Effect, Envelope, Observation, Send
from ceas_ray.messages.consensus_payloads import RoundDecided
from ceas_ray.messages.observations import AggregationObserved
from ceas_ray.messages.payloads import TestReport
from ceas_ray.training.next_state import Floats, ModelState, NextState, Rows

_MAX_KEPT = 16
"""Candidates of a round whose rows are kept: usually there is one."""


class SharedNextState:
    """The pure function that every replica of a host asks for the next state: computed once, and remembered.

    It keeps the latest rows too, so that a decided model can be asked what each row weighs in it.
    """

    def __init__(self, function: NextState) -> None:
        self._function = function
        self._latest: tuple[bytes, Any] = (b"", None)
        self._rows: dict[tuple[bytes, bytes], Rows] = {}
        self._effective: dict[tuple[bytes, bytes], Floats | None] = {}

    def __call__(self, previous: ModelState, rows: Rows, test_report: TestReport) -> tuple[Floats, Floats, ModelState]:
        """See `NextState`."""
        key = encode((previous, rows, test_report))
        if key != self._latest[0]:
            found = self._function(previous, rows, test_report)
            self._latest = (key, found)
            weights, _, (model, _) = found
            _keep(self._rows, (encode(weights), encode(model)), rows)
        return self._latest[1]  # type: ignore[no-any-return]

    def effective_weights(self, decided: RoundDecided) -> Floats | None:
        """Return what each row of a decided round weighs in its aggregate (rows,).

        None for a rule that gives none, and for rows that were not aggregated here lately.
        """
        key = (encode(decided.weights), encode(decided.model))
        if key not in self._effective:
            rows = self._rows.pop(key, None)
            found = None if rows is None else self._function.effective_weights(rows, decided.weights)
            _keep(self._effective, key, found)
        return self._effective[key]


def _keep(kept: dict[tuple[bytes, bytes], Any], key: tuple[bytes, bytes], value: Any) -> None:
    kept[key] = value
    if len(kept) > _MAX_KEPT:
        del kept[next(iter(kept))]


class ObservedReplica(WrappedActor):
    """Wraps an honest replica: with each round that it decides, the journal learns the weights of its rows."""

    def __init__(self, replica: Actor, next_state: SharedNextState) -> None:
        """next_state: what the replica asks."""
        super().__init__(replica)
        self._next_state = next_state

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        effects = list(self.actor.handle(envelope))
        sent = [effect.payload for effect in effects if isinstance(effect, Send)]
        decisions = [payload for payload in sent if isinstance(payload, RoundDecided) and not payload.skipped]
        return effects + [observed for decided in decisions for observed in self._observed(decided)]

    def _observed(self, decided: RoundDecided) -> list[Observation]:
        weights = self._next_state.effective_weights(decided)
        if weights is None:
            return []
        observed = AggregationObserved(
            round_index=decided.round_index, processors=decided.processors, effective_weights=weights
        )
        return [Observation(observed)]
