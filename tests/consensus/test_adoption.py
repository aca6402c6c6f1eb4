"""Adoption: how a replica makes its own what was decided, in this round or in the one before."""

from __future__ import annotations

import numpy as np

from ceas_ray.consensus.adoption import Adoption
from ceas_ray.consensus.archive import Archive
from ceas_ray.consensus.chain_head import AgreedModel, ChainHead
from ceas_ray.consensus.committee import ProtocolParameters
from ceas_ray.consensus.echoes import Echoes
from ceas_ray.consensus.fetching import BODY, MODEL, Fetching
from ceas_ray.consensus.inputs import Inputs
from ceas_ray.consensus.pacing import Pacing
from ceas_ray.consensus.value_store import ValueStore
from ceas_ray.kernel.codec import encode
from ceas_ray.messages.frames import digest_of
from ceas_ray.messages.quorum import Quorums
from tests.consensus.parts import COMMITTEE, DELTA, links_of_replica_0

BEFORE, AFTER = AgreedModel((np.zeros(2), 0), ()), AgreedModel((np.ones(2), 1), (2,))
PROTOCOL = ProtocolParameters(
    committee=COMMITTEE, chain=b"chain", rule=b"sum", next_state=lambda state, rows, report: (b"", b"", state),
    model_size=2,
)  # fmt: skip
BODY_OF_AFTER = encode(
    (b"chain", 1, BEFORE.digest, ((0, b"x"), (1, b"y")), np.ones(2), b"report", (), (2,), b"sum", b"", AFTER.digest)
)
VALUE = digest_of(BODY_OF_AFTER)


class Replica:
    """The parts of a replica in round 1 that adoption reads or moves."""

    def __init__(self, behind: bool = False) -> None:
        self.head, self.archive, self.inputs = ChainHead(BEFORE), Archive(), Inputs(3, 2, ())
        self.head.begin_round(missed=behind, accused=())
        self.here: dict[bytes, bytes] = {}
        round_index = 2 if behind else 1
        self.values = ValueStore(PROTOCOL, round_index, inputs=self.inputs, echoes=Echoes(Quorums(4)), head=self.head)
        self.fetching = Fetching(links_of_replica_0(), Pacing(DELTA), 10, find=self.here.get, has=self._has)
        self.adoption = Adoption(
            round_index, head=self.head, archive=self.archive, inputs=self.inputs, values=self.values,
            fetching=self.fetching, find=self.here.get,
        )  # fmt: skip

    def _has(self, digest: bytes, what: str) -> bool:
        return digest in self.here

    @property
    def wanted(self) -> dict[bytes, tuple[str, ...]]:
        return self.fetching.state.open


def test_a_decided_value_is_asked_for_first_by_its_body_then_by_its_model() -> None:
    replica = Replica()
    assert replica.adoption.outcome_of(VALUE) is None
    assert replica.wanted == {VALUE: (BODY,)}
    replica.fetching.take(VALUE)
    replica.values.learn(BODY_OF_AFTER)
    assert replica.adoption.outcome_of(VALUE) is None
    assert replica.wanted == {AFTER.digest: (MODEL,)}
    replica.here[AFTER.digest] = AFTER.encoded
    outcome = replica.adoption.outcome_of(VALUE)
    assert outcome is not None
    assert (outcome.processors, outcome.model.digest) == ((0, 1), AFTER.digest)


def test_an_adopted_decision_moves_the_head_and_others_can_ask_for_it() -> None:
    replica = Replica()
    replica.values.learn(BODY_OF_AFTER)
    replica.adoption.adopt(VALUE, replica.values.adopt(VALUE, AFTER))
    assert replica.head.last is not None
    assert (replica.head.last.round_index, replica.head.last.value) == (1, VALUE)
    assert replica.head.model.digest == AFTER.digest
    assert replica.archive.find(VALUE) == BODY_OF_AFTER
    assert replica.archive.find(AFTER.digest) == AFTER.encoded


def test_a_replica_that_is_behind_follows_the_round_before_and_keeps_its_quarantine() -> None:
    replica = Replica(behind=True)
    replica.adoption.follow(VALUE)
    assert replica.wanted == {VALUE: (BODY,)}
    replica.values.learn(BODY_OF_AFTER)
    replica.here[AFTER.digest] = AFTER.encoded
    replica.adoption.follow(VALUE)
    assert not replica.head.behind
    assert replica.head.last is not None
    assert replica.head.last.round_index == 1
    assert {*replica.inputs.quarantined} == {2}


def test_a_replica_that_missed_nothing_does_not_follow() -> None:
    replica = Replica()
    replica.adoption.follow(VALUE)
    assert replica.wanted == {}
    assert replica.head.last is None


def test_a_fetched_model_is_taken_for_the_decision_that_names_it_and_no_other() -> None:
    replica, other = Replica(), AgreedModel((np.full(2, 7.0), 1), ())
    replica.values.learn(BODY_OF_AFTER)
    replica.adoption.take_model(other.encoded, past=None, decided=VALUE)
    assert VALUE not in replica.values.state.outcomes
    replica.adoption.take_model(AFTER.encoded, past=None, decided=VALUE)
    assert replica.values.state.outcomes[VALUE].model.digest == AFTER.digest


def test_after_a_skipped_round_the_model_stays() -> None:
    replica = Replica()
    skip = replica.values.skip()
    outcome = replica.adoption.outcome_of(skip)
    assert outcome is not None
    assert outcome.skipped
    assert outcome.model.digest == BEFORE.digest
