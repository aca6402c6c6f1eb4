"""The chain head: one digest names model and quarantine, and a decision ends being behind."""

from __future__ import annotations

import numpy as np

from ceas_ray.consensus.chain_head import AgreedModel, ChainHead, LastDecision
from ceas_ray.kernel.codec import decode, encode

FIRST, SECOND = AgreedModel((np.zeros(2), 0), ()), AgreedModel((np.ones(2), 1), (2,))


def test_the_digest_of_a_model_names_its_state_and_its_quarantine() -> None:
    assert AgreedModel((np.zeros(2), 0), ()).digest == FIRST.digest
    assert len({FIRST.digest, AgreedModel(FIRST.state, (1,)).digest, AgreedModel((np.zeros(2), 1), ()).digest}) == 3


def test_a_missed_round_leaves_a_replica_behind_until_it_adopts_a_decision() -> None:
    head = ChainHead(FIRST)
    head.begin_round(missed=True, accused=())
    head.begin_round(missed=False, accused=())
    assert head.behind
    head.adopt(LastDecision(0, b"value", b"body"), SECOND)
    assert not head.behind
    assert (head.model, head.last) == (SECOND, LastDecision(0, b"value", b"body"))


def test_whom_a_decided_value_has_named_is_accused_no_longer() -> None:
    head = ChainHead(SECOND)
    head.begin_round(missed=False, accused=(0, 2))
    assert head.accused == (0,)


def test_a_chain_head_survives_a_snapshot() -> None:
    one, other = ChainHead(FIRST), ChainHead(FIRST)
    one.adopt(LastDecision(4, b"value", b"body"), SECOND)
    one.begin_round(missed=True, accused=(1,))
    other.restore(decode(encode(one.snapshot())))
    assert (other.behind, other.accused, other.last) == (True, (1,), LastDecision(4, b"value", b"body"))
    assert other.model.digest == SECOND.digest
