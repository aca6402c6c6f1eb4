"""The values of a round: what a cut must not lose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.consensus.committee import Committee, Terms
from ceas_ray.consensus.inputs import Inputs
from ceas_ray.consensus.standing import AgreedModel, Standing
from ceas_ray.consensus.values import Values
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages import payloads
from ceas_ray.messages.frames import FrameKind, digest_of, encode_update
from tests.consensus.committee import Network

TERMS = Terms(Committee(4, 3, 1, 1000), b"chain", lambda state, rows, report: (b"", b"", state), 2)


def values_of(without: frozenset[int] = frozenset(), inputs: Inputs | None = None) -> Values:
    """At a replica that did not get the updates of these processors, although all others echo them."""
    inputs = inputs or Inputs(3, 3, 2)
    contents = [encode_update(np.full(2, k), 1, 1) for k in range(3)]
    for k in range(3):
        if k not in without:
            inputs.take_update(k, contents[k])
    inputs.take_report(payloads.TestReport(0, np.ones((3, 3)), np.zeros((3, 3))))
    inputs.closed = True
    for replica in (1, 2, 3):
        inputs.take_echo(replica, tuple(map(digest_of, contents)))
    return Values(TERMS, 0, inputs, Standing(AgreedModel((np.zeros(2), 0), ())))


def test_content_that_is_missing_is_still_wanted_after_a_cut() -> None:
    """A replica finds out in one event and may ask in the next one."""
    whole = values_of()
    proposal = whole.candidate()
    assert proposal is not None
    body = whole.body_of(proposal)
    assert body is not None
    lacking, restored = values_of(frozenset({1})), values_of(frozenset({1}))
    assert not lacking.is_valid(lacking.learn(body), lambda value: 0)
    restored.restore(decode(encode(lacking.snapshot())))
    wanted = restored.take_wanted()
    assert [processor for processor, _ in wanted] == [1]
    assert wanted == lacking.take_wanted()


def test_who_would_propose_an_entry_wants_its_content() -> None:
    lacking = values_of(frozenset({1}))
    assert lacking.candidate() is None
    assert [processor for processor, _ in lacking.take_wanted()] == [1]


def test_one_that_comes_to_know_entries_after_the_echoes_are_over_still_proposes() -> None:
    inputs = Inputs(3, 3, 2)
    late = values_of(frozenset({1}), inputs)
    late.echoes_are_over()
    assert late.candidate() is None
    inputs.take_fetched(1, encode_update(np.full(2, 1), 1, 1))
    assert late.candidate() == values_of().candidate()


class Lossy(Network):
    """Replica k + 1 never gets the update of processor k; replica 0 echoes, and is silent else."""

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        kind = getattr(payload, "kind", None)
        lost = kind == FrameKind.UPDATE and sender == payloads.processor_name(replica - 1)
        mute = sender == payloads.replica_name(0) != payloads.replica_name(replica) and kind != FrameKind.ECHO
        if not lost and not mute:
            super().push(at, replica, sender, payload)


@pytest.mark.parametrize(("replicas", "view"), [(4, 1), (5, 1), (6, 2)])
def test_a_leader_that_lacks_an_update_fetches_it_and_proposes(replicas: int, view: int) -> None:
    """At n = 6 two replicas lack nothing and close 20 Delta before the others: their first two views run out."""
    network = Lossy(replicas)
    network.run()
    decided = [network.decided[j, 0] for j in range(1, replicas)]
    assert {(decision.view, decision.processors, decision.skipped) for decision in decided} == {
        (view, (0, 1, 2), False)
    }
    network.assert_nobody_contradicted_itself()
