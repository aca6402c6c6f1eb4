"""A consensus replica: collects a round's inputs, agrees on what to make of them, and answers the processors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.consensus.inputs import Inputs
from ceas_ray.consensus.tetrabft import Action, ArmTimer, Decision, Output, TetraBFT, evidence_of, faults_of
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.messages.frames import Channel, FrameKind, decode_update, digest_of
from ceas_ray.messages.payloads import (
    ENTANGLEMENT_MANAGER,
    Frame,
    RoundDecided,
    RoundStarted,
    TestReport,
    Timer,
    processor_name,
    replica_name,
)

NextState = Callable[[Any, Sequence[tuple[int, NDArray[np.int64]]], TestReport], tuple[Any, Any, Any]]
VIEW_TIMER_DELTAS = 9
ECHO_DELTAS = 2
_VOTING = frozenset(
    {FrameKind.PROPOSAL, FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4, FrameKind.SUGGEST}
    | {FrameKind.PROOF, FrameKind.VIEW_CHANGE, FrameKind.DECIDE}
)


@dataclass(frozen=True)
class Committee:
    """Who agrees: n replicas, N processors of which `processor_faults` may be Byzantine; delta bounds a delay (ps)."""

    replicas: int
    processors: int
    processor_faults: int
    delta: int

    @property
    def faults(self) -> int:
        """f_replicas."""
        return faults_of(self.replicas)


@dataclass(frozen=True)
class _Outcome:
    """What a value stands for, once recomputed here."""

    skipped: bool
    processors: tuple[int, ...]
    weights: NDArray[np.float64]
    state: Any


class Replica(Actor):
    """One member of the committee. The leader of view r in round t is replica (t + r) mod n."""

    def __init__(
        self,
        index: int,
        committee: Committee,
        channels: Sequence[Channel],
        latencies: Mapping[str, int],
        next_state: NextState,
        initial_state: Any,
        chain: bytes,
    ) -> None:
        """channels: to every processor, then to every replica but itself. latencies: ps, to all that it writes to.

        initial_state: a tuple whose first element is the parameters (d,). chain: names the run in every decision.
        """
        self.name = replica_name(index)
        self.index, self._committee = index, committee
        self._channels = {channel.peer: channel for channel in channels}
        self._latencies, self._next_state, self._chain = latencies, next_state, chain
        self._state = initial_state
        self._state_digest = digest_of(encode(initial_state))
        self._parameters = len(initial_state[0])
        self._others = [replica_name(j) for j in range(committee.replicas) if j != index]
        self.lookahead = self.own_lookahead = min(latencies.values())
        self._schedule: RoundStarted | None = None
        self._early: list[Envelope] = []
        self._behind = False
        self._clear(-1)

    def _clear(self, round_index: int) -> None:
        committee = self._committee
        quorum = committee.replicas - committee.faults
        self._round = round_index
        self._inputs = Inputs(committee.processors, quorum, committee.faults + 1)
        self._report: TestReport | None = None
        self._voting = TetraBFT(
            self.index, committee.replicas, lambda view: (round_index + view) % committee.replicas, self._is_valid
        )
        self._bodies: dict[bytes, bytes] = {}
        self._outcomes: dict[bytes, _Outcome] = {}
        self._may_skip = False
        self._wanted: set[bytes] = set()
        self._finished = False

    # --- envelopes ----------------------------------------------------------

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        now = envelope.deliver_at
        match envelope.payload:
            case RoundStarted() as schedule:
                return self._start_round(schedule, now)
            case TestReport(round_index=round_index) as report:
                if round_index == self._round and not self._inputs.closed:
                    self._report = report
                    self._inputs.report = encode(report)
                    return self._close_if_complete(now)
            case Frame(round_index=round_index) as frame:
                if round_index == self._round + 1 and len(self._early) < 64 * len(self._channels):
                    self._early.append(envelope)
                elif round_index == self._round:
                    return self._receive(frame, now)
            case Timer(purpose=purpose, round_index=round_index, number=view) if round_index == self._round:
                return self._timer(purpose, view, now)
            case Timer():
                return []
            case other:
                raise TypeError(f"{self.name} cannot handle {type(other).__name__}")
        return []

    def promise(self, now: int) -> int:
        """While inputs are open nothing is sent; the previous round is over, or given up."""
        if self._schedule is None or self._inputs.closed:
            return 0
        return self._schedule.inputs_open_until + self.own_lookahead

    def _start_round(self, schedule: RoundStarted, now: int) -> list[Effect]:
        self._behind = self._behind or (self._round >= 0 and not self._finished)
        self._clear(schedule.round_index)
        self._schedule = schedule
        names = [processor_name(k) for k in range(self._committee.processors)]
        names += [replica_name(j) for j in range(self._committee.replicas)]
        for name, bits in zip(names, schedule.key_bits, strict=True):
            if name != self.name:
                self._channels[name].add_key_bits(int(bits))
        early, self._early = self._early, []
        effects: list[Effect] = [
            Send(max(now + 1, at), self.name, Timer(purpose, schedule.round_index))
            for purpose, at in (("may close", schedule.inputs_open_until), ("must close", schedule.inputs_time_out_at))
        ]
        for envelope in early:
            effects += self._receive(envelope.payload, now)
        return effects

    def _timer(self, purpose: str, view: int, now: int) -> list[Effect]:
        match purpose:
            case "may close":
                return self._close_if_complete(now)
            case "must close":
                return [] if self._inputs.closed else self._close(now)
            case "echoes over":
                self._may_skip = self._may_skip or len(self._inputs.includable()) < self._least_entries
                return self._act(self._voting.poke(self._candidate(waiting=False)), now)
            case _:
                return self._act(self._voting.timeout(view), now)

    def _receive(self, frame: Frame, now: int) -> list[Effect]:
        channel = self._channels.get(frame.sender)
        body = None if channel is None else channel.open(frame)
        if body is None:
            return []
        kind = FrameKind(frame.kind)
        who, _, number = frame.sender.partition("/")
        if who == "processor":
            if kind == FrameKind.UPDATE and self._well_formed(body):
                self._inputs.take_update(int(number), body)
                return self._close_if_complete(now)
            return []
        try:
            return self._receive_from_replica(int(number), kind, frame.view, decode(body), now)
        except ValueError:
            return []  # malformed bytes of a Byzantine replica: as if it had been silent

    def _receive_from_replica(self, sender: int, kind: FrameKind, view: int, content: Any, now: int) -> list[Effect]:
        if kind in _VOTING:
            if kind == FrameKind.PROPOSAL:
                content = self._learn_body(content)
            elif kind in (FrameKind.SUGGEST, FrameKind.PROOF):
                content = evidence_of(content)
            actions = self._voting.receive(sender, kind, view, content)
            return [*self._act(actions, now), *self._ask_for_missing(now)]
        match kind:
            case FrameKind.ECHO:
                self._inputs.take_echo(sender, content)
                return self._reconsider(now) if self._inputs.closed else []
            case FrameKind.FETCH if self._inputs.closed:
                return self._answer_fetch(sender, content, now)
            case FrameKind.CONTENT:
                return self._take_content(content, now)
        return []

    def _well_formed(self, body: bytes) -> bool:
        try:
            decode_update(body, self._parameters)
        except ValueError:
            return False
        return True

    # --- inputs ----------------------------------------------------------

    @property
    def _least_entries(self) -> int:
        return self._committee.processors - self._committee.processor_faults

    def _close_if_complete(self, now: int) -> list[Effect]:
        assert self._schedule is not None
        if self._inputs.closed or now < self._schedule.inputs_open_until or not self._inputs.complete:
            return []
        return self._close(now)

    def _close(self, now: int) -> list[Effect]:
        """Echo what came in, enter view 0, and give the echoes time."""
        self._inputs.closed = True
        echo = self._inputs.echo()
        self._inputs.take_echo(self.index, echo)
        effects = self._broadcast(FrameKind.ECHO, 0, encode(echo), now)
        deadline = now + ECHO_DELTAS * self._committee.delta
        effects.append(Send(deadline, self.name, Timer("echoes over", self._round)))
        return effects + self._act(self._voting.start(self._candidate()), now)

    def _reconsider(self, now: int) -> list[Effect]:
        actions = self._voting.poke(self._candidate())
        return [*self._act(actions, now), *self._ask_for_missing(now)]

    def _candidate(self, waiting: bool = True) -> bytes | None:
        """What this replica would propose: all entries with Q echoes; SKIP if they are too few when echoes are over.

        While echoes may still come it waits until every processor's entry has Q echoes.
        """
        if self._voting.candidate is not None or not self._inputs.closed or self._behind:
            return None
        entries = self._inputs.includable()
        if waiting and len(entries) < self._committee.processors:
            return None
        if self._report is None or len(entries) < self._least_entries:
            return self._learn_body(self._skip_body()) if self._may_skip else None
        contents = {k: self._inputs.content_of(k, digest) for k, digest in entries.items()}
        if any(content is None for content in contents.values()):
            return None
        return self._learn_body(self._body_of(tuple(sorted(entries.items()))))

    # --- values ----------------------------------------------------------

    def _skip_body(self) -> bytes:
        return encode((self._chain, self._round, self._state_digest))

    def _body_of(self, entries: tuple[tuple[int, bytes], ...]) -> bytes:
        """{chain, t, previous model, entries with weights, test report, aggregate, next model}, all by digest."""
        weights, aggregate, state = self._compute(entries)
        assert self._inputs.report is not None
        body = encode(
            (self._chain, self._round, self._state_digest, entries, weights, digest_of(self._inputs.report),
             digest_of(encode(aggregate)), digest_of(encode(state)))
        )  # fmt: skip
        processors = tuple(k for k, _ in entries)
        self._outcomes[digest_of(body)] = _Outcome(False, processors, weights, state)
        return body

    def _compute(self, entries: tuple[tuple[int, bytes], ...]) -> tuple[Any, Any, Any]:
        assert self._report is not None
        rows = []
        for processor, digest in entries:
            content = self._inputs.content_of(processor, digest)
            assert content is not None, "an entry without its content"
            rows.append((processor, decode_update(content, self._parameters)))
        return self._next_state(self._state, rows, self._report)

    def _learn_body(self, body: Any) -> bytes:
        if not isinstance(body, bytes):
            raise ValueError("a proposal must carry its body")
        digest = digest_of(body)
        self._bodies[digest] = body
        return digest

    def _is_valid(self, digest: bytes) -> bool:
        """Recompute the value; what was valid once stays so, and what cannot be judged yet is asked again later."""
        known = self._outcomes.get(digest)
        if known is not None:
            return True
        body = self._bodies.get(digest)
        if body is None or not self._inputs.closed or self._behind:
            return False
        if body == self._skip_body():
            return self._judge_skip(digest)
        entries = self._acceptable_entries(body)
        return entries is not None and self._body_of(entries) == body

    def _judge_skip(self, digest: bytes) -> bool:
        if not self._may_skip and self._voting.proof_votes_for(digest) < self._voting.blocking:
            return False
        self._outcomes[digest] = _Outcome(True, (), np.zeros(0), self._state)
        return True

    def _acceptable_entries(self, body: bytes) -> tuple[tuple[int, bytes], ...] | None:
        """The entries of a value if each has B echoes and its content is here; None if not, or not yet."""
        try:
            _, _, _, entries, *_ = decode(body)
            ordered = all(a[0] < b[0] for a, b in pairwise(entries))
            if not ordered or len(entries) < self._least_entries or self._report is None:
                return None
            accepted = all(
                0 <= k < self._committee.processors and self._inputs.acceptable(k, digest) for k, digest in entries
            )
        except (TypeError, ValueError, IndexError):
            return None
        if not accepted:
            return None
        self._wanted |= {encode((k, d)) for k, d in entries if self._inputs.content_of(k, d) is None}
        if any(self._inputs.content_of(k, digest) is None for k, digest in entries):
            return None
        return tuple((k, digest) for k, digest in entries)

    # --- fetching ----------------------------------------------------------

    def _ask_for_missing(self, now: int) -> list[Effect]:
        """Fetch content that a proposal needs from replicas whose echoes say that they have it."""
        effects: list[Effect] = []
        for wanted in sorted(self._wanted):
            processor, digest = decode(wanted)
            for holder in [j for j in self._inputs.holders(processor, digest) if j != self.index]:
                effects += self._send(FrameKind.FETCH, 0, replica_name(holder), wanted, now)
        self._wanted = set()
        return effects

    def _answer_fetch(self, sender: int, wanted: Any, now: int) -> list[Effect]:
        if isinstance(wanted, bytes):  # the body of a value
            body = self._bodies.get(wanted)
            return (
                [] if body is None else self._send(FrameKind.CONTENT, 0, replica_name(sender), encode((-1, body)), now)
            )
        processor, digest = wanted
        content = self._inputs.content_of(processor, digest)
        if content is None:
            return []
        return self._send(FrameKind.CONTENT, 0, replica_name(sender), encode((processor, content)), now)

    def _take_content(self, content: Any, now: int) -> list[Effect]:
        processor, data = content
        if processor == -1:
            self._learn_body(data)
        elif self._inputs.acceptable(processor, digest_of(data)) and self._well_formed(data):
            self._inputs.take_fetched(processor, data)
        return [*self._reconsider(now), *self._finish(now)]

    # --- actions of the voting ----------------------------------------------------------

    def _act(self, actions: Sequence[Action], now: int) -> list[Effect]:
        effects: list[Effect] = []
        for action in actions:
            match action:
                case Output(kind, view, content, to):
                    body = encode(self._bodies[content] if kind == FrameKind.PROPOSAL else content)
                    if to is None:
                        effects += self._broadcast(kind, view, body, now)
                    else:
                        effects += self._send(kind, view, replica_name(to), body, now)
                case ArmTimer(view):
                    at = now + VIEW_TIMER_DELTAS * self._committee.delta
                    effects.append(Send(at, self.name, Timer("view", self._round, view)))
                case Decision():
                    effects += self._finish(now)
        return effects

    def _finish(self, now: int) -> list[Effect]:
        """Adopt what was decided, once its body is here and recomputed; answer the processors and the manager."""
        decision = self._voting.decided
        if decision is None or self._finished:
            return []
        if decision.value not in self._bodies:
            return self._broadcast(FrameKind.FETCH, 0, encode(decision.value), now)
        self._is_valid(decision.value)
        outcome = self._outcomes.get(decision.value)
        if outcome is None and self._bodies[decision.value] == self._skip_body():
            outcome = _Outcome(True, (), np.zeros(0), self._state)
        if outcome is None:
            return self._ask_for_missing(now)
        self._finished = True
        self._state = outcome.state
        self._state_digest = digest_of(encode(self._state))
        body = encode(self._state[0])
        effects: list[Effect] = []
        for k in range(self._committee.processors):
            effects += self._send(FrameKind.MODEL, 0, processor_name(k), body, now)
        decided = RoundDecided(
            self._round,
            decision.value,
            outcome.skipped,
            decision.view,
            outcome.processors,
            outcome.weights,
            self._state[0],
        )
        effects.append(Send(now + self._latencies[ENTANGLEMENT_MANAGER], ENTANGLEMENT_MANAGER, decided))
        return effects

    def _broadcast(self, kind: FrameKind, view: int, body: bytes, now: int) -> list[Effect]:
        return [effect for name in self._others for effect in self._send(kind, view, name, body, now)]

    def _send(self, kind: FrameKind, view: int, receiver: str, body: bytes, now: int) -> list[Effect]:
        """One frame; none where its key is spent (an omission, never an untagged message)."""
        frame = self._channels[receiver].seal(kind, self._round, view, now, body)
        return [] if frame is None else [Send(now + self._latencies[receiver], receiver, frame)]

    # --- state ----------------------------------------------------------

    def snapshot(self) -> Any:
        """See `Actor`."""
        return {
            "state": self._state, "schedule": self._schedule, "behind": self._behind, "round": self._round,
            "early": [(e.deliver_at, e.sender, e.serial, e.receiver, e.payload) for e in self._early],
            "inputs": self._inputs.snapshot(), "report": self._report, "voting": self._voting.snapshot(),
            "bodies": dict(sorted(self._bodies.items())), "may_skip": self._may_skip, "finished": self._finished,
            "outcomes": [
                (digest, outcome.skipped, outcome.processors, outcome.weights, outcome.state)
                for digest, outcome in sorted(self._outcomes.items())
            ],
            "channels": {peer: channel.snapshot() for peer, channel in self._channels.items()},
        }  # fmt: skip

    def restore(self, state: Any) -> None:
        """See `Actor`."""
        self._clear(state["round"])
        self._state, self._schedule, self._behind = state["state"], state["schedule"], state["behind"]
        self._state_digest = digest_of(encode(self._state))
        self._early = [Envelope(*entry) for entry in state["early"]]
        self._inputs.restore(state["inputs"])
        self._report = state["report"]
        self._voting.restore(state["voting"])
        self._bodies, self._may_skip, self._finished = dict(state["bodies"]), state["may_skip"], state["finished"]
        self._outcomes = {digest: _Outcome(*rest) for digest, *rest in state["outcomes"]}
        for peer, channel in self._channels.items():
            channel.restore(state["channels"][peer])


class SilentReplica(Actor):
    """A Byzantine replica that says nothing."""

    def __init__(self, replica: Replica) -> None:
        self.name, self.lookahead, self.own_lookahead = replica.name, replica.lookahead, replica.own_lookahead

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        return []

    def snapshot(self) -> Any:
        """See `Actor`."""
        return None

    def restore(self, state: Any) -> None:
        """See `Actor`."""
