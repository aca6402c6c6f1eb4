"""Scenarios of whole replicas: the very `Replica` of training, from updates and echoes to the decided model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.consensus.committee import Committee
from ceas_ray.consensus.exploration.channels import Ledger, LyingChannel, NullChannel, WatchedChannel
from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.exploration.network import CALM_AT, Network
from ceas_ray.consensus.exploration.record import Record
from ceas_ray.consensus.exploration.replica_lies import MALFORMED, ReplicaLies
from ceas_ray.consensus.exploration.violation import Violation
from ceas_ray.consensus.exploration.voting_invariants import VotingInvariants
from ceas_ray.consensus.replica import Replica
from ceas_ray.consensus.tetrabft import Decision, Output, evidence_of, faults_of
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.frames import Channel, FrameKind, encode_update
from ceas_ray.messages.payloads import (
    ENTANGLEMENT_MANAGER,
    Frame,
    RoundDecided,
    RoundStarted,
    TestReport,
    processor_name,
    replica_name,
)

DELTA, PROCESSORS, PROCESSOR_FAULTS = 1000, 4, 1
OPEN_UNTIL, TIME_OUT_AT, LONGEST = 1.5, 3.0, 500.0
PLENTY, SCARCE = 10**6, 3_000
CHAIN = b"exploration"
_TOLD = frozenset({FrameKind.PROOF, FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4})
NextState = tuple[NDArray[np.float64], NDArray[np.float64], tuple[NDArray[np.float64], int]]


def next_state(state: Any, rows: Sequence[tuple[int, NDArray[np.int64]]], report: TestReport) -> NextState:
    """Element k of the model becomes what processor k sent, so that a decided model shows every input."""
    model = state[0].copy()
    for processor, row in rows:
        model[processor] = float(row[processor])
    return np.full(len(rows), 1.0 / len(rows)), model, (model, state[1] + 1)


class _AllBut:
    """All values but those that a liar made up."""

    def __init__(self, poisoned: set[bytes]) -> None:
        self._poisoned = poisoned

    def __contains__(self, value: object) -> bool:
        return value not in self._poisoned


class ReplicaScenario:
    """One round. tagged: with real tags and keys, forged and replayed frames; else channels give what tags give."""

    def __init__(
        self,
        seed: int,
        replicas: int,
        tagged: bool = False,
        replica: Callable[..., Replica] = Replica,
        channel: Callable[..., Channel] = Channel,
        record: Record | None = None,
    ) -> None:
        draws = self._draws = Draws(seed, "replica")
        self._seed, self._replicas, self._tagged, self._record = seed, replicas, tagged, record
        self._channel = channel
        byzantine = self.byzantine = frozenset(draws.sample(replicas, faults_of(replicas)))
        self.honest = [j for j in range(replicas) if j not in byzantine]
        twins = sorted(byzantine) if draws.uniform() < 0.6 else []
        self._identities = [*range(replicas), *twins]
        self._round = 0
        self.calm_at = draws.choice(CALM_AT)
        self._network = Network(draws, len(self._identities) + PROCESSORS, self.calm_at)
        deaf = frozenset(replica_name(j) for j in self.honest if draws.uniform() < 0.4)
        self._lies = ReplicaLies(draws, draws.choice((0.0, 0.3, 0.8)), deaf if draws.uniform() < 0.2 else frozenset())
        self._liar_processors = draws.sample(PROCESSORS, 1) if draws.uniform() < 0.6 else ()
        self._key_bits = SCARCE if tagged and draws.uniform() < 0.2 else PLENTY
        leaders = [view % replicas for view in range(256)]
        self.invariants = VotingInvariants(
            replicas, self.honest, leaders, _AllBut(self._lies.poisoned), self.calm_at, hears_all=False
        )
        self._ledger = Ledger()
        self._said: set[tuple[int, FrameKind, int, bytes]] = set()
        self._now, self._serial, self.events = 0.0, 0, 0
        self._heap: list[tuple[float, int, int, str, Any]] = []
        self._streams = Streams(seed)
        self._channels: list[list[Channel]] = []
        self._nodes = [self._made(entity, replica) for entity in range(len(self._identities))]
        self.decided: dict[int, RoundDecided] = {}

    # --- the cast ----------------------------------------------------------

    def _made(self, entity: int, replica: Callable[..., Replica]) -> Replica:
        identity = self._identities[entity]
        others = [replica_name(j) for j in range(self._replicas) if j != identity]
        processors = [processor_name(k) for k in range(PROCESSORS)]
        channels = [self._link(entity, peer) for peer in processors + others]
        self._channels.append(channels)
        latencies = dict.fromkeys([*processors, *others, ENTANGLEMENT_MANAGER], 1)
        committee = Committee(self._replicas, PROCESSORS, PROCESSOR_FAULTS, DELTA)
        return replica(identity, committee, channels, latencies, next_state, (np.zeros(PROCESSORS), 0), CHAIN)

    def _link(self, entity: int, peer: str) -> Channel:
        identity = self._identities[entity]
        bare = self._bare(replica_name(identity), peer)
        if identity in self.byzantine:
            if entity >= self._replicas and self._tagged:  # twins share their identity's slots
                bare.outgoing = next(c for c in self._channels[identity] if c.peer == peer).outgoing
            return LyingChannel(bare, self._lies.told)
        kind, _, number = peer.partition("/")
        is_honest = (kind == "replica" and int(number) not in self.byzantine) or (
            kind == "processor" and int(number) not in self._liar_processors
        )

        def sent(kind: FrameKind, view: int, body: bytes) -> None:
            if kind in _TOLD and (identity, kind, view, body) not in self._said:
                self._said.add((identity, kind, view, body))
                self.invariants.acted(identity, [Output(kind, view, _said(kind, body))], self._now)

        def accepted(kind: FrameKind, view: int, body: bytes) -> None:
            value = None if kind == FrameKind.PROOF or kind not in _TOLD else _said(kind, body)
            if value is not None:
                self.invariants.heard(identity, int(number), kind, view, value)

        return WatchedChannel(replica_name(identity), bare, self._ledger, is_honest, sent, accepted)

    def _bare(self, name: str, peer: str) -> Channel:
        if self._tagged:
            return self._channel(name, peer, CHAIN, self._streams, True)
        return NullChannel(name, peer, CHAIN)

    # --- what happens ----------------------------------------------------------

    def run(self) -> None:
        """Until every honest replica has decided; raises `Violation`."""
        self._begin()
        heap, invariants, until = self._heap, self.invariants, self.calm_at + LONGEST
        while heap and not invariants.all_decided:
            now, _, entity, sender, payload = heappop(heap)
            self._now = now
            if now > until:
                break
            self.events += 1
            self._happens(entity, Envelope(round(now * DELTA), sender, 0, self._nodes[entity].name, payload))
        if not invariants.all_decided and self._key_bits == PLENTY:
            invariants.ended(self._now)
        for channels in self._channels:
            for end in channels:
                if end.outgoing.spent > end.outgoing.distilled or end.incoming.spent > end.incoming.distilled:
                    raise Violation("key bits spent <= distilled", f"towards {end.peer}")

    def _begin(self) -> None:
        bits = np.full(PROCESSORS + self._replicas, self._key_bits)
        started = RoundStarted(self._round, 0, round(OPEN_UNTIL * DELTA), round(TIME_OUT_AT * DELTA), bits)
        tested = np.full((PROCESSORS, 3), 1000.0)
        report = TestReport(self._round, tested, tested * 0.05)
        for entity in range(len(self._identities)):
            self._push(0.2 * self._draws.uniform(), entity, ENTANGLEMENT_MANAGER, started)
            self._push(0.2 + self._draws.uniform(), entity, "hub", report)
        for k in range(PROCESSORS):
            self._send_updates(k, bits)

    def _send_updates(self, k: int, bits: NDArray[np.int64]) -> None:
        name, lies = processor_name(k), k in self._liar_processors
        for entity, identity in enumerate(self._identities):
            channel = self._bare(name, replica_name(identity))
            channel.add_key_bits(int(bits[k]))
            version = self._draws.below(3) if lies else 0
            row = np.zeros(PROCESSORS, np.int64)
            row[k] = 1 + k + 100 * version
            body = encode_update(row, 10, 10)
            if lies and self._draws.uniform() < 0.3:
                body = self._draws.choice(MALFORMED)
            frame = channel.seal(FrameKind.UPDATE, self._round, 0, 0, body)
            if frame is not None and not (lies and self._draws.uniform() < 0.2):
                if not lies:
                    self._ledger.seal(frame)
                self._push(self._arrives(0.3, len(self._identities) + k, entity, frame), entity, name, frame)

    def _happens(self, entity: int, envelope: Envelope) -> None:
        payload = envelope.payload
        if self._record is not None:
            self._tell(entity, envelope.sender, payload)
        try:
            effects = self._nodes[entity].handle(envelope)
        except Violation:
            raise
        except Exception as error:
            what = f"{self._nodes[entity].name} on {type(payload).__name__} of {envelope.sender}: {error!r}"
            raise Violation("no message makes a replica fail", what) from error
        for effect in effects:
            self._caused(entity, effect)

    def _caused(self, entity: int, effect: Effect) -> None:
        assert isinstance(effect, Send), "a replica only sends"
        payload, name = effect.payload, self._nodes[entity].name
        if isinstance(payload, Frame):
            self._carry(entity, payload)
        elif isinstance(payload, RoundDecided):
            if self._identities[entity] not in self.byzantine:
                self._judge(self._identities[entity], payload)
        elif effect.receiver == name:
            self._push(max(self._now, effect.deliver_at / DELTA), entity, name, payload)

    def _carry(self, entity: int, frame: Frame) -> None:
        """To every copy of its receiver; in tagged scenarios a forger sends altered and replayed copies besides."""
        for target, identity in enumerate(self._identities):
            if replica_name(identity) == frame.receiver:
                self._push(self._arrives(self._now, entity, target, frame), target, frame.sender, frame)
                if self._tagged and self._draws.uniform() < 0.05:
                    self._forge(target, frame)

    def _forge(self, target: int, frame: Frame) -> None:
        fields: dict[str, Any] = {name: getattr(frame, name) for name in Frame.__dataclass_fields__}
        elsewhere = self._draws.below(len(self._identities))
        changes: tuple[dict[str, Any], ...] = (
            {}, {"tag": self._draws.below(2**61 - 1)}, {"view": frame.view + 1}, {"kind": frame.kind ^ 1},
            {"body": frame.body + b"\0"}, {"receiver": replica_name(self._identities[elsewhere])},
            {"sender": frame.receiver, "receiver": frame.sender},
        )  # fmt: skip
        made = Frame(**(fields | self._draws.choice(changes)))
        for entity, identity in enumerate(self._identities):
            if replica_name(identity) == made.receiver:
                self._push(self._now + 2 * self._draws.uniform(), entity, made.sender, made)

    def _arrives(self, now: float, sender: int, receiver: int, frame: Frame) -> float:
        return self._network.arrival(now, sender, receiver, frame.kind, frame.view)

    def _push(self, at: float, entity: int, sender: str, payload: Any) -> None:
        self._serial += 1
        heappush(self._heap, (at, self._serial, entity, sender, payload))

    # --- what is decided ----------------------------------------------------------

    def _judge(self, replica: int, decided: RoundDecided) -> None:
        """External validity: the model is what the pure function makes of inputs as they were sent."""
        self.invariants.acted(replica, [Decision(decided.digest, decided.view)], self._now)
        if self._record is not None:
            self._record.acted(self._now, replica, [Decision(decided.digest, decided.view)])
        model = np.asarray(decided.model)
        who = f"replica {replica}"
        if not decided.skipped and len(decided.processors) < PROCESSORS - PROCESSOR_FAULTS:
            raise Violation("external validity", f"{who} decides on {len(decided.processors)} entries")
        for k in range(PROCESSORS):
            sent = 1.0 + k if k in decided.processors else 0.0
            if k not in self._liar_processors and model[k] != sent:
                raise Violation("no altered honest input", f"{who}: element {k} is {model[k]}, must be {sent}")
        for other in self.decided.values():
            if encode(np.asarray(other.model)) != encode(model):
                raise Violation("the same model digest on every honest node", who)
        self.decided[replica] = decided

    def _tell(self, entity: int, sender: str, payload: Any) -> None:
        assert self._record is not None
        if isinstance(payload, Frame):
            number = int(sender.partition("/")[2])
            self._record.happened(self._now, entity, number, payload.kind, payload.view, payload.body)
        else:
            self._record.note(self._now, entity, f"{type(payload).__name__} {getattr(payload, 'purpose', '')}".strip())


def _said(kind: FrameKind, body: bytes) -> Any:
    """A vote's value, None if it is not one; a proof as it is."""
    try:
        value = decode(body)
    except ValueError:
        return None
    if kind == FrameKind.PROOF:
        return evidence_of(value)
    return value if isinstance(value, bytes) else None
