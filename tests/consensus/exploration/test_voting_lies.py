"""The lies of a Byzantine replica at the level of voting."""

from __future__ import annotations

from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.exploration.voting_lies import POISON, VALUES, WITHHELD, VotingLies
from ceas_ray.messages.frames import FrameKind


def lies(probability: float, deaf: frozenset[int] = frozenset()) -> VotingLies:
    return VotingLies(Draws(2, "lies"), probability, deaf)


def test_without_lies_everything_is_said_as_it_is() -> None:
    assert lies(0.0).falsified(1, FrameKind.VOTE1, 3, VALUES[0]) == (FrameKind.VOTE1, 3, VALUES[0])


def test_the_deaf_hear_nothing() -> None:
    assert lies(0.0, frozenset({1})).falsified(1, FrameKind.VOTE1, 3, VALUES[0]) is WITHHELD


def test_a_liar_proposes_any_value_and_one_that_is_not_valid() -> None:
    liar = lies(1.0)
    said = {liar.falsified(1, FrameKind.PROPOSAL, 3, VALUES[0])[2] for _ in range(200)}  # type: ignore[index]
    assert said == {*VALUES, POISON}


def test_a_liar_claims_votes_of_views_that_are_over_alone() -> None:
    liar = lies(1.0)
    for _ in range(200):
        kind, _, history = liar.falsified(1, FrameKind.PROOF, 3, None)  # type: ignore[misc]
        if kind == FrameKind.PROOF:
            assert all(vote.view < 3 for vote in history)
