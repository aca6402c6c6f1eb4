"""The values of a round: what a cut must not lose."""

from __future__ import annotations

import numpy as np

from ceas_ray.consensus.committee import Committee, Terms
from ceas_ray.consensus.inputs import Inputs
from ceas_ray.consensus.standing import AgreedModel, Standing
from ceas_ray.consensus.values import Values
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages import payloads
from ceas_ray.messages.frames import digest_of, encode_update

TERMS = Terms(Committee(4, 3, 1, 1000), b"chain", lambda state, rows, report: (b"", b"", state), 2)


def values_of(without: frozenset[int] = frozenset()) -> Values:
    """At a replica that did not get the updates of these processors, although all others echo them."""
    inputs = Inputs(3, 3, 2)
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
    proposal = whole.candidate(waiting=True)
    assert proposal is not None
    body = whole.body_of(proposal)
    assert body is not None
    lacking, restored = values_of(frozenset({1})), values_of(frozenset({1}))
    assert not lacking.is_valid(lacking.learn(body), lambda value: 0)
    restored.restore(decode(encode(lacking.snapshot())))
    wanted = restored.take_wanted()
    assert [processor for processor, _ in wanted] == [1]
    assert wanted == lacking.take_wanted()
