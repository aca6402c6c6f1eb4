"""A consensus replica: collects a round's inputs, agrees on what to make of them, and answers the processors."""

from __future__ import annotations

from collections import Counter
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
from ceas_ray.messages.frames import Channel, FrameKind, decode_foreign, decode_update, digest_of
from ceas_ray.messages.payloads import (
    ENTANGLEMENT_MANAGER,
    Frame,
    KeysDistilled,
    RoundDecided,
    RoundGivenUp,
    RoundStarted,
    StopWaiting,
    TestReport,
    Timer,
    processor_name,
    replica_name,
)

NextState = Callable[[Any, Sequence[tuple[int, NDArray[np.int64]]], TestReport], tuple[Any, Any, Any]]
VIEW_TIMER_DELTAS = 9
ECHO_DELTAS = 2
MOST_CATCH_UPS = 3
"""How often a replica asks in a round what it missed, and answers each of the others: both cost keys."""
EARLY_FRAMES = 64
"""Frames of the next round that are kept of each sender."""
_A_BODY, _A_STATE = -1, -2
_OF_THE_LAST_ROUND = frozenset({FrameKind.DECIDE, FrameKind.FETCH, FrameKind.CONTENT, FrameKind.CATCH_UP})
_DIGESTS = frozenset(
    {FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4, FrameKind.DECIDE, FrameKind.PROPOSAL}
)
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
    quarantined: tuple[int, ...]


class Replica(Actor):
    """One member of the committee. The leader of view r in round t is replica (t + r) mod n.

    One that missed a round is behind: it asks the others, adopts what B of them decided, and fetches the model by its
    digest. `persistent` is what must outlive a crash; `recover` goes on from there.
    """

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
        self.index, self.committee = index, committee
        self._channels = {channel.peer: channel for channel in channels}
        self._latencies, self._next_state, self._chain = latencies, next_state, chain
        self._set_state(initial_state, ())
        self._parameters = len(initial_state[0])
        self._others = [replica_name(j) for j in range(committee.replicas) if j != index]
        self.lookahead = self.own_lookahead = min(latencies.values())
        self._schedule: RoundStarted | None = None
        self._early: list[Envelope] = []
        self._behind = self._recovered = False
        self._accused: tuple[int, ...] = ()
        self._last: tuple[int, bytes, bytes] | None = None
        self._clear(-1)

    def _set_state(self, state: Any, quarantined: tuple[int, ...]) -> None:
        self._state, self._quarantined = state, quarantined
        self._state_digest = digest_of(encode((state, quarantined)))

    def _clear(self, round_index: int) -> None:
        committee = self.committee
        self._quorum = committee.replicas - committee.faults
        self._round = round_index
        self._inputs = Inputs(committee.processors, self._quorum, committee.faults + 1)
        self._report: TestReport | None = None
        self._voting = TetraBFT(
            self.index, committee.replicas, lambda view: (round_index + view) % committee.replicas, self._is_valid
        )
        self._bodies: dict[bytes, bytes] = {}
        self._outcomes: dict[bytes, _Outcome] = {}
        self._may_skip = False
        self._wanted: set[bytes] = set()
        self._finished = self._stopped = False
        self._past_decides: dict[int, bytes] = {}
        self._past: bytes | None = None
        self._requests: list[tuple[int, int, int, Any]] = []
        self._catch_ups, self._timed_out = 0, -1
        self._fetching: set[bytes] = set()
        self._answered: Counter[int] = Counter()
        self._view_change_frames: dict[str, Frame] = {}

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
                if round_index == self._round + 1:
                    if sum(1 for early in self._early if early.sender == envelope.sender) < EARLY_FRAMES:
                        self._early.append(envelope)
                elif round_index in (self._round, self._round - 1):
                    return self._receive(frame, now)
            case Timer(purpose=purpose, round_index=round_index, number=view) if round_index == self._round:
                return self._timer(purpose, view, now)
            case Timer():
                return []
            case KeysDistilled(round_index=round_index, key_bits=key_bits):
                self.store_key_bits(key_bits)
                return self._say_again(now) if round_index == self._round else []
            case RoundGivenUp(round_index=round_index):
                return self._give_up(now) if round_index == self._round and not self._behind else []
            case StopWaiting(round_index=round_index):
                self._stopped = self._stopped or round_index == self._round
            case other:
                raise TypeError(f"{self.name} cannot handle {type(other).__name__}")
        return []

    def promise(self, now: int) -> int:
        """While inputs are open nothing is sent; the previous round is over, or given up."""
        if self._schedule is None or self._inputs.closed:
            return 0
        return self._schedule.inputs_open_until + self.own_lookahead

    def _start_round(self, schedule: RoundStarted, now: int) -> list[Effect]:
        self._behind = self._behind or schedule.round_index > self._round + 1
        self._behind = self._behind or (self._round >= 0 and not self._finished)
        self._accused = tuple(sorted({*self._accused, *self._inputs.equivocators()} - {*self._quarantined}))
        self._clear(schedule.round_index)
        self._inputs.without = self._quarantined
        self._schedule = schedule
        for channel in self._channels.values():
            channel.incoming.end_round()
        self.store_key_bits(schedule.key_bits)
        early, self._early = self._early, []
        effects: list[Effect] = [
            Send(max(now + 1, at), self.name, Timer(purpose, schedule.round_index))
            for purpose, at in (("may close", schedule.inputs_open_until), ("must close", schedule.inputs_time_out_at))
        ]
        for envelope in early:
            effects += self._receive(envelope.payload, now)
        return effects

    def _peer_names(self) -> list[str]:
        names = [processor_name(k) for k in range(self.committee.processors)]
        return names + [replica_name(j) for j in range(self.committee.replicas)]

    def store_key_bits(self, key_bits: Sequence[int]) -> None:
        """Newly distilled bits with every peer, as in `RoundStarted`."""
        for name, bits in zip(self._peer_names(), key_bits, strict=True):
            if name != self.name:
                self._channels[name].add_key_bits(int(bits))

    def body_of(self, digest: bytes) -> bytes | None:
        """The value of this round with this digest, if its body is here."""
        return self._bodies.get(digest)

    def channel(self, peer: str) -> Channel:
        """This replica's end of the link with `peer`."""
        return self._channels[peer]

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
                return [] if self._stopped else self._view_timer(view, now)

    def _view_timer(self, view: int, now: int) -> list[Effect]:
        """No decision in this view: ask for the next one. Where that did not help, ask what was missed."""
        effects = self._act(self._voting.timeout(view), now)
        if self._finished:
            return effects
        if self._voting.halted:
            at = now + VIEW_TIMER_DELTAS * self.committee.delta
            effects.append(Send(at, self.name, Timer("view", self._round, view)))
        self._fetching = set()
        if self._timed_out == view or self._behind:
            effects += self._catch_up(now)
        self._timed_out = view
        return [*effects, *self._catch_up_with(now), *self._finish(now)]

    def _receive(self, frame: Frame, now: int) -> list[Effect]:
        channel = self._channels.get(frame.sender)
        who, _, number = frame.sender.partition("/")
        of_last_round = frame.round_index < self._round
        if channel is None or (of_last_round and (who == "processor" or frame.kind not in _OF_THE_LAST_ROUND)):
            return []
        body = channel.open(frame)
        if body is None:
            return []
        if who == "processor":
            if frame.kind == FrameKind.UPDATE and self._well_formed(body):
                self._inputs.take_update(int(number), body)
                return self._close_if_complete(now)
            return []
        try:
            kind, content = FrameKind(frame.kind), decode_foreign(body)
            if of_last_round:
                return self._receive_of_last_round(int(number), kind, content, now)
            return self._receive_from_replica(int(number), kind, frame.view, content, now)
        except ValueError:
            return []  # malformed bytes of a Byzantine replica: as if it had been silent

    def _receive_from_replica(self, sender: int, kind: FrameKind, view: int, content: Any, now: int) -> list[Effect]:
        if kind in _VOTING:
            if kind in _DIGESTS and not isinstance(content, bytes):
                raise ValueError("a vote must name a digest, a proposal must carry its body")
            if kind == FrameKind.PROPOSAL:
                content = self._learn_body(content)
            elif kind in (FrameKind.SUGGEST, FrameKind.PROOF):
                content = evidence_of(content)
            actions = self._voting.receive(sender, kind, view, content)
            return [*self._act(actions, now), *self._ask_for_missing(now)]
        match kind:
            case FrameKind.ECHO:
                digests, accused = _pair(content, tuple, tuple)
                self._inputs.take_echo(sender, digests, accused)
                return self._reconsider(now) if self._inputs.closed else []
            case FrameKind.FETCH | FrameKind.CATCH_UP:
                return self._request(sender, self._round, kind, content, now)
            case FrameKind.CONTENT:
                return self._take_content(*_pair(content, int, bytes), now)
        return []

    def _receive_of_last_round(self, sender: int, kind: FrameKind, content: Any, now: int) -> list[Effect]:
        """One who has not yet heard of this round, or one who answers what we missed."""
        if kind in (FrameKind.FETCH, FrameKind.CATCH_UP):
            return self._request(sender, self._round - 1, kind, content, now)
        if kind == FrameKind.CONTENT:
            return self._take_content(*_pair(content, int, bytes), now)
        if not self._behind or not isinstance(content, bytes):
            return []
        self._past_decides.setdefault(sender, content)
        if list(self._past_decides.values()).count(content) == self.committee.faults + 1:
            self._past = content
        return self._catch_up_with(now) if content == self._past else []

    def _well_formed(self, body: bytes) -> bool:
        try:
            decode_update(body, self._parameters)
        except ValueError:
            return False
        return True

    # --- inputs ----------------------------------------------------------

    @property
    def _least_entries(self) -> int:
        return self.committee.processors - self.committee.processor_faults

    def _close_if_complete(self, now: int) -> list[Effect]:
        assert self._schedule is not None
        if self._inputs.closed or now < self._schedule.inputs_open_until or not self._inputs.complete:
            return []
        return self._close(now)

    def _close(self, now: int) -> list[Effect]:
        """Echo what came in, enter view 0, and give the echoes time."""
        self._inputs.closed = True
        self._may_skip = self._may_skip or self._keyed_peers() + 1 < self._quorum
        echo = self._inputs.echo()
        self._inputs.take_echo(self.index, echo, self._accused)
        effects = self._broadcast(FrameKind.ECHO, 0, encode((echo, self._accused)), now)
        if self._behind or self._recovered:
            self._recovered = False
            effects += [*self._catch_up(now), *self._catch_up_with(now)]
        requests, self._requests = self._requests, []
        for sender, round_index, kind, content in requests:
            effects += self._request(sender, round_index, FrameKind(kind), content, now)
        deadline = now + ECHO_DELTAS * self.committee.delta
        effects.append(Send(deadline, self.name, Timer("echoes over", self._round)))
        return effects + self._act(self._voting.start(self._candidate()), now)

    def _keyed_peers(self) -> int:
        """With how many others the keys suffice for a view, both ways."""
        channels = [self._channels[name] for name in self._others]
        return sum(1 for channel in channels if channel.good_for_a_view())

    def _give_up(self, now: int) -> list[Effect]:
        """The manager gives the round up: from now on SKIP is valid here, and what this replica would propose."""
        self._may_skip = True
        self._voting.candidate = self._learn_body(self._skip_body())
        return self._act(self._voting.poke(), now)

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
        if waiting and len(entries) + len(self._quarantined) < self.committee.processors:
            return None
        if self._report is None or len(entries) < self._least_entries:
            return self._learn_body(self._skip_body()) if self._may_skip else None
        contents = {k: self._inputs.content_of(k, digest) for k, digest in entries.items()}
        if any(content is None for content in contents.values()):
            return None
        quarantined = tuple(sorted({*self._quarantined, *self._inputs.accused(self._quorum)}))
        return self._learn_body(self._body_of(tuple(sorted(entries.items())), quarantined))

    # --- values ----------------------------------------------------------

    def _skip_body(self) -> bytes:
        return encode((self._chain, self._round, self._state_digest))

    def _body_of(self, entries: tuple[tuple[int, bytes], ...], quarantined: tuple[int, ...]) -> bytes:
        """{chain, t, last model, entries with weights, test report, aggregate, quarantine, next model}, by digest."""
        weights, aggregate, state = self._compute(entries)
        assert self._inputs.report is not None
        body = encode(
            (self._chain, self._round, self._state_digest, entries, weights, digest_of(self._inputs.report),
             digest_of(encode(aggregate)), quarantined, digest_of(encode((state, quarantined))))
        )  # fmt: skip
        processors = tuple(k for k, _ in entries)
        self._outcomes[digest_of(body)] = _Outcome(False, processors, weights, state, quarantined)
        return body

    def _compute(self, entries: tuple[tuple[int, bytes], ...]) -> tuple[Any, Any, Any]:
        assert self._report is not None
        rows = []
        for processor, digest in entries:
            content = self._inputs.content_of(processor, digest)
            assert content is not None, "an entry without its content"
            rows.append((processor, decode_update(content, self._parameters)))
        return self._next_state(self._state, rows, self._report)

    def _learn_body(self, body: bytes) -> bytes:
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
        acceptable = self._acceptable(body)
        return acceptable is not None and self._body_of(*acceptable) == body

    def _judge_skip(self, digest: bytes) -> bool:
        if not self._may_skip and self._voting.proof_votes_for(digest) < self._voting.blocking:
            return False
        self._outcomes[digest] = self._skipped()
        return True

    def _skipped(self) -> _Outcome:
        return _Outcome(True, (), np.zeros(0), self._state, self._quarantined)

    def _acceptable(self, body: bytes) -> tuple[tuple[tuple[int, bytes], ...], tuple[int, ...]] | None:
        """Entries and quarantine of a value, if each has B echoes and all content is here; None if not, or not yet."""
        try:
            _, _, _, entries, _, _, _, quarantined, _ = decode_foreign(body)
            ordered = all(a[0] < b[0] for a, b in pairwise(entries)) and all(a < b for a, b in pairwise(quarantined))
            if not ordered or len(entries) < self._least_entries or self._report is None:
                return None
            accepted = all(
                0 <= k < self.committee.processors and k not in self._quarantined and self._inputs.acceptable(k, digest)
                for k, digest in entries
            )
            known = {*self._quarantined, *self._inputs.accused(self.committee.faults + 1)}
            accepted = accepted and {*self._quarantined} <= {*quarantined} <= known
        except (TypeError, ValueError, IndexError):
            return None
        if not accepted:
            return None
        self._wanted |= {encode((k, d)) for k, d in entries if self._inputs.content_of(k, d) is None}
        if any(self._inputs.content_of(k, digest) is None for k, digest in entries):
            return None
        return tuple((k, digest) for k, digest in entries), tuple(quarantined)

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

    def _request(self, sender: int, round_index: int, kind: FrameKind, content: Any, now: int) -> list[Effect]:
        """Answer, or keep it until the inputs close: nothing is sent before. round_index: where the asker is."""
        if self._schedule is not None and not self._inputs.closed:
            if sum(1 for request in self._requests if request[0] == sender) < MOST_CATCH_UPS:
                self._requests.append((sender, round_index, int(kind), content))
            return []
        if kind == FrameKind.FETCH:
            return self._answer_fetch(sender, round_index, content, now)
        self._answered[sender] += 1
        return self._tell(sender, now) if self._answered[sender] <= MOST_CATCH_UPS else []

    def _answer_fetch(self, sender: int, round_index: int, wanted: Any, now: int) -> list[Effect]:
        if not isinstance(wanted, bytes):
            processor, digest = _pair(wanted, int, bytes)
            content = self._inputs.content_of(processor, digest)
            found = None if content is None else (processor, content)
        elif wanted == self._state_digest:
            found = (_A_STATE, encode((self._state, self._quarantined)))
        elif self._last is not None and wanted == self._last[1]:
            found = (_A_BODY, self._last[2])
        else:
            body = self._bodies.get(wanted)
            found = None if body is None else (_A_BODY, body)
        if found is None:
            return []
        return self._send(FrameKind.CONTENT, 0, replica_name(sender), encode(found), now, round_index)

    def _take_content(self, processor: int, data: bytes, now: int) -> list[Effect]:
        if processor == _A_STATE:
            return self._take_state(data, now)
        if processor == _A_BODY:
            self._learn_body(data)
        elif self._inputs.acceptable(processor, digest_of(data)) and self._well_formed(data):
            self._inputs.take_fetched(processor, data)
        return [*self._catch_up_with(now), *self._reconsider(now), *self._finish(now)]

    # --- catching up ----------------------------------------------------------

    def _catch_up(self, now: int) -> list[Effect]:
        """Ask the others what was missed."""
        self._catch_ups += 1
        return self._broadcast(FrameKind.CATCH_UP, 0, encode(None), now) if self._catch_ups <= MOST_CATCH_UPS else []

    def _tell(self, sender: int, now: int) -> list[Effect]:
        """What the last decision was, and what this replica has said since that still counts."""
        name = replica_name(sender)
        effects: list[Effect] = []
        self._view_change_frames.pop(name, None)
        if self._last is not None:
            round_index, value, _ = self._last
            effects += self._send(FrameKind.DECIDE, 0, name, encode(value), now, round_index)
        if self._finished or not self._inputs.closed:
            return effects
        own = (self._inputs.echo_of(self.index), self._accused)
        effects += self._send(FrameKind.ECHO, 0, name, encode(own), now)
        return effects + self._act(self._voting.resend(sender), now)

    def _say_again(self, now: int) -> list[Effect]:
        """New keys have come in the middle of a round: what was omitted for want of keys can be said now."""
        if self._finished or not self._inputs.closed:
            return []
        return [effect for j in range(self.committee.replicas) if j != self.index for effect in self._tell(j, now)]

    def _catch_up_with(self, now: int) -> list[Effect]:
        """Follow what B others decided in the round before: its body names the model, which is fetched by digest."""
        if self._past is None or not self._behind or not self._inputs.closed:
            return []
        return self._fetch(self._next_digest(self._past) or self._past, self._round - 1, now)

    def _next_digest(self, value: bytes) -> bytes | None:
        """The digest of the model after a decided value, if its body is here."""
        body = self._bodies.get(value)
        return None if body is None else decode(body)[-1]

    def _fetch(self, digest: bytes, round_index: int, now: int) -> list[Effect]:
        if digest in self._fetching:
            return []
        self._fetching.add(digest)
        body = encode(digest)
        return [
            effect for name in self._others for effect in self._send(FrameKind.FETCH, 0, name, body, now, round_index)
        ]

    def _take_state(self, data: bytes, now: int) -> list[Effect]:
        digest, decision = digest_of(data), self._voting.decided
        if self._behind and self._past is not None and self._next_digest(self._past) == digest:
            self._behind = False
            self._set_state(*decode(data))
            self._last = (self._round - 1, self._past, self._bodies[self._past])
            self._inputs.without = self._quarantined
            return [*self._reconsider(now), *self._finish(now)]
        if decision is None or self._finished or self._next_digest(decision.value) != digest:
            return []
        state, quarantined = decode(data)
        body = decode(self._bodies[decision.value])
        entries, weights = ((), np.zeros(0)) if len(body) == 3 else body[3:5]
        self._outcomes[decision.value] = _Outcome(
            len(body) == 3, tuple(k for k, _ in entries), weights, state, quarantined
        )
        return self._finish(now)

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
                    at = now + VIEW_TIMER_DELTAS * self.committee.delta
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
            return self._fetch(decision.value, self._round, now)
        self._is_valid(decision.value)
        outcome = self._outcomes.get(decision.value)
        if outcome is None and not self._behind and self._bodies[decision.value] == self._skip_body():
            outcome = self._skipped()
        if outcome is None:
            missing = self._ask_for_missing(now)
            return missing or self._fetch(decode(self._bodies[decision.value])[-1], self._round, now)
        self._finished, self._behind = True, False
        self._last = (self._round, decision.value, self._bodies[decision.value])
        self._set_state(outcome.state, outcome.quarantined)
        body = encode(self._state[0])
        effects: list[Effect] = []
        for k in range(self.committee.processors):
            effects += self._send(FrameKind.MODEL, 0, processor_name(k), body, now)
        decided = RoundDecided(
            self._round,
            decision.value,
            outcome.skipped,
            decision.view,
            outcome.processors,
            outcome.weights,
            self._state[0],
            outcome.quarantined,
            self._key_bits_left(),
        )
        effects.append(Send(now + self._latencies[ENTANGLEMENT_MANAGER], ENTANGLEMENT_MANAGER, decided))
        return effects

    def _broadcast(self, kind: FrameKind, view: int, body: bytes, now: int) -> list[Effect]:
        return [effect for name in self._others for effect in self._send(kind, view, name, body, now)]

    def _key_bits_left(self) -> NDArray[np.int64]:
        channels = [self._channels.get(name) for name in self._peer_names()]
        return np.array(
            [
                [0 if channel is None else getattr(channel, way).stored for channel in channels]
                for way in ("outgoing", "incoming")
            ],
            dtype=np.int64,
        )

    def _send(
        self, kind: FrameKind, view: int, receiver: str, body: bytes, now: int, round_index: int | None = None
    ) -> list[Effect]:
        """One frame; none where its key is spent (an omission, never an untagged message).

        The same request for a view again is the same frame: it costs no key, and whoever has it ignores it.
        """
        frame = self._view_change_frames.get(receiver) if kind == FrameKind.VIEW_CHANGE else None
        if frame is None or frame.view != view:
            in_round = self._round if round_index is None else round_index
            frame = self._channels[receiver].seal(kind, in_round, view, now, body)
        if frame is None:
            return []
        if kind == FrameKind.VIEW_CHANGE:
            self._view_change_frames[receiver] = frame
        return [Send(now + self._latencies[receiver], receiver, frame)]

    # --- crash and recovery ----------------------------------------------------------

    def persistent(self) -> Any:
        """What is on disk before a message leaves, in plain values: a crash loses everything else.

        The keys and their counters (a slot must never tag twice), the votes, the model, and what one's echo says that
        one has; what was found valid, because validity must stay.
        """
        closed = self._inputs.closed
        return {
            "state": self._state, "quarantined": self._quarantined, "schedule": self._schedule, "round": self._round,
            "behind": self._behind, "accused": self._accused, "last": self._last, "finished": self._finished,
            "stopped": self._stopped, "may_skip": self._may_skip, "report": self._report if closed else None,
            "contents": dict(sorted(self._inputs.contents.items())) if closed else {},
            "echo": self._inputs.echo_of(self.index), "voting": self._voting.persistent(),
            "valid": [self._bodies[digest] for digest in sorted(self._outcomes) if digest in self._bodies],
            "channels": {peer: channel.snapshot() for peer, channel in self._channels.items()},
        }  # fmt: skip

    def recover(self, persisted: Any, now: int) -> list[Effect]:
        """After a crash: start again from what was persisted, and ask the others for the rest."""
        self._early = []
        self._clear(persisted["round"])
        self._take_lasting(persisted)
        self._recovered = True
        schedule = self._schedule
        if schedule is None:
            return []
        if persisted["echo"] is None:
            return [
                Send(max(now + 1, at), self.name, Timer(purpose, self._round))
                for purpose, at in (
                    ("may close", schedule.inputs_open_until), ("must close", schedule.inputs_time_out_at),
                )
            ]  # fmt: skip
        for processor, content in persisted["contents"].items():
            self._inputs.take_update(processor, content)
        self._report = persisted["report"]
        self._inputs.report = None if self._report is None else encode(self._report)
        self._inputs.closed = True
        self._inputs.take_echo(self.index, persisted["echo"], self._accused)
        self._find_valid_again(persisted["valid"])
        actions = self._voting.recover(persisted["voting"])
        deadline = now + ECHO_DELTAS * self.committee.delta
        effects = [Send(deadline, self.name, Timer("echoes over", self._round)), *self._act(actions, now)]
        return effects if self._finished else [*effects, *self._catch_up(now), *self._finish(now)]

    def _find_valid_again(self, bodies: Sequence[bytes]) -> None:
        for body in bodies:
            digest = self._learn_body(body)
            parts = decode(body)
            if len(parts) == 3 and not self._finished:
                self._outcomes[digest] = self._skipped()
            elif not self._finished and not self._behind and parts[2] == self._state_digest:
                entries = tuple((k, d) for k, d in parts[3])
                if all(self._inputs.content_of(k, d) is not None for k, d in entries):
                    self._body_of(entries, tuple(parts[7]))

    def _take_lasting(self, state: Any) -> None:
        """What `persistent` and `snapshot` have in common."""
        self._set_state(state["state"], tuple(state["quarantined"]))
        self._schedule, self._behind, self._accused = state["schedule"], state["behind"], tuple(state["accused"])
        self._last = None if state["last"] is None else tuple(state["last"])
        self._finished, self._stopped, self._may_skip = state["finished"], state["stopped"], state["may_skip"]
        self._inputs.without = self._quarantined
        for peer, channel in self._channels.items():
            channel.restore(state["channels"][peer])

    # --- state ----------------------------------------------------------

    def snapshot(self) -> Any:
        """See `Actor`."""
        return self.persistent() | {
            "early": [(e.deliver_at, e.sender, e.serial, e.receiver, e.payload) for e in self._early],
            "inputs": self._inputs.snapshot(), "report": self._report, "voting": self._voting.snapshot(),
            "bodies": dict(sorted(self._bodies.items())), "recovered": self._recovered,
            "outcomes": [
                (digest, outcome.skipped, outcome.processors, outcome.weights, outcome.state, outcome.quarantined)
                for digest, outcome in sorted(self._outcomes.items())
            ],
            "past_decides": self._past_decides, "past": self._past, "requests": self._requests,
            "catch_ups": self._catch_ups, "timed_out": self._timed_out, "fetching": sorted(self._fetching),
            "answered": dict(sorted(self._answered.items())),
            "view_change_frames": dict(sorted(self._view_change_frames.items())),
        }  # fmt: skip

    def restore(self, state: Any) -> None:
        """See `Actor`."""
        self._clear(state["round"])
        self._take_lasting(state)
        self._early = [Envelope(*entry) for entry in state["early"]]
        self._inputs.restore(state["inputs"])
        self._report, self._recovered = state["report"], state["recovered"]
        self._voting.restore(state["voting"])
        self._bodies = dict(state["bodies"])
        self._outcomes = {digest: _Outcome(*rest) for digest, *rest in state["outcomes"]}
        self._past_decides, self._past = dict(state["past_decides"]), state["past"]
        self._requests = [tuple(request) for request in state["requests"]]
        self._catch_ups, self._answered = state["catch_ups"], Counter(state["answered"])
        self._timed_out, self._fetching = state["timed_out"], set(state["fetching"])
        self._view_change_frames = dict(state["view_change_frames"])


def _pair(content: Any, first: type, second: type) -> tuple[Any, Any]:
    """A message's two values; ValueError for anything else."""
    if isinstance(content, tuple) and len(content) == 2:
        a, b = content
        if isinstance(a, first) and isinstance(b, second):
            return a, b
    raise ValueError(f"a message must hold two values, of type {first.__name__} and {second.__name__}")


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
