"""Which replicas tell a processor the decided model, and whom they answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.consensus.authenticated_links import AuthenticatedLinks
from ceas_ray.consensus.chain_head import AgreedModel, ChainHead, LastDecision
from ceas_ray.consensus.model_replies import ModelReplies
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.messages.authentication import TAG_BITS
from ceas_ray.messages.frames import FrameKind
from ceas_ray.messages.payloads import RoundStarted, processor_name
from ceas_ray.messages.quorum import Quorums
from tests.consensus.parts import COMMITTEE, frames_in, links_of_replica_0

PLAN_ENDS, ROUND = 100, 6
SCHEDULE = RoundStarted(
    round_index=ROUND, plan_ends_at=PLAN_ENDS, inputs_open_until=120, inputs_time_out_at=140,
    key_bits=np.zeros((2, 0), np.int64),
)  # fmt: skip


@dataclass
class Phase:
    closed: bool = False
    is_silent: bool = False


def replies_after(last: int, closed: bool = False) -> tuple[ModelReplies, AuthenticatedLinks]:
    """Return the replies of replica 0 in round ROUND, which has decided the round `last`."""
    links, head = links_of_replica_0(), ChainHead(AgreedModel((np.zeros(2), 0), ()))
    head.adopt(LastDecision(last, b"value", b"body"), AgreedModel((np.full(2, float(last)), 1), ()))
    links.enter_round(ROUND)
    replies = ModelReplies(0, COMMITTEE, links=links, head=head, phase=Phase(closed), schedule=SCHEDULE)  # type: ignore[arg-type]
    return replies, links


@given(replicas=st.integers(4, 50), processor=st.integers(0, 1000), round_index=st.integers(0, 1000))
def test_every_processor_is_told_by_just_so_many_replicas_that_one_is_honest(
    replicas: int, processor: int, round_index: int
) -> None:
    quorums = Quorums(replicas)
    telling = [j for j in range(replicas) if quorums.replies_unasked(j, processor, round_index)]
    assert len(telling) == quorums.faults + 1


@given(replicas=st.integers(4, 50), first=st.integers(0, 1000))
def test_all_replicas_reply_to_a_processor_equally_often(replicas: int, first: int) -> None:
    quorums, rounds = Quorums(replicas), range(first, first + replicas)
    often = {sum(quorums.replies_unasked(j, 3, t) for t in rounds) for j in range(replicas)}
    assert often == {quorums.blocking}


def test_the_model_of_the_round_goes_to_whom_this_replica_replies_unasked() -> None:
    replies, _ = replies_after(ROUND, closed=True)
    frames = frames_in(replies.unasked(130))
    told = [k for k in range(COMMITTEE.processors) if COMMITTEE.replies_unasked(0, k, ROUND)]
    assert 0 < len(told) < COMMITTEE.processors
    assert [frame.receiver for frame in frames] == [processor_name(k) for k in told]
    assert all(frame.kind == FrameKind.MODEL and frame.round_index == ROUND for frame in frames)
    assert decode(frames[0].body).tolist() == [6.0, 6.0]


def test_who_asks_during_the_plan_is_told_the_model_of_the_round_before_once() -> None:
    replies, links = replies_after(ROUND - 1)
    (frame,) = frames_in(replies.answer(2, ROUND - 1, PLAN_ENDS - 1))
    assert (frame.receiver, frame.round_index, frame.kind) == (processor_name(2), ROUND - 1, FrameKind.MODEL)
    assert decode(frame.body).tolist() == [5.0, 5.0]
    spent = links.key_bits_spent()
    assert replies.answer(2, ROUND - 1, PLAN_ENDS - 1) == []
    assert links.key_bits_spent() == spent


def test_nobody_is_answered_from_the_silence_or_the_end_of_the_plan_to_the_close_of_inputs() -> None:
    replies, _ = replies_after(ROUND - 1)
    replies._phase.is_silent = True  # type: ignore[misc]
    assert replies.answer(2, ROUND - 1, 3) == []
    assert replies_after(ROUND - 1)[0].answer(2, ROUND - 1, PLAN_ENDS) == []
    assert len(frames_in(replies_after(ROUND, closed=True)[0].answer(2, ROUND, PLAN_ENDS))) == 1


@pytest.mark.parametrize("asked", [ROUND - 2, ROUND, 10**6])
def test_only_the_last_decided_round_is_answered_for(asked: int) -> None:
    assert replies_after(ROUND - 1)[0].answer(2, asked, 3) == []


@given(asked=st.lists(st.tuples(st.integers(0, 2), st.integers(0, ROUND + 1), st.integers(0, 200))))
def test_whatever_processors_ask_it_costs_at_most_a_tag_for_each_of_two_models(
    asked: list[tuple[int, int, int]],
) -> None:
    replies, links = replies_after(ROUND - 1)
    for number, (processor, round_index, now) in enumerate(asked):
        if number == len(asked) // 2:
            replies._phase.closed = True
            replies._head.adopt(LastDecision(ROUND, b"", b""), AgreedModel((np.zeros(2), 2), ()))
        replies.answer(processor, round_index, now)
    spent = links.key_bits_spent()
    assert all(spent[processor_name(k)] <= 2 * 2 * TAG_BITS for k in range(3)), "a tag and a fresh hash key each"


def test_restored_replies_know_whom_they_answered() -> None:
    replies, _ = replies_after(ROUND - 1)
    replies.answer(1, ROUND - 1, 3)
    again, _ = replies_after(ROUND - 1)
    again.restore(decode(encode(replies.snapshot())))
    assert again.answer(1, ROUND - 1, 4) == []
    assert len(again.answer(2, ROUND - 1, 4)) == 1
