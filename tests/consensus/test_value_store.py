"""The values of a round: what a cut must not lose."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ceas_ray.consensus.candidate import Candidate
from ceas_ray.consensus.chain_head import AgreedModel, ChainHead
from ceas_ray.consensus.committee import Committee, ProtocolParameters
from ceas_ray.consensus.echoes import Echoes, ItemKind, report_item, update_item
from ceas_ray.consensus.input_phase import InputPhase
from ceas_ray.consensus.inputs import Inputs
from ceas_ray.consensus.value_store import ValueStore
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages import payloads
from ceas_ray.messages.frames import FrameKind, digest_of, encode_update
from ceas_ray.messages.quorum import Quorums
from tests.consensus.committee import Network

PROTOCOL = ProtocolParameters(
    committee=Committee(4, 3, 1, 1000),
    chain=b"chain",
    rule=b"sum",
    next_state=lambda state, rows, report: (b"", b"", state),
    model_size=2,
)
CONTENTS = [encode_update(np.full(2, k), 1, 1) for k in range(3)]
REPORT = payloads.TestReport(round_index=0, tested=np.ones((3, 3)), errors=np.zeros((3, 3)))


def values_of(
    without: frozenset[int] = frozenset(), echoers: Sequence[int] = (1, 2, 3), items: Sequence[int] = (0, 1, 2)
) -> tuple[ValueStore, Candidate]:
    """At a replica that did not get the updates of some processors, although others echo those of `items`."""
    committee, head = PROTOCOL.committee, ChainHead(AgreedModel((np.zeros(2), 0), ()))
    inputs = Inputs(3, 2, ())
    links: Any = None
    phase = InputPhase(
        0,
        committee,
        links=links,
        inputs=inputs,
        schedule=None,
        accused=(),
        voting=SimpleNamespace(view=0, halted=False),
    )
    phase.state.closed = True
    for k, content in enumerate(CONTENTS):
        if k not in without:
            inputs.take_update(k, content)
    inputs.take_report(REPORT)
    echoed = [update_item(k, digest_of(CONTENTS[k])) for k in items]
    for replica in echoers:
        phase.echoes.take(replica, [*echoed, report_item(digest_of(encode(REPORT)))])
    values = ValueStore(PROTOCOL, 0, inputs=inputs, echoes=phase.echoes, head=head)
    return values, Candidate(committee, phase, values)


def test_a_value_whose_content_is_missing_is_judged_when_it_comes() -> None:
    whole, candidate = values_of()
    value = candidate.of_view(0)
    assert value is not None
    body = whole.body_of(value)
    assert body is not None
    lacking, _ = values_of(frozenset({1}))
    assert not lacking.is_valid(lacking.learn(body))
    lacking.restore(decode(encode(lacking.snapshot())))
    lacking._inputs.keep(CONTENTS[1])
    assert lacking.is_valid(value)


@pytest.mark.parametrize(
    ("echoers", "valid", "proposable"), [((1,), False, False), ((1, 2), True, False), ((1, 2, 3), True, True)]
)
def test_b_echoes_accept_and_q_echoes_propose(echoers: Sequence[int], valid: bool, proposable: bool) -> None:
    whole, candidate = values_of()
    value = candidate.of_view(0)
    assert value is not None
    body = whole.body_of(value)
    assert body is not None
    values, candidate = values_of(echoers=echoers)
    assert values.learn(body) == value
    assert (values.is_valid(value), values.is_proposable(value)) == (valid, proposable)
    assert (candidate.of_view(1) == value) == proposable


def test_one_replica_counts_for_at_most_n_minus_f_digests_of_a_processor() -> None:
    echoes = Echoes(Quorums(4))
    digests = [bytes([k]) for k in range(8)]
    echoes.take(3, [update_item(0, digest) for digest in digests])
    for digest in digests:
        echoes.take(2, [update_item(0, digest)])
    assert len(echoes.digests(ItemKind.UPDATE, 0, 2)) == 3


class Lossy(Network):
    """Replica k + 1 never gets the update of processor k; replica 0 echoes, and is silent else."""

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        kind = getattr(payload, "kind", None)
        lost = kind == FrameKind.UPDATE and sender == payloads.processor_name(replica - 1)
        mute = sender == payloads.replica_name(0) != payloads.replica_name(replica) and kind != FrameKind.ECHO
        if not lost and not mute:
            super().push(at, replica, sender, payload)


@pytest.mark.parametrize(("replicas", "view"), [(4, 1), (5, 1), (6, 1)])
def test_a_leader_that_lacks_an_update_fetches_it_and_proposes(replicas: int, view: int) -> None:
    """At n = 6 two replicas lack nothing and close before the others, which close on their Echoes."""
    network = Lossy(replicas)
    network.run()
    decided = [network.decided[j, 0] for j in range(1, replicas)]
    assert {(decision.view, decision.processors, decision.skipped) for decision in decided} == {
        (view, (0, 1, 2), False)
    }
    network.assert_nobody_contradicted_itself()
