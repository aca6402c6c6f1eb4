"""Adoption: how a replica obtains what was decided, in this round or in the one before, and makes it its own."""

from __future__ import annotations

from collections.abc import Callable

from ceas_ray.consensus.archive import Archive
from ceas_ray.consensus.chain_head import ChainHead, LastDecision
from ceas_ray.consensus.fetching import BODY, MODEL, Fetching, decoded_model
from ceas_ray.consensus.inputs import Inputs
from ceas_ray.consensus.value_store import RoundOutcome, ValueStore
from ceas_ray.messages.frames import digest_of


class Adoption:
    """Adopts the decisions of one round and of the round before.

    A decided value with all contents here is recomputed. Otherwise its body names the model, and both are fetched by
    their digests. Adoption has no state of its own: what it adopts moves the chain head.
    """

    def __init__(
        self, round_index: int, *, head: ChainHead, archive: Archive, inputs: Inputs, values: ValueStore,
        fetching: Fetching, find: Callable[[bytes], bytes | None],
    ) -> None:  # fmt: skip
        """Serve one round; find: returns anything that is here, by its digest."""
        self._round, self._head, self._archive, self._inputs = round_index, head, archive, inputs
        self._values, self._fetching, self._find = values, fetching, find

    # --- the round before ----------------------------------------------------------

    def follow(self, past: bytes | None) -> None:
        """Adopt what B others decided in the round before, if this replica missed it."""
        if past is not None and self._head.behind:
            model = self._model_of(past)
            if model is not None:
                self._take_past(past, model)

    def _take_past(self, value: bytes, model: bytes) -> None:
        body = self._values.body_of(value)
        assert body is not None, "the body named the model"
        self._head.adopt(LastDecision(self._round - 1, value, body), decoded_model(model))
        self._archive.keep(self._round - 1, [body, model])
        self._inputs.quarantine(self._head.model.quarantined)

    # --- this round ----------------------------------------------------------

    def outcome_of(self, decided: bytes) -> RoundOutcome | None:
        """Return what the decided value of this round stands for; None while its body or its model is on its way."""
        if self._values.body_of(decided) is None:
            self._fetching.want(decided, BODY)
            return None
        outcome = self._values.outcome_of_decided(decided)
        if outcome is None:
            model = self._model_of(decided)
            outcome = None if model is None else self._values.adopt(decided, decoded_model(model))
        return outcome

    def adopt(self, decided: bytes, outcome: RoundOutcome) -> None:
        """Make the model of the decided value's outcome the model of this round."""
        body = self._values.body_of(decided)
        assert body is not None, "an outcome has a body"
        self._head.adopt(LastDecision(self._round, decided, body), outcome.model)
        self._archive.keep(self._round, [*self._values.contents_of(decided), outcome.model.encoded])

    # --- models ----------------------------------------------------------

    def take_model(self, data: bytes, past: bytes | None, decided: bytes | None) -> None:
        """Take a fetched model, either after the round before or after this one, as the decided values name it."""
        digest = digest_of(data)
        if past is not None and self._head.behind and self._values.next_digest(past) == digest:
            self._take_past(past, data)
        elif decided is not None and self._values.next_digest(decided) == digest:
            self._values.adopt(decided, decoded_model(data))

    def _model_of(self, value: bytes) -> bytes | None:
        """Return the model that a decided value names, if it is here, as after SKIP. Otherwise ask for it, or first for
        the body.
        """
        digest = self._values.next_digest(value)
        if digest is None:
            self._fetching.want(value, BODY)
            return None
        model = self._find(digest)
        if model is None:
            self._fetching.want(digest, MODEL)
        return model
