"""The values of one round at one replica: what may be decided, what it stands for, and whether it is valid."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.consensus.chain_head import AgreedModel, ChainHead
from ceas_ray.consensus.committee import ProtocolParameters
from ceas_ray.consensus.echoes import SKIP, Echoes, Item, accusation_item, report_item, update_item
from ceas_ray.consensus.inputs import Inputs, report_of
from ceas_ray.consensus.quarantine import are_acceptable
from ceas_ray.consensus.voting_state import Decision
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.consensus_payloads import RoundDecided
from ceas_ray.messages.frames import decode_foreign, decode_update, digest_of

Entries = tuple[tuple[int, bytes], ...]
"""Processors and the digests of their updates, in increasing order."""
_PARTS, _SKIP_PARTS = 11, 3


class NamedInputs(NamedTuple):
    """The inputs that a value names and from which all else in it follows: entries, the report's digest, new
    accusations.
    """

    entries: Entries
    report: bytes
    accused: tuple[int, ...]

    def items(self) -> list[Item]:
        """Return them as Echoes name them."""
        entries = [update_item(k, digest) for k, digest in self.entries]
        return [*entries, report_item(self.report), *map(accusation_item, self.accused)]


@dataclass(frozen=True)
class RoundOutcome:
    """What a value stands for, once recomputed here: weights (rows,) of these processors' rows, and the next model."""

    skipped: bool
    processors: tuple[int, ...]
    weights: NDArray[np.float64]
    model: AgreedModel

    def report(self, round_index: int, decision: Decision, key_bits: NDArray[np.int64]) -> RoundDecided:
        """Return what a replica reports of a round. key_bits: see `RoundDecided`."""
        return RoundDecided(
            round_index=round_index, digest=decision.value, skipped=self.skipped, view=decision.view,
            processors=self.processors, weights=self.weights, model=self.model.state[0],
            quarantined=self.model.quarantined, key_bits=key_bits,
        )  # fmt: skip


@dataclass(slots=True)
class ValueStoreState:
    """bodies: by digest. outcomes: of values that are valid, or decided, by digest. computed: digests of values, by the
    inputs that they name.
    """

    bodies: dict[bytes, bytes] = field(default_factory=dict)
    outcomes: dict[bytes, RoundOutcome] = field(default_factory=dict)
    computed: dict[NamedInputs, bytes] = field(default_factory=dict)


class ValueStore(Stateful):
    """Keeps the bodies of values by their digests. A body is SKIP, or names entries, a report and accusations, and what
    follows from them.

    Validity is monotone: what is acceptable only grows, and a value with an outcome is valid and stays so.
    """

    def __init__(
        self, protocol: ProtocolParameters, round_index: int, *, inputs: Inputs, echoes: Echoes, head: ChainHead
    ) -> None:
        self._protocol, self._round, self._head = protocol, round_index, head
        self._inputs, self._echoes = inputs, echoes
        self.state = ValueStoreState()

    @property
    def behind(self) -> bool:
        """Whether this replica lacks the model that values build on."""
        return self._head.behind

    # --- bodies ----------------------------------------------------------

    def learn(self, body: bytes) -> bytes:
        """Keep a body and return its digest."""
        digest = digest_of(body)
        self.state.bodies[digest] = body
        return digest

    def body_of(self, digest: bytes) -> bytes | None:
        """Return the value with this digest, if its body is here."""
        return self.state.bodies.get(digest)

    def next_digest(self, value: bytes) -> bytes | None:
        """Return the digest of the model after a decided value, if its body is here."""
        body = self.state.bodies.get(value)
        return None if body is None else decode(body)[-1]

    def skip(self) -> bytes:
        """Return the digest of SKIP: the model stays."""
        return self.learn(self._skip_body())

    def _skip_body(self) -> bytes:
        return encode((self._protocol.chain, self._round, self._head.model.digest))

    def value_of(self, named: NamedInputs) -> bytes:
        """Return the digest of {chain, round, last model, entries, weights, test report, quarantine, new accusations,
        rule, aggregate, next model}, with digests for what is large. All contents must be here.
        """
        if named not in self.state.computed:
            self.state.computed[named] = self._compute(named)
        return self.state.computed[named]

    def _compute(self, named: NamedInputs) -> bytes:
        last, contents = self._head.model, self._inputs.contents
        rows = [(k, decode_update(contents[digest], self._protocol.model_size)) for k, digest in named.entries]
        weights, aggregate, state = self._protocol.next_state(last.state, rows, report_of(contents[named.report]))
        model = AgreedModel(state, tuple(sorted({*last.quarantined, *named.accused})))
        body = encode(
            (self._protocol.chain, self._round, last.digest, named.entries, weights, named.report, last.quarantined,
             named.accused, self._protocol.rule, digest_of(encode(aggregate)), model.digest)
        )  # fmt: skip
        value = self.learn(body)
        self.state.outcomes[value] = RoundOutcome(False, tuple(k for k, _ in named.entries), weights, model)
        return value

    # --- validity ----------------------------------------------------------

    def is_valid(self, digest: bytes) -> bool:
        """Return whether the recomputed value is valid. What was valid once stays so; what cannot be judged yet is
        asked again later.
        """
        if digest in self.state.outcomes:
            return True
        body = self.state.bodies.get(digest)
        if body is None or self.behind:
            return False
        if body == self._skip_body():
            if not self._may_accept_skip():
                return False
            self.state.outcomes[digest] = self._skipped()
            return True
        named = self._named_in(body)
        return named is not None and self._is_acceptable(named) and self.value_of(named) == digest

    def _may_accept_skip(self) -> bool:
        return self._echoes.is_acceptable(SKIP)

    def _is_acceptable(self, named: NamedInputs) -> bool:
        """Return whether each entry, the report and each accusation has B echoes, and all contents are here."""
        quarantined, inputs = self._head.model.quarantined, self._inputs
        if len(named.entries) < self._protocol.committee.min_entries or {k for k, _ in named.entries} & {*quarantined}:
            return False
        if not all(map(self._echoes.is_acceptable, named.items())):
            return False
        here = inputs.has(named.report) and all(inputs.has(digest) for _, digest in named.entries)
        return here and are_acceptable(named.accused, quarantined, self._echoes)

    def is_proposable(self, digest: bytes) -> bool:
        """Return whether the value is valid and all that it names, or SKIP, has Q echoes: then every honest replica
        accepts it.
        """
        body = self.state.bodies.get(digest)
        if body is None or not self.is_valid(digest):
            return False
        named = None if self.state.outcomes[digest].skipped else self._named_in(body)
        return all(map(self._echoes.is_proposable, [SKIP] if named is None else named.items()))

    def _named_in(self, body: bytes) -> NamedInputs | None:
        """Return what a foreign body names; None for a malformed one.

        Only integers will do: what merely equals one is encoded differently, and would be a second form of the same
        value.
        """
        try:
            parts = decode_foreign(body)
        except ValueError:
            return None
        if not (isinstance(parts, tuple) and len(parts) == _PARTS):
            return None
        entries, report, accused = parts[3], parts[5], parts[7]
        if not (isinstance(entries, tuple) and isinstance(report, bytes) and isinstance(accused, tuple)):
            return None
        if not all(isinstance(entry, tuple) and [*map(type, entry)] == [int, bytes] for entry in entries):
            return None
        rising = all(a[0] < b[0] for a, b in pairwise(entries))
        if not (rising and all(type(k) is int for k in accused) and all(a < b for a, b in pairwise(accused))):
            return None
        return NamedInputs(entries, report, accused)

    # --- outcomes ----------------------------------------------------------

    def outcome_of_decided(self, value: bytes) -> RoundOutcome | None:
        """Return what a decided value with its body here stands for. SKIP needs no further reason then."""
        if not self.is_valid(value) and not self.behind and self.state.bodies[value] == self._skip_body():
            self.state.outcomes[value] = self._skipped()
        return self.state.outcomes.get(value)

    def _skipped(self) -> RoundOutcome:
        return RoundOutcome(True, (), np.zeros(0), self._head.model)

    def adopt(self, value: bytes, model: AgreedModel) -> RoundOutcome:
        """Take the model after a decided value from another replica, by the digest that the value names."""
        body = decode(self.state.bodies[value])
        skipped = len(body) == _SKIP_PARTS
        entries, weights = ((), np.zeros(0)) if skipped else body[3:5]
        outcome = self.state.outcomes[value] = RoundOutcome(skipped, tuple(k for k, _ in entries), weights, model)
        return outcome

    def contents_of(self, value: bytes) -> list[bytes]:
        """Return the body of a decided value, and those of its contents that are here."""
        body = self.state.bodies[value]
        named = self._named_in(body)
        digests = [] if named is None else [named.report, *(digest for _, digest in named.entries)]
        return [body, *(self._inputs.contents[digest] for digest in digests if self._inputs.has(digest))]
