"""The values of one round at one replica: what may be decided, what it stands for, and whether it is valid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.consensus.committee import Terms
from ceas_ray.consensus.inputs import Inputs
from ceas_ray.consensus.quarantine import is_acceptable, quarantine_to_propose
from ceas_ray.consensus.standing import AgreedModel, Standing
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.frames import decode_foreign, decode_update, digest_of

Entries = tuple[tuple[int, bytes], ...]
"""Processors and the digests of their updates, in increasing order."""
_PARTS, _SKIP_PARTS = 9, 3


@dataclass(frozen=True)
class Outcome:
    """What a value stands for, once recomputed here."""

    skipped: bool
    processors: tuple[int, ...]
    weights: NDArray[np.float64]
    model: AgreedModel


class Values:
    """Bodies by their digests; a body is SKIP, or names entries and everything that follows from them.

    Validity is monotone: a value with an outcome is valid and stays so.
    """

    def __init__(self, terms: Terms, round_index: int, inputs: Inputs, standing: Standing) -> None:
        self._terms, self._round, self._inputs, self._standing = terms, round_index, inputs, standing
        self._bodies: dict[bytes, bytes] = {}
        self._outcomes: dict[bytes, Outcome] = {}
        self._valid_before_crash: set[bytes] = set()
        self._wanted: set[bytes] = set()
        self._echoes_over = False
        self.may_skip = False
        """Whether SKIP is valid by what this replica saw itself."""

    # --- bodies ----------------------------------------------------------

    def learn(self, body: bytes) -> bytes:
        """Keep a body; returns its digest."""
        digest = digest_of(body)
        self._bodies[digest] = body
        return digest

    def body_of(self, digest: bytes) -> bytes | None:
        """The value with this digest, if its body is here."""
        return self._bodies.get(digest)

    def next_digest(self, value: bytes) -> bytes | None:
        """The digest of the model after a decided value, if its body is here."""
        body = self._bodies.get(value)
        return None if body is None else decode(body)[-1]

    def skip(self) -> bytes:
        """The digest of SKIP: the model stays."""
        return self.learn(self._skip_body())

    def _skip_body(self) -> bytes:
        return encode((self._terms.chain, self._round, self._standing.model.digest))

    def value_of(self, entries: Entries, quarantined: tuple[int, ...]) -> bytes:
        """The digest of {chain, t, last model, entries with weights, test report, aggregate, quarantine, next model},
        with digests for what is large."""
        inputs, last = self._inputs, self._standing.model
        assert inputs.test_report is not None
        assert inputs.report is not None
        weights, aggregate, state = self._terms.next_state(last.state, self._rows(entries), inputs.test_report)
        model = AgreedModel(state, quarantined)
        body = encode(
            (self._terms.chain, self._round, last.digest, entries, weights, digest_of(inputs.report),
             digest_of(encode(aggregate)), quarantined, model.digest)
        )  # fmt: skip
        value = self.learn(body)
        self._outcomes[value] = Outcome(False, tuple(k for k, _ in entries), weights, model)
        return value

    def _rows(self, entries: Entries) -> list[tuple[int, NDArray[np.int64]]]:
        rows = []
        for processor, digest in entries:
            content = self._inputs.content_of(processor, digest)
            assert content is not None, "an entry without its content"
            rows.append((processor, decode_update(content, self._terms.parameters)))
        return rows

    # --- proposals ----------------------------------------------------------

    def candidate(self) -> bytes | None:
        """What this replica would propose: all entries with Q echoes; SKIP if they are too few when echoes are over.

        While echoes may still come only what includes every processor will do. Content that is not here is wanted.
        """
        if not self._inputs.closed or self._standing.behind:
            return None
        committee, quarantined = self._terms.committee, self._standing.model.quarantined
        entries = self._inputs.includable()
        if not self._echoes_over and len(entries) + len(quarantined) < committee.processors:
            return None
        if self._inputs.report is None or len(entries) < committee.least_entries:
            return self.skip() if self.may_skip else None
        named = tuple(sorted(entries.items()))
        if self._lacks(named):
            return None
        return self.value_of(named, quarantine_to_propose(quarantined, self._inputs, committee))

    def _lacks(self, entries: Entries) -> bool:
        """Whether some of their content is not here; from now on it is wanted."""
        missing = [(k, digest) for k, digest in entries if self._inputs.content_of(k, digest) is None]
        self._wanted |= {encode(entry) for entry in missing}
        return bool(missing)

    def echoes_are_over(self) -> None:
        """If too few entries have Q echoes by now, SKIP is valid."""
        self._echoes_over = True
        too_few = len(self._inputs.includable()) < self._terms.committee.least_entries
        self.may_skip = self.may_skip or too_few

    # --- validity ----------------------------------------------------------

    def is_valid(self, digest: bytes, proof_votes_for: Callable[[bytes], int]) -> bool:
        """Recompute the value; what was valid once stays so, and what cannot be judged yet is asked again later.

        proof_votes_for: how many replicas' proofs show a vote for a value: where B do, SKIP is valid.
        """
        if digest in self._outcomes or digest in self._valid_before_crash:
            return True
        body = self._bodies.get(digest)
        if body is None or not self._inputs.closed or self._standing.behind:
            return False
        if body == self._skip_body():
            if not self.may_skip and proof_votes_for(digest) < self._terms.committee.blocking:
                return False
            self._outcomes[digest] = self._skipped()
            return True
        acceptable = self._acceptable(body)
        return acceptable is not None and self.value_of(*acceptable) == digest

    def _acceptable(self, body: bytes) -> tuple[Entries, tuple[int, ...]] | None:
        """Entries and quarantine of a value, if each has B echoes and all content is here; None if not, or not yet."""
        inputs, committee, already = self._inputs, self._terms.committee, self._standing.model.quarantined
        try:
            entries, quarantined = _named(body)
        except ValueError:
            return None
        if len(entries) < committee.least_entries or inputs.report is None:
            return None
        accepted = all(k not in already and inputs.acceptable(k, digest) for k, digest in entries)
        if not accepted or not is_acceptable(quarantined, already, inputs, committee):
            return None
        return None if self._lacks(entries) else (entries, quarantined)

    def take_wanted(self) -> list[tuple[int, bytes]]:
        """Content that is not here and that a candidate or a proposal needs."""
        wanted, self._wanted = sorted(self._wanted), set()
        return [decode(entry) for entry in wanted]

    # --- outcomes ----------------------------------------------------------

    def outcome_of_decided(self, value: bytes) -> Outcome | None:
        """What a decided value with its body here stands for; SKIP needs no further reason then."""
        outcome = self._outcomes.get(value)
        if outcome is None and not self._standing.behind and self._bodies[value] == self._skip_body():
            return self._skipped()
        return outcome

    def _skipped(self) -> Outcome:
        return Outcome(True, (), np.zeros(0), self._standing.model)

    def adopt(self, value: bytes, model: AgreedModel) -> None:
        """The model after a decided value came from another replica, by the digest that the value names."""
        body = decode(self._bodies[value])
        skipped = len(body) == _SKIP_PARTS
        entries, weights = ((), np.zeros(0)) if skipped else body[3:5]
        self._outcomes[value] = Outcome(skipped, tuple(k for k, _ in entries), weights, model)

    # --- state ----------------------------------------------------------

    def persistent(self) -> dict[str, Any]:
        """What was found valid, because validity must stay."""
        valid = [self._bodies[digest] for digest in sorted({*self._outcomes, *self._valid_before_crash})]
        return {"valid": valid, "may_skip": self.may_skip}

    def recover(self, persisted: Any, finished: bool) -> None:
        """What was valid is valid. What it stands for is computed again, where the model and the contents of before
        are here; else the model is fetched, once it is decided."""
        self.may_skip = persisted["may_skip"]
        for body in persisted["valid"]:
            digest = self.learn(body)
            self._valid_before_crash.add(digest)
            parts = decode(body)
            if finished:
                continue
            if len(parts) == _SKIP_PARTS:
                self._outcomes[digest] = self._skipped()
            elif not self._standing.behind and parts[2] == self._standing.model.digest:
                entries = tuple((k, d) for k, d in parts[3])
                if all(self._inputs.content_of(k, d) is not None for k, d in entries):
                    self.value_of(entries, tuple(parts[7]))

    def snapshot(self) -> dict[str, Any]:
        """All state, in plain values."""
        return {
            "may_skip": self.may_skip, "echoes_over": self._echoes_over,
            "bodies": dict(sorted(self._bodies.items())), "wanted": sorted(self._wanted),
            "valid_before_crash": sorted(self._valid_before_crash),
            "outcomes": [
                (digest, outcome.skipped, outcome.processors, outcome.weights, outcome.model.state,
                 outcome.model.quarantined)
                for digest, outcome in sorted(self._outcomes.items())
            ],
        }  # fmt: skip

    def restore(self, state: Any) -> None:
        """Go back to a snapshot."""
        self.may_skip, self._bodies, self._wanted = state["may_skip"], dict(state["bodies"]), set(state["wanted"])
        self._valid_before_crash, self._echoes_over = set(state["valid_before_crash"]), state["echoes_over"]
        self._outcomes = {
            digest: Outcome(skipped, processors, weights, AgreedModel(model, quarantined))
            for digest, skipped, processors, weights, model, quarantined in state["outcomes"]
        }


def _named(body: bytes) -> tuple[Entries, tuple[int, ...]]:
    """Entries and quarantine that a foreign body names, both in increasing order; ValueError for malformed ones.

    Only integers will do: what merely equals one encodes differently, and would be a second form of the same value.
    """
    parts = decode_foreign(body)
    if not (isinstance(parts, tuple) and len(parts) == _PARTS):
        raise ValueError("a value must have nine parts")
    entries, quarantined = parts[3], parts[7]
    if not (isinstance(entries, tuple) and isinstance(quarantined, tuple)):
        raise ValueError("entries and quarantine must be sequences")
    if not all(isinstance(entry, tuple) and [*map(type, entry)] == [int, bytes] for entry in entries):
        raise ValueError("an entry must name a processor and a digest")
    if not all(type(k) is int for k in quarantined):
        raise ValueError("a quarantine must name processors")
    if not all(a[0] < b[0] for a, b in pairwise(entries)) or not all(a < b for a, b in pairwise(quarantined)):
        raise ValueError("processors must be in increasing order")
    return entries, quarantined
