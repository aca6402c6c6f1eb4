"""Planted bugs of what a replica that missed something asks for, hears and is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ceas_ray.consensus.agreement import Agreement
from ceas_ray.consensus.authenticated_links import AuthenticatedLinks
from ceas_ray.consensus.catching_up import CatchingUp
from ceas_ray.consensus.chain_head import LastDecision
from ceas_ray.consensus.exploration.planted.inputs import replica_with
from ceas_ray.consensus.fetching import Fetching
from ceas_ray.consensus.replica import Replica
from ceas_ray.kernel.envelope import Effect
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FrameKind


class TellsOnlyOfItsOwnRound(CatchingUp):
    has_finished: Callable[[], bool]

    def tell_past(self, decision: LastDecision | None, *, receiver: str, now: int) -> list[Effect]:
        return [] if self.has_finished() else super().tell_past(decision, receiver=receiver, now=now)


def _knows_whether_it_has_finished(made: Agreement, catching_up: TellsOnlyOfItsOwnRound) -> None:
    catching_up.has_finished = lambda: made.finished


class ForgetsDecisionsOfAMissedRound(CatchingUp):
    def take_past_decides(self, decides: Mapping[int, bytes]) -> None:
        pass


class AsksOnlyWhenItsTimerRunsOut(CatchingUp):
    def is_hurried(self, view: int) -> bool:
        return False


class AsksOnlyAfterViewsOfMoreThanFLeaders(CatchingUp):
    """Does not ask because it could not do its part in a view."""

    def may_have_missed(self, view: int) -> bool:
        self._lacked_something_in = lambda view: False
        return super().may_have_missed(view)


def _looks_at_its_votes_only(made: Agreement, catching_up: CatchingUp) -> None:
    """Let it notice only in its voting that it lacks something: as a leader not before it has led a view in vain."""
    catching_up._lacked_something_in = made.voting.lacked_something_in


class TakesTheQuestionThatComesLastForTheLast(AuthenticatedLinks):
    def accept(self, frame: Frame) -> None:
        super().accept(frame)
        if frame.kind == FrameKind.CATCH_UP and frame.sender in self._others:
            self.state.heard[frame.sender] = frame


class IgnoresRepeatedQuestions(AuthenticatedLinks):
    def is_asked_again(self, frame: Frame, now: int) -> bool:
        return False


class AnyFormWillDo(Fetching):
    """Asks for nothing that is here in any form, and takes whatever comes as a body for wanted in no other form."""

    def want(self, digest: bytes, what: str) -> None:
        if self._find(digest) is None:
            super().want(digest, what)

    def stop(self, digest: bytes, what: str) -> bool:
        return self.take(digest) != ()


LAGGING_BUGS: dict[str, type[Replica]] = {
    "a finished replica tells only of its own round": replica_with(
        "catching_up", TellsOnlyOfItsOwnRound, _knows_whether_it_has_finished
    ),
    "decisions heard in a missed round are forgotten when the next begins": replica_with(
        "catching_up", ForgetsDecisionsOfAMissedRound
    ),
    "what is lacking is asked for only when the own timer runs out": replica_with(
        "catching_up", AsksOnlyWhenItsTimerRunsOut
    ),
    "what is lacking is asked for only after views of more than f leaders": replica_with(
        "catching_up", AsksOnlyAfterViewsOfMoreThanFLeaders
    ),
    "echoes that a leader lacks are asked for only after its own view": replica_with(
        "catching_up", CatchingUp, _looks_at_its_votes_only
    ),
    "the question that comes last counts as the last": replica_with("_links", TakesTheQuestionThatComesLastForTheLast),
    "a question that comes again is not answered": replica_with("_links", IgnoresRepeatedQuestions),
    "a content that arrived as a body is never asked for as a content": replica_with("fetching", AnyFormWillDo),
}
