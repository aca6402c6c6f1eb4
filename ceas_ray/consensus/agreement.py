"""One round at one replica: it collects inputs, echoes them, votes, and adopts what is decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ceas_ray.consensus.adoption import Adoption
from ceas_ray.consensus.agreement_state import AgreementState
from ceas_ray.consensus.archive import Archive
from ceas_ray.consensus.authenticated_links import AuthenticatedLinks
from ceas_ray.consensus.candidate import Candidate
from ceas_ray.consensus.catching_up import CatchingUp
from ceas_ray.consensus.chain_head import ChainHead
from ceas_ray.consensus.committee import VIEW_TIMER_DELTAS, ProtocolParameters
from ceas_ray.consensus.echoes import ItemKind, items_of
from ceas_ray.consensus.fetching import BODY, CONTENT, MODEL, Fetching
from ceas_ray.consensus.input_phase import InputPhase
from ceas_ray.consensus.inputs import Inputs, is_well_formed_update
from ceas_ray.consensus.model_replies import ModelReplies
from ceas_ray.consensus.pacing import Pacing
from ceas_ray.consensus.replica_message import LAST_ROUND_FRAMES, VIEW_FRAMES, VOTING_FRAMES, ReplicaMessage
from ceas_ray.consensus.tetrabft import TetraBFT
from ceas_ray.consensus.timers import ReplicaTimer
from ceas_ray.consensus.value_store import ValueStore
from ceas_ray.consensus.voting_state import Action, ArmTimer, BodyWanted, Output
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Effect, Send
from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FRAME_KINDS, FrameKind, digest_of
from ceas_ray.messages.payloads import ENTANGLEMENT_MANAGER, RoundStarted, TestReport, Timer, replica_name


class Agreement(Stateful):
    """Runs one round: inputs are open until they close, and with Echoes of Q replicas view 0 begins. schedule: None
    before the first round.

    Each part owns its state; the others read it, or call its methods. `phase` owns the inputs, the echoes and what this
    replica has echoed; `values` the bodies of values and what is known of them; `voting` the views, the votes and the
    decision; `fetching` what is asked for, here and by others; `catching_up` what was decided in the round before, if
    this replica missed it, and who was answered how often; `replies` which processors asked. `candidate`
    (what this replica would propose) and `adoption` (of what is decided) have no state; adoption moves `head` on, which
    outlives the round, as do `links` and `archive`.
    """

    def __init__(
        self, index: int, protocol: ProtocolParameters, *, links: AuthenticatedLinks, head: ChainHead, archive: Archive,
        schedule: RoundStarted | None,
    ) -> None:  # fmt: skip
        committee = protocol.committee
        self._index, self._protocol, self._links, self._head, self._archive = index, protocol, links, head, archive
        self._name, self.schedule = replica_name(index), schedule
        self.round_index = -1 if schedule is None else schedule.round_index
        self.inputs = Inputs(committee.processors, protocol.model_size, head.model.quarantined)
        self.voting = TetraBFT(
            index, committee.replicas, leader=lambda view: committee.leader(self.round_index, view),
            is_valid=self._is_valid, is_proposable=self._is_proposable, candidate=self._candidate_of,
        )  # fmt: skip
        self.phase = InputPhase(
            index, committee, links=links, inputs=self.inputs, schedule=schedule, accused=head.accused,
            voting=self.voting,
        )  # fmt: skip
        self.values = ValueStore(protocol, self.round_index, inputs=self.inputs, echoes=self.phase.echoes, head=head)
        self.candidate = Candidate(committee, self.phase, self.values)
        max_waiting = committee.processors * committee.quorum + committee.replicas
        self.fetching = Fetching(links, Pacing(committee.delta), max_waiting, find=self._find, has=self._has)
        self.catching_up = CatchingUp(links, committee, self.phase.lacked_something_in)
        self.adoption = Adoption(
            self.round_index, head=head, archive=archive, inputs=self.inputs, values=self.values,
            fetching=self.fetching, find=self._find,
        )  # fmt: skip
        self.replies = ModelReplies(index, committee, links=links, head=head, phase=self.phase, schedule=schedule)
        self.state = AgreementState()

    def parts(self) -> Mapping[str, Stateful]:
        """See `Stateful`."""
        return {"phase": self.phase, "values": self.values, "voting": self.voting, "fetching": self.fetching,
                "catching_up": self.catching_up, "replies": self.replies}  # fmt: skip

    @property
    def finished(self) -> bool:
        """Whether this replica has adopted what was decided."""
        return self.state.finished

    def stop(self) -> None:
        """Let the timers of this round run out, since nothing more will come of it."""
        self.state.stopped = True

    def _is_valid(self, digest: bytes) -> bool:
        return self.phase.closed and self.values.is_valid(digest)

    def _is_proposable(self, digest: bytes) -> bool:
        return self.phase.closed and self.values.is_proposable(digest)

    def _candidate_of(self, view: int) -> bytes | None:
        return self.candidate.of_view(view) if self.phase.closed else None

    def _find(self, digest: bytes) -> bytes | None:
        """Return whatever is here under a digest: a content, a body, a model."""
        model = self._head.model
        found = self.inputs.contents.get(digest) or self.values.body_of(digest) or self._archive.find(digest)
        return model.encoded if found is None and digest == model.digest else found

    def _has(self, digest: bytes, what: str) -> bool:
        """Return whether a digest is here as what it is wanted for."""
        if what == CONTENT:
            return self.inputs.has(digest)
        return (self.values.body_of if what == BODY else self._find)(digest) is not None

    # --- inputs ----------------------------------------------------------

    def begin(self, now: int) -> list[Effect]:
        """Start the round."""
        return self.phase.input_timers(now)

    def take_report(self, report: TestReport, now: int) -> list[Effect]:
        """Take the hub's tests, which are an input."""
        return [*self.phase.take_report(report, now), *self._go_on(now)]

    def _go_on(self, now: int) -> list[Effect]:
        """Look again at what could not be entered, proposed, judged or adopted, since more is known than before."""
        if not self.phase.closed:
            return [*self._arm_fetch(now), *self._finish(now)]
        effects: list[Effect] = []
        if not self.voting.inputs_closed:
            effects += [*self._act(self.voting.close_inputs(), now), *self._timer_without_a_view(now)]
        if self.phase.heard_quorum and self.voting.view < 0:
            effects += self._act(self.voting.start(), now)
        effects += self._act(self.voting.reconsider(), now)
        self._want_contents()
        return [*effects, *self.fetching.answer_waiting(now), *self._arm_fetch(now), *self._finish(now)]

    def _timer_without_a_view(self, now: int) -> list[Effect]:
        """Return the timer after which a replica without Echoes of Q replicas asks for what it missed."""
        return [self._armed(self.voting.view, now)] if self.voting.view < 0 else []

    def _want_contents(self) -> None:
        """Ask for all updates and reports that B replicas echo."""
        for kind, _, digest in self.phase.echoes.take_acceptable():
            if kind in (ItemKind.UPDATE, ItemKind.REPORT):
                self.fetching.want(digest, CONTENT)

    def _arm_fetch(self, now: int) -> list[Effect]:
        at = self.fetching.arm(now, self.voting.view)
        return [] if at is None else [Send(at, self._name, Timer(ReplicaTimer.FETCHES_LEAVE, self.round_index))]

    # --- timers ----------------------------------------------------------

    def timer(self, purpose: ReplicaTimer, view: int, now: int) -> list[Effect]:
        """Do what a timer of this round is for."""
        match purpose:
            case ReplicaTimer.FETCHES_LEAVE:
                return [*self.fetching.fires(now, self.voting.view), *self._arm_fetch(now)]
            case ReplicaTimer.VIEW_ENDS:
                return [] if self.state.stopped or view != self.voting.view else self._view_timer(view, now)
            case _:
                effects = self.phase.timer(purpose, now)
                if purpose is ReplicaTimer.INPUTS_MAY_CLOSE:
                    effects += self._may_speak(now)
                return [*effects, *self._go_on(now)]

    def _may_speak(self, now: int) -> list[Effect]:
        """Come back after a crash, or ask if this replica is behind: nothing is sent before inputs may close."""
        assert self.schedule is not None
        if self.state.to_come_back:
            return self._come_back(now)
        self.adoption.follow(self.catching_up.past)
        began_late = now > self.schedule.inputs_open_until and not self.catching_up.has_asked
        return self.catching_up.ask(now, self.voting.view) if self._head.behind or began_late else []

    def _view_timer(self, view: int, now: int) -> list[Effect]:
        """Ask for the next view, since this one brought no decision. Where that did not help, ask what was missed."""
        in_a_view = view >= 0 and not self.voting.halted
        missed = self.catching_up.may_have_missed(view)
        effects = self._act(self.voting.timeout(view), now) if in_a_view else []
        if self._is_at_rest:
            return effects
        if not in_a_view:
            self.fetching.renew()
            effects += [self._armed(view, now), *self.phase.renew(now)]
        effects += self._ask_again(missed, now)
        self.adoption.follow(self.catching_up.past)
        return [*effects, *self._go_on(now)]

    def _ask_again(self, missed: bool, now: int) -> list[Effect]:
        """Fetch again what is lacking, and ask what was missed, if anything may have been."""
        self.fetching.ask_again()
        asks = missed or self._head.behind or not self.phase.heard_quorum
        return self.catching_up.ask(now, self.voting.view) if asks else []

    @property
    def _is_at_rest(self) -> bool:
        """Whether it has finished, and nobody is known to need more: it has halted, or no view was asked for since."""
        decided = self.voting.decided
        return self.finished and decided is not None and (self.voting.halted or self.voting.view <= decided.view)

    def _armed(self, view: int, now: int) -> Effect:
        at = now + VIEW_TIMER_DELTAS * self._protocol.committee.delta
        return Send(at, self._name, Timer(ReplicaTimer.VIEW_ENDS, self.round_index, view))

    def give_up(self, now: int) -> list[Effect]:
        """Echo SKIP, because the manager gives the round up."""
        return [*self.phase.give_up(now), *self._go_on(now)]

    # --- frames ----------------------------------------------------------

    def is_early(self, now: int) -> bool:
        """Return whether no honest replica can have closed its inputs yet; nothing is answered before."""
        return self.schedule is not None and not self.phase.closed and now < self.schedule.inputs_open_until

    def receive(self, frame: Frame, now: int) -> list[Effect]:
        """Take a frame of this round, or of the one before.

        Its slot is used up only when what it says is part of the state. So no content is lost with its slot, whatever
        is persisted in between, and a frame that comes again is no news.
        """
        of_last_round = frame.round_index < self.round_index
        kind, from_processor = FRAME_KINDS[frame.kind], frame.sender.startswith("processor/")
        if of_last_round and kind not in ({FrameKind.MODEL_WANTED} if from_processor else LAST_ROUND_FRAMES):
            return []
        if kind in VIEW_FRAMES and self.voting.is_too_far_ahead(frame.view):
            return []  # not accepted, so it may come again
        body = self._links.verify(frame)
        if body is None:
            return self._answer_again(frame, now)
        number = int(frame.sender.partition("/")[2])
        try:
            if from_processor:
                effects = self._receive_of_processor(number, frame, body, now)
            else:
                message = ReplicaMessage.of(frame, number, body)
                effects = (self._receive_of_last_round if of_last_round else self._receive_of_this_round)(message, now)
        except ValueError:
            effects = []  # malformed bytes of a Byzantine replica: as if it had been silent
        self._links.accept(frame)
        return effects

    def _receive_of_processor(self, number: int, frame: Frame, body: bytes, now: int) -> list[Effect]:
        if frame.kind == FrameKind.MODEL_WANTED:
            return self.replies.answer(number, frame.round_index, now)
        if frame.kind != FrameKind.UPDATE or not is_well_formed_update(body, self._protocol.model_size):
            return []
        return [*self.phase.take_update(number, body, now), *self._go_on(now)]

    def _receive_of_this_round(self, message: ReplicaMessage, now: int) -> list[Effect]:
        if message.kind in VOTING_FRAMES:
            return self._receive_voting(message, now)
        if message.kind == FrameKind.ECHO:
            items = items_of(message.content, self._protocol.committee.processors)
            return [*self.phase.take_echo(message.sender, items, now), *self._go_on(now)]
        return self._receive_any_time(message, now)

    def _receive_voting(self, message: ReplicaMessage, now: int) -> list[Effect]:
        sender, kind, view, content = message.sender, message.kind, message.view, message.voting_content()
        if kind == FrameKind.PROPOSAL:
            content = self._learn_proposed(sender, view, content)
        effects = self._act(self.voting.receive(sender, kind, view, content), now)
        return [*effects, *self._finish(now), *self._arm_fetch(now)]

    def _learn_proposed(self, sender: int, view: int, body: bytes) -> bytes:
        """Return a proposal's digest; keep its body if it is the first of the view's leader or was asked for as one."""
        digest = digest_of(body)
        if self.fetching.stop(digest, BODY) or self.voting.expects_proposal(sender, view):
            self.values.learn(body)
        return digest

    def _receive_of_last_round(self, message: ReplicaMessage, now: int) -> list[Effect]:
        """Answer a replica that has not yet heard of this round, or take the answer to what this one missed."""
        if message.kind != FrameKind.DECIDE:
            return self._receive_any_time(message, now)
        if self._head.behind and isinstance(message.content, bytes):
            self.catching_up.take_past_decide(message.sender, message.content)
            self.adoption.follow(self.catching_up.past)
        return self._go_on(now)

    def _receive_any_time(self, message: ReplicaMessage, now: int) -> list[Effect]:
        """Take requests and contents. A halted replica answers too, because others may lack what it has."""
        sender, content = message.sender, message.content
        match message.kind:
            case FrameKind.FETCH:
                return self.fetching.answer(sender, message.round_index, content, now)
            case FrameKind.CATCH_UP:
                return self._bring_up_to_date(sender, now) if self.catching_up.may_answer(sender, now) else []
            case FrameKind.CONTENT if isinstance(content, tuple):
                return self._take_contents(content, now)
        return []

    def _take_contents(self, contents: tuple[Any, ...], now: int) -> list[Effect]:
        """Take what was asked for; nothing else is kept."""
        for data in contents:
            wanted = self.fetching.take(digest_of(data)) if isinstance(data, bytes) else ()
            if CONTENT in wanted:
                self.inputs.keep(data)
            if BODY in wanted:
                self.values.learn(data)
            if MODEL in wanted:
                self.adoption.take_model(data, self.catching_up.past, None if self.finished else self._decided)
        self.adoption.follow(self.catching_up.past)
        return self._go_on(now)

    # --- catching up ----------------------------------------------------------

    def _bring_up_to_date(self, sender: int, now: int, again: bool = False) -> list[Effect]:
        """Say what was decided in the round before, which fewer than B others may be left to say, and repeat what this
        replica has said since: until it halts, its echoes and votes too, since a liar may have let it decide alone.
        """
        name, past, effects = replica_name(sender), self._head.decision_of(self.round_index - 1), list[Effect]()
        with self._links.answering(name, effects, again=again):
            effects += self.catching_up.tell_past(past, receiver=name, now=now)
            effects += [*self.phase.repeat_echoes(name, now), *self._act(self.voting.resend(sender, not again), now)]
        return effects

    def _answer_again(self, frame: Frame, now: int) -> list[Effect]:
        is_question, number = self._links.is_asked_again(frame, now), frame.sender.partition("/")[2]
        return self._bring_up_to_date(int(number), now, True) if is_question else self._links.take_alarms(frame.sender)

    def _bring_all_up_to_date(self, now: int) -> list[Effect]:
        replicas, own = self._protocol.committee.replicas, self._index
        return [effect for j in range(replicas) if j != own for effect in self._bring_up_to_date(j, now)]

    def take_new_keys(self, now: int) -> list[Effect]:
        """Say what was omitted for want of keys, since new ones have come, and repeat a decision that is waited for."""
        self.catching_up.keys_have_come()
        self.fetching.ask_again()
        return [*(self._bring_all_up_to_date(now) if self.phase.closed else []), *self._arm_fetch(now)]

    # --- actions of the voting ----------------------------------------------------------

    def _act(self, actions: Sequence[Action], now: int) -> list[Effect]:
        effects: list[Effect] = []
        for action in actions:
            if isinstance(action, Output):
                effects += self._say(action, now)
            elif isinstance(action, ArmTimer):
                effects += [self._armed(action.view, now), *self._enter(action.view, now)]
            elif isinstance(action, BodyWanted):
                self.fetching.want(action.value, BODY)
            else:
                effects += self._finish(now)
        return effects

    def _say(self, said: Output, now: int) -> list[Effect]:
        body = encode(self.values.body_of(said.content) if said.kind == FrameKind.PROPOSAL else said.content)
        if said.to is None:
            return self._links.broadcast(said.kind, view=said.view, body=body, now=now)
        return self._links.send(said.kind, view=said.view, receiver=replica_name(said.to), body=body, now=now)

    @property
    def _decided(self) -> bytes | None:
        return None if self.voting.decided is None else self.voting.decided.value

    def _enter(self, view: int, now: int) -> list[Effect]:
        """Begin a view, or its timer: Echoes and Fetches have a new pace. Where others ended the view before, whose
        timer has not run out here, do now what it would have done.
        """
        self.fetching.forget_bodies({self._decided, *self.voting.wanted})
        self.adoption.follow(self.catching_up.past)
        skipped = self.catching_up.skips_views(view)
        hurried = self.catching_up.is_hurried(view) and not self._is_at_rest
        missed = skipped or (hurried and self.catching_up.may_have_missed(view - 1))
        asked = self._ask_again(missed, now) if skipped or hurried else []
        return [*asked, *self.phase.arm(now), *self._arm_fetch(now)]

    def _finish(self, now: int) -> list[Effect]:
        """Adopt what was decided, once its body is here and recomputed; answer the processors and the manager."""
        decision = self.voting.decided
        if decision is None or self.finished:
            return []
        outcome = self.adoption.outcome_of(decision.value)
        if outcome is None:
            return self._arm_fetch(now)
        self.state.finished = True
        self.catching_up.has_news()
        self.adoption.adopt(decision.value, outcome)
        effects = self.replies.unasked(now)
        decided = outcome.report(self.round_index, decision, self._links.key_bits_left())
        report = self._links.report(ENTANGLEMENT_MANAGER, decided, now)
        return [*effects, report, *self.fetching.answer_waiting(now)]

    # --- crash and recovery ----------------------------------------------------------

    def recover(self, now: int) -> list[Effect]:
        """Go on from what was restored: repeat what a crash may have kept from leaving, and ask for the rest."""
        if self.schedule is None:
            return []
        self.catching_up.keys_have_come()
        self.state.to_come_back = self.is_early(now)
        effects = [*self.phase.recover(now), *self._act(self.voting.go_on(), now)]
        self.fetching.recover()
        if self.phase.closed and not self.finished and (self.voting.view < 0 or self.voting.halted):
            effects.append(self._armed(self.voting.view, now))
        return effects if self.state.to_come_back else [*effects, *self._come_back(now)]

    def _come_back(self, now: int) -> list[Effect]:
        self.state.to_come_back = False
        effects = self._bring_all_up_to_date(now) if self.phase.closed else []
        if not self._is_at_rest:
            effects += self.catching_up.ask(now, self.voting.view)
        return [*effects, *self._go_on(now)]
