"""One round at one replica: collects inputs, echoes them, votes, and adopts what is decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ceas_ray.consensus.authenticated_links import AuthenticatedLinks
from ceas_ray.consensus.catching_up import CatchingUp
from ceas_ray.consensus.committee import ECHO_DELTAS, VIEW_TIMER_DELTAS, Terms
from ceas_ray.consensus.fetching import A_BODY, A_MODEL, Fetching, decoded_model, pair_of
from ceas_ray.consensus.inputs import Inputs, is_well_formed_update
from ceas_ray.consensus.standing import LastDecision, Standing
from ceas_ray.consensus.tetrabft import Action, ArmTimer, Decision, Output, TetraBFT, evidence_of
from ceas_ray.consensus.values import Values
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Effect, Send
from ceas_ray.messages.frames import FrameKind, decode_foreign, digest_of
from ceas_ray.messages.payloads import (
    ENTANGLEMENT_MANAGER,
    Frame,
    RoundDecided,
    RoundStarted,
    TestReport,
    Timer,
    replica_name,
)

_OF_THE_LAST_ROUND = frozenset({FrameKind.DECIDE, FrameKind.FETCH, FrameKind.CONTENT, FrameKind.CATCH_UP})
_DIGESTS = frozenset(
    {FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4, FrameKind.DECIDE, FrameKind.PROPOSAL}
)
_VOTING = frozenset({*_DIGESTS, FrameKind.SUGGEST, FrameKind.PROOF, FrameKind.VIEW_CHANGE})


class Agreement:
    """Inputs are open until they close; then view 0 begins. `schedule` None: before the first round.

    The parts: `inputs` (updates, echoes), `values` (what may be decided), `voting` (TetraBFT), `fetching` and
    `catching_up` (what is missing here, or there).
    """

    def __init__(
        self, index: int, terms: Terms, links: AuthenticatedLinks, standing: Standing, schedule: RoundStarted | None
    ) -> None:
        committee = terms.committee
        self._index, self._terms, self._links, self._standing = index, terms, links, standing
        self._name = replica_name(index)
        self.schedule = schedule
        self.round_index = -1 if schedule is None else schedule.round_index
        self.inputs = Inputs(committee.processors, committee.quorum, committee.blocking)
        self.inputs.without = standing.model.quarantined
        self.values = Values(terms, self.round_index, self.inputs, standing)
        self.voting = TetraBFT(index, committee.replicas, self._leader, self._is_valid)
        self.fetching = Fetching(index, links, self.inputs, self.values, standing)
        self.catching_up = CatchingUp(links, committee.blocking)
        self.finished = self.stopped = False

    def _leader(self, view: int) -> int:
        return self._terms.committee.leader(self.round_index, view)

    def _is_valid(self, digest: bytes) -> bool:
        return self.values.is_valid(digest, self.voting.proof_votes_for)

    # --- inputs ----------------------------------------------------------

    def input_timers(self, now: int) -> list[Effect]:
        """When the inputs may close, and when they must."""
        assert self.schedule is not None
        times = (("may close", self.schedule.inputs_open_until), ("must close", self.schedule.inputs_time_out_at))
        return [Send(max(now + 1, at), self._name, Timer(purpose, self.round_index)) for purpose, at in times]

    def take_report(self, report: TestReport, now: int) -> list[Effect]:
        """The hub's tests are an input. Nobody says them again: after the close they still serve to judge values."""
        if self.inputs.report is not None:
            return []
        self.inputs.take_report(report)
        return self._reconsider(now) if self.inputs.closed else self._close_if_complete(now)

    def _close_if_complete(self, now: int) -> list[Effect]:
        assert self.schedule is not None
        if self.inputs.closed or now < self.schedule.inputs_open_until or not self.inputs.complete:
            return []
        return self._close(now)

    def _close(self, now: int) -> list[Effect]:
        """Echo what came in, enter view 0, and give the echoes time."""
        self.inputs.closed = True
        if self._links.keyed_peers() + 1 < self._terms.committee.quorum:
            self.values.may_skip = True
        echo, accused = self.inputs.echo(), self._standing.accused
        self.inputs.take_echo(self._index, echo, accused)
        effects = self._links.broadcast(FrameKind.ECHO, 0, encode((echo, accused)), now)
        if self._standing.behind or self._standing.recovered:
            self._standing.recovered = False
            effects += [*self.catching_up.ask(now), *self._follow(now)]
        for request in self.catching_up.take_postponed():
            effects += self._answer(*request, now)
        effects.append(self._echo_timer(now))
        return effects + self._act(self.voting.start(self._candidate()), now)

    def _echo_timer(self, now: int) -> Effect:
        at = now + ECHO_DELTAS * self._terms.committee.delta
        return Send(at, self._name, Timer("echoes over", self.round_index))

    def _candidate(self) -> bytes | None:
        return self.values.candidate() if self.voting.candidate is None else None

    def _reconsider(self, now: int) -> list[Effect]:
        """More is known than before: propose, or find valid, what could not be."""
        actions = self.voting.poke(self._candidate())
        return [*self._act(actions, now), *self.fetching.ask_for_updates(now)]

    # --- timers ----------------------------------------------------------

    def timer(self, purpose: str, view: int, now: int) -> list[Effect]:
        """A timer of this round ran out."""
        match purpose:
            case "may close":
                return self._close_if_complete(now)
            case "must close":
                return [] if self.inputs.closed else self._close(now)
            case "echoes over":
                self.values.echoes_are_over()
                return self._reconsider(now)
            case _:
                return [] if self.stopped else self._view_timer(view, now)

    def _view_timer(self, view: int, now: int) -> list[Effect]:
        """No decision in this view: ask for the next one. Where that did not help, ask what was missed."""
        effects = self._act(self.voting.timeout(view), now)
        if self.finished:
            return effects
        if self.voting.halted:
            effects.append(self._armed(view, now))
        self.fetching.ask_again()
        if self.catching_up.timed_out_again(view) or self._standing.behind:
            effects += self.catching_up.ask(now)
        return [*effects, *self._follow(now), *self._reconsider(now), *self._finish(now)]

    def _armed(self, view: int, now: int) -> Effect:
        at = now + VIEW_TIMER_DELTAS * self._terms.committee.delta
        return Send(at, self._name, Timer("view", self.round_index, view))

    def give_up(self, now: int) -> list[Effect]:
        """The manager gives the round up: from now on SKIP is valid here, and what this replica would propose."""
        if self._standing.behind:
            return []
        self.values.may_skip = True
        self.voting.candidate = self.values.skip()
        return self._act(self.voting.poke(), now)

    # --- frames ----------------------------------------------------------

    def receive(self, frame: Frame, now: int) -> list[Effect]:
        """A frame of this round, or of the one before."""
        who, _, number = frame.sender.partition("/")
        of_last_round = frame.round_index < self.round_index
        if of_last_round and (who == "processor" or frame.kind not in _OF_THE_LAST_ROUND):
            return []
        body = self._links.open(frame)
        if body is None:
            return []
        if who == "processor":
            if frame.kind == FrameKind.UPDATE and is_well_formed_update(body, self._terms.parameters):
                self.inputs.take_update(int(number), body)
                return self._close_if_complete(now)
            return []
        try:
            kind, content = FrameKind(frame.kind), decode_foreign(body)
            if of_last_round:
                return self._receive_of_last_round(int(number), kind, content, now)
            return self._receive_of_this_round(int(number), kind, frame.view, content, now)
        except ValueError:
            return []  # malformed bytes of a Byzantine replica: as if it had been silent

    def _receive_of_this_round(self, sender: int, kind: FrameKind, view: int, content: Any, now: int) -> list[Effect]:
        if kind in _VOTING:
            return self._receive_voting(sender, kind, view, content, now)
        match kind:
            case FrameKind.ECHO:
                digests, accused = pair_of(content, tuple, tuple)
                self.inputs.take_echo(sender, digests, accused)
                return self._reconsider(now) if self.inputs.closed else []
            case FrameKind.FETCH | FrameKind.CATCH_UP:
                return self._request(sender, self.round_index, kind, content, now)
            case FrameKind.CONTENT:
                return self._take_content(*pair_of(content, int, bytes), now)
        return []

    def _receive_voting(self, sender: int, kind: FrameKind, view: int, content: Any, now: int) -> list[Effect]:
        if kind in _DIGESTS and not isinstance(content, bytes):
            raise ValueError("a vote must name a digest, a proposal must carry its body")
        if kind == FrameKind.PROPOSAL:
            content = self.values.learn(content)
        elif kind in (FrameKind.SUGGEST, FrameKind.PROOF):
            content = evidence_of(content)
        actions = self.voting.receive(sender, kind, view, content)
        return [*self._act(actions, now), *self.fetching.ask_for_updates(now)]

    def _receive_of_last_round(self, sender: int, kind: FrameKind, content: Any, now: int) -> list[Effect]:
        """One who has not yet heard of this round, or one who answers what we missed."""
        if kind in (FrameKind.FETCH, FrameKind.CATCH_UP):
            return self._request(sender, self.round_index - 1, kind, content, now)
        if kind == FrameKind.CONTENT:
            return self._take_content(*pair_of(content, int, bytes), now)
        if not self._standing.behind or not isinstance(content, bytes):
            return []
        return self._follow(now) if self.catching_up.take_past_decide(sender, content) else []

    def _take_content(self, processor: int, data: bytes, now: int) -> list[Effect]:
        if processor == A_MODEL:
            return self._take_model(data, now)
        if processor == A_BODY:
            self.values.learn(data)
        elif self.inputs.acceptable(processor, digest_of(data)) and is_well_formed_update(data, self._terms.parameters):
            self.inputs.take_fetched(processor, data)
        return [*self._follow(now), *self._reconsider(now), *self._finish(now)]

    # --- catching up ----------------------------------------------------------

    def _request(self, sender: int, round_index: int, kind: FrameKind, content: Any, now: int) -> list[Effect]:
        """Answer, or keep it until the inputs close: nothing is sent before. round_index: where the asker is.

        ValueError for what is malformed.
        """
        if kind == FrameKind.FETCH and not isinstance(content, bytes):
            pair_of(content, int, bytes)
        if self.schedule is not None and not self.inputs.closed:
            self.catching_up.postpone((sender, round_index, int(kind), content))
            return []
        return self._answer(sender, round_index, kind, content, now)

    def _answer(self, sender: int, round_index: int, kind: int, content: Any, now: int) -> list[Effect]:
        if kind == FrameKind.FETCH:
            return self.fetching.answer(sender, round_index, content, now)
        return self._tell(sender, now) if self.catching_up.may_tell(sender) else []

    def _tell(self, sender: int, now: int) -> list[Effect]:
        """What the last decision was, and what this replica has said since that still counts."""
        name, last = replica_name(sender), self._standing.last
        effects: list[Effect] = []
        self._links.forget_view_change(name)
        if last is not None:
            effects += self._links.send(FrameKind.DECIDE, 0, name, encode(last.value), now, last.round_index)
        if self.finished or not self.inputs.closed:
            return effects
        own = (self.inputs.echo_of(self._index), self._standing.accused)
        effects += self._links.send(FrameKind.ECHO, 0, name, encode(own), now)
        return effects + self._act(self.voting.resend(sender), now)

    def say_again(self, now: int) -> list[Effect]:
        """New keys have come in the middle of a round: what was omitted for want of keys can be said now, and a
        decision again, for somebody waits for it."""
        if not self.inputs.closed:
            return []
        self.catching_up.keys_have_come()
        others = [j for j in range(self._terms.committee.replicas) if j != self._index]
        return [effect for j in others for effect in self._tell(j, now)]

    def _follow(self, now: int) -> list[Effect]:
        """Follow what B others decided in the round before: its body names the model, which is fetched by digest."""
        past = self.catching_up.past
        if past is None or not self._standing.behind or not self.inputs.closed:
            return []
        return self.fetching.ask_for(self.values.next_digest(past) or past, self.round_index - 1, now)

    def _take_model(self, data: bytes, now: int) -> list[Effect]:
        """The model of the round before, or of this one, if it is the one that a decided value names."""
        digest, decision, past = digest_of(data), self.voting.decided, self.catching_up.past
        if self._standing.behind and past is not None and self.values.next_digest(past) == digest:
            body = self.values.body_of(past)
            assert body is not None
            self._standing.behind = False
            self._standing.model = decoded_model(data)
            self._standing.last = LastDecision(self.round_index - 1, past, body)
            self.inputs.without = self._standing.model.quarantined
            return [*self._reconsider(now), *self._finish(now)]
        if decision is None or self.finished or self.values.next_digest(decision.value) != digest:
            return []
        self.values.adopt(decision.value, decoded_model(data))
        return self._finish(now)

    # --- actions of the voting ----------------------------------------------------------

    def _act(self, actions: Sequence[Action], now: int) -> list[Effect]:
        effects: list[Effect] = []
        for action in actions:
            match action:
                case Output(kind, view, content, to):
                    body = encode(self.values.body_of(content) if kind == FrameKind.PROPOSAL else content)
                    if to is None:
                        effects += self._links.broadcast(kind, view, body, now)
                    else:
                        effects += self._links.send(kind, view, replica_name(to), body, now)
                case ArmTimer(view):
                    effects.append(self._armed(view, now))
                case Decision():
                    effects += self._finish(now)
        return effects

    def _finish(self, now: int) -> list[Effect]:
        """Adopt what was decided, once its body is here and recomputed; answer the processors and the manager."""
        decision = self.voting.decided
        if decision is None or self.finished:
            return []
        body = self.values.body_of(decision.value)
        if body is None:
            return self.fetching.ask_for(decision.value, self.round_index, now)
        self._is_valid(decision.value)
        outcome = self.values.outcome_of_decided(decision.value)
        if outcome is None:
            missing = self.fetching.ask_for_updates(now)
            return missing or self.fetching.ask_for(decode(body)[-1], self.round_index, now)
        self.finished = True
        self.catching_up.has_news()
        standing, model = self._standing, outcome.model
        standing.behind, standing.model = False, model
        standing.last = LastDecision(self.round_index, decision.value, body)
        effects = self._links.reply_to_processors(encode(model.state[0]), now)
        decided = RoundDecided(
            self.round_index, decision.value, outcome.skipped, decision.view, outcome.processors, outcome.weights,
            model.state[0], model.quarantined, self._links.key_bits_left(),
        )  # fmt: skip
        return [*effects, self._links.report(ENTANGLEMENT_MANAGER, decided, now)]

    # --- crash and recovery ----------------------------------------------------------

    def persistent(self) -> dict[str, Any]:
        """What is on disk before a message leaves, beside what `Standing` and the links keep."""
        return {
            "schedule": self.schedule, "finished": self.finished, "stopped": self.stopped,
            "voting": self.voting.persistent(), **self.inputs.persistent(self._index), **self.values.persistent(),
        }  # fmt: skip

    def recover(self, persisted: Any, now: int) -> list[Effect]:
        """Go on from what was persisted, and ask the others for the rest."""
        self.finished, self.stopped = persisted["finished"], persisted["stopped"]
        self.values.may_skip = persisted["may_skip"]
        self.inputs.take_report(persisted["report"])
        if self.schedule is None:
            return []
        if persisted["echo"] is None:
            return self.input_timers(now)
        self.inputs.recover(persisted, self._index, self._standing.accused)
        self.values.recover(persisted, self.finished)
        actions = self.voting.recover(persisted["voting"])
        effects = [self._echo_timer(now), *self._act(actions, now)]
        return effects if self.finished else [*effects, *self.catching_up.ask(now), *self._finish(now)]

    # --- state ----------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """All state, in plain values."""
        return {
            "schedule": self.schedule, "finished": self.finished, "stopped": self.stopped,
            "inputs": self.inputs.snapshot(), "values": self.values.snapshot(), "voting": self.voting.snapshot(),
            "fetching": self.fetching.snapshot(), "catching_up": self.catching_up.snapshot(),
        }  # fmt: skip

    def restore(self, state: Any) -> None:
        """Go back to a snapshot."""
        self.finished, self.stopped = state["finished"], state["stopped"]
        for part in ("inputs", "values", "voting", "fetching", "catching_up"):
            getattr(self, part).restore(state[part])
