"""Scenarios of whole replicas: the very `Replica` of training, from updates and echoes to the decided model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.consensus.committee import Committee
from ceas_ray.consensus.exploration.bold_replica import BoldReplica
from ceas_ray.consensus.exploration.channels import Ledger, LyingChannel, NullChannel, WatchedChannel
from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.exploration.network import CALM_AT, Network
from ceas_ray.consensus.exploration.record import Record
from ceas_ray.consensus.exploration.replica_lies import MALFORMED, ReplicaLies
from ceas_ray.consensus.exploration.rounds_judge import RoundsJudge, honest_input
from ceas_ray.consensus.exploration.violation import Violation
from ceas_ray.consensus.replica import Replica
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Effect, Envelope, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.frames import Channel, FrameKind, encode_update
from ceas_ray.messages.payloads import (
    ENTANGLEMENT_MANAGER,
    Frame,
    KeysDistilled,
    RoundDecided,
    RoundGivenUp,
    RoundStarted,
    TestReport,
    processor_name,
    replica_name,
)
from ceas_ray.messages.quorum import Quorums
from ceas_ray.messages.round_progress import Heard, OnStall, RoundProgress

DELTA, PROCESSORS, PROCESSOR_FAULTS = 1000, 4, 1
OPEN_UNTIL, TIME_OUT_AT, LONGEST = 1.5, 3.0, 500.0
PLENTY, SCARCE = 10**6, 3_000
CHAIN = b"exploration"
LATE_CALM_AT = (0.0, 10.0, 25.0, 50.0)
"""In scenarios of several rounds, Delta."""
PLANNING, PATIENCE, MOST_WAITS = (1.0, 5.0, 15.0), 40.0, 5
DOWN = (0.5, 5.0, 20.0, 50.0)
_MANAGER = -1
Control = RoundStarted | KeysDistilled | RoundGivenUp | TestReport
NextState = tuple[NDArray[np.float64], NDArray[np.float64], tuple[NDArray[np.float64], int]]


def next_state(state: Any, rows: Sequence[tuple[int, NDArray[np.int64]]], report: TestReport) -> NextState:
    """Element k of the model becomes what processor k sent, so that a decided model shows every input."""
    model = state[0].copy()
    for processor, row in rows:
        model[processor] = float(row[processor])
    return np.full(len(rows), 1.0 / len(rows)), model, (model, state[1] + 1)


@dataclass(frozen=True)
class Outage:
    """After so many of its events an honest replica is down for `down` Delta.

    sends: whether the frames of that event still leave. keeps_timers: whether its old timers wake the new one.
    """

    after: int
    down: float
    sends: bool
    keeps_timers: bool


class ReplicaScenario:
    """One round, or several. tagged: with real tags and keys, forged and replayed frames; else channels give what tags
    give. In several rounds honest replicas may crash and recover, miss rounds and catch up; a manager starts a round
    when enough replicas say what they decided in the last one, and may give up on it: then SKIP is agreed on."""

    def __init__(
        self,
        seed: int,
        replicas: int,
        tagged: bool = False,
        rounds: int = 1,
        replica: Callable[..., Replica] = Replica,
        channel: Callable[..., Channel] = Channel,
        record: Record | None = None,
        quorums: Callable[[int], Quorums] = Quorums,
    ) -> None:
        """quorums: the manager's, whose rule says when the next round begins."""
        several = rounds > 1
        draws = self._draws = Draws(seed, "rounds" if several else "replica")
        self._seed, self._replicas, self._tagged, self._rounds, self._record = seed, replicas, tagged, rounds, record
        self._channel, self._replica = channel, replica
        faults = Quorums(replicas).faults
        byzantine = self.byzantine = frozenset(draws.sample(replicas, draws.below(faults + 1) if several else faults))
        self._progress = RoundProgress(quorums(replicas), PROCESSORS, OnStall("wait", MOST_WAITS))
        self.honest = [j for j in range(replicas) if j not in byzantine]
        twins = sorted(byzantine) if draws.uniform() < 0.6 else []
        self._identities = [*range(replicas), *twins]
        self.calm_at = draws.choice(LATE_CALM_AT if several else CALM_AT)
        self._network = Network(draws, len(self._identities) + PROCESSORS, self.calm_at)
        deaf = frozenset(replica_name(j) for j in self.honest if draws.uniform() < 0.4)
        self._lies = ReplicaLies(draws, draws.choice((0.0, 0.3, 0.8)), deaf if draws.uniform() < 0.2 else frozenset())
        self._liar_processors = draws.sample(PROCESSORS, 1) if draws.uniform() < 0.6 else ()
        self._key_bits = SCARCE if tagged and not several and draws.uniform() < 0.2 else PLENTY
        forges = draws.uniform() < 0.3
        believers = [k for k in range(PROCESSORS) if k not in self._liar_processors]
        self._forged = draws.choice(believers) if forges else None
        """An honest processor in whose name Byzantine replicas hold an update of their own, and propose it."""
        self._halves = several and draws.uniform() < 0.5
        """The liar among the processors tells half of the replicas this and the others that, and is convicted."""
        self._hub = draws.choice(("all", "all", "some", "late", "mixed", "none"))
        """Which replicas the hub's report reaches, and when."""
        self._spread = draws.uniform() < 0.3
        """The inputs time out at different times."""
        self._drips = draws.uniform() < 0.5
        """The liar among the processors serves every replica at a time of its own."""
        self._gives_up = several and draws.uniform() < 0.5
        self._outages = {j: self._drawn_outages() for j in self.honest} if several else {}
        self.judge = RoundsJudge(
            replicas, rounds, self.honest, PROCESSORS, PROCESSORS - PROCESSOR_FAULTS, self._liar_processors,
            self._lies.poisoned, self.calm_at, judges_views=not several and self._key_bits == PLENTY,
        )  # fmt: skip
        self._ledger = Ledger()
        self._now, self._serial, self.events, self.crashes = 0.0, 0, 0, 0
        self._heap: list[tuple[float, int, int, str, Any]] = []
        self._streams = Streams(seed)
        self._channels: dict[int, list[Channel]] = {}
        self._update_channels: dict[tuple[int, int], Channel] = {}
        self._nodes = [self._made(entity) for entity in range(len(self._identities))]
        self._handled = [0] * len(self._nodes)
        self._timers_from = [0] * len(self._nodes)
        self._disks: dict[int, bytes] = {}
        self._missed: dict[int, list[Control]] = {}
        self._until = 0.0

    def _drawn_outages(self) -> list[Outage]:
        draws, count = self._draws, self._draws.choice((0, 0, 1, 2))
        return [
            Outage(1 + draws.below(50 * self._rounds), draws.choice(DOWN), draws.uniform() < 0.5, draws.uniform() < 0.5)
            for _ in range(count)
        ]

    # --- the cast ----------------------------------------------------------

    def _made(self, entity: int) -> Replica:
        """A replica as it is when it is switched on."""
        identity = self._identities[entity]
        others = [replica_name(j) for j in range(self._replicas) if j != identity]
        processors = [processor_name(k) for k in range(PROCESSORS)]
        channels = self._channels[entity] = [self._link(entity, peer) for peer in processors + others]
        latencies = dict.fromkeys([*processors, *others, ENTANGLEMENT_MANAGER], 1)
        committee = _committee(self._replicas)
        bold = identity in self.byzantine and self._forged is not None
        kind = BoldReplica if bold else self._replica
        return kind(identity, committee, channels, latencies, next_state, (np.zeros(PROCESSORS), 0), CHAIN)

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

        def sent(round_index: int, kind: FrameKind, view: int, body: bytes) -> None:
            self.judge.said(identity, round_index, kind, view, body, self._now)

        def accepted(round_index: int, kind: FrameKind, view: int, body: bytes) -> None:
            self.judge.heard(identity, int(number), round_index, kind, view, body)

        return WatchedChannel(replica_name(identity), bare, self._ledger, is_honest, sent, accepted)

    def _bare(self, name: str, peer: str) -> Channel:
        if self._tagged:
            return self._channel(name, peer, CHAIN, self._streams, True)
        return NullChannel(name, peer, CHAIN)

    # --- what happens ----------------------------------------------------------

    def run(self) -> None:
        """Until every honest replica has decided the last round; raises `Violation`."""
        self._start_round(0)
        heap, judge = self._heap, self.judge
        while heap and not judge.all_decided:
            now, serial, entity, sender, payload = heappop(heap)
            self._now = now
            if now > self._until:
                break
            if entity == _MANAGER:
                payload()
            elif payload == "recovers":
                self._recover(entity)
            elif sender != self._nodes[entity].name or serial >= self._timers_from[entity]:
                self.events += 1
                self._happens(entity, Envelope(round(now * DELTA), sender, 0, self._nodes[entity].name, payload))
        if not judge.all_decided and self._key_bits == PLENTY:
            judge.ended(self._now)
        for channels in self._channels.values():
            for end in channels:
                for pool in (end.outgoing, end.incoming):
                    if pool.spent > pool.distilled or pool.distilled != pool.spent + pool.stored + pool.erased:
                        raise Violation("key bits: distilled = spent + stored + erased", f"towards {end.peer}")

    def _happens(self, entity: int, envelope: Envelope) -> None:
        payload = envelope.payload
        if entity in self._disks:
            if isinstance(payload, Control):
                self._missed[entity].append(payload)
            return
        if self._record is not None:
            self._tell(entity, envelope.sender, payload)
        what = f"{type(payload).__name__} of {envelope.sender}"
        effects = self._answer(entity, what, lambda: self._nodes[entity].handle(envelope))
        self._handled[entity] += 1
        outages = self._outages.get(entity, ())
        outage = next((outage for outage in outages if outage.after == self._handled[entity]), None)
        for effect in effects:
            if outage is None or outage.sends or not _is_frame(effect):
                self._caused(entity, effect)
        if outage is not None:
            self._crash(entity, outage)

    def _answer(self, entity: int, what: str, answer: Callable[[], Sequence[Effect]]) -> Sequence[Effect]:
        try:
            return answer()
        except Violation:
            raise
        except Exception as error:
            told = f"{self._nodes[entity].name} on {what}: {error!r}"
            raise Violation("no message makes a replica fail", told) from error

    def _caused(self, entity: int, effect: Effect) -> None:
        assert isinstance(effect, Send), "a replica only sends"
        payload, name = effect.payload, self._nodes[entity].name
        if isinstance(payload, Frame):
            self._carry(entity, payload)
        elif isinstance(payload, RoundDecided):
            self._decided(self._identities[entity], payload)
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
        return self._network.arrival(now, sender, receiver, frame.kind, 1000 * frame.round_index + frame.view)

    def _push(self, at: float, entity: int, sender: str, payload: Any) -> None:
        self._serial += 1
        heappush(self._heap, (at, self._serial, entity, sender, payload))

    # --- rounds ----------------------------------------------------------

    def _start_round(self, round_index: int) -> None:
        now, bits = self._now, self._key_bits_each
        self._progress.plan(round_index)
        self._progress.begin()
        self._until = max(self._until, self.calm_at + LONGEST, now + LONGEST)
        opens, times_out = round((now + OPEN_UNTIL) * DELTA), round((now + TIME_OUT_AT) * DELTA)
        tested = np.full((PROCESSORS, 3), 1000.0)
        report = TestReport(round_index, tested, tested * 0.05)
        for entity in range(len(self._identities)):
            ends = round((now + TIME_OUT_AT * (0.6 + self._draws.uniform())) * DELTA) if self._spread else times_out
            started = RoundStarted(round_index, round(now * DELTA), opens, ends, bits)
            self._push(now + 0.2 * self._draws.uniform(), entity, ENTANGLEMENT_MANAGER, started)
            self._report_to(entity, report)
        for k in range(PROCESSORS):
            self._send_updates(k, int(bits[k]))
        if self._rounds > 1:
            self._push(now + PATIENCE, _MANAGER, "", lambda: self._wait(round_index, 0))

    def _report_to(self, entity: int, report: TestReport) -> None:
        """In time, late, or never."""
        hub = self._draws.choice(("all", "late", "none")) if self._hub == "mixed" else self._hub
        if hub == "none" or (hub == "some" and self._draws.uniform() < 0.5):
            return
        late = TIME_OUT_AT + 8.0 * self._draws.uniform() if hub == "late" else 0.0
        self._push(self._now + 0.2 + late + self._draws.uniform(), entity, "hub", report)

    @property
    def _round(self) -> int:
        return self._progress.state.round_index

    @property
    def _key_bits_each(self) -> NDArray[np.int64]:
        return np.full(PROCESSORS + self._replicas, self._key_bits)

    def _send_updates(self, k: int, bits: int) -> None:
        name, lies = processor_name(k), k in self._liar_processors
        for entity, identity in enumerate(self._identities):
            if (k, entity) not in self._update_channels:
                self._update_channels[k, entity] = self._bare(name, replica_name(identity))
            channel = self._update_channels[k, entity]
            channel.add_key_bits(bits)
            body, withheld = self._update_body(k, identity)
            frame = channel.seal(FrameKind.UPDATE, self._round, 0, 0, body)
            if frame is not None and not withheld:
                if not lies and not (k == self._forged and identity in self.byzantine):
                    self._ledger.seal(frame)
                at = self._arrives(self._now + 0.3, len(self._identities) + k, entity, frame)
                if lies and self._drips:
                    at = self._now + self._draws.choice((0.3, 2.0 * TIME_OUT_AT * self._draws.uniform(), TIME_OUT_AT))
                self._push(at, entity, name, frame)

    def _update_body(self, k: int, identity: int) -> tuple[bytes, bool]:
        """What processor k tells this replica, and whether it withholds it instead."""
        version, malformed, withheld = 0, False, False
        if k in self._liar_processors and self._halves:
            version = identity % 2
        elif k in self._liar_processors:
            version, malformed = self._draws.below(3), self._draws.uniform() < 0.3
            withheld = self._draws.uniform() < 0.2
        elif k == self._forged and identity in self.byzantine:
            version = 7
        row = np.zeros(PROCESSORS, np.int64)
        row[k] = honest_input(k, self._round) + 100 * version
        return self._draws.choice(MALFORMED) if malformed else encode_update(row, 10, 10), withheld

    def _decided(self, identity: int, decided: RoundDecided) -> None:
        """When enough replicas say the same, the next round may begin."""
        if identity not in self.byzantine:
            decisions = self.judge.decides(identity, decided, self._now)
            if self._record is not None:
                self._record.acted(self._now, identity, decisions)
        if self._progress.hear(replica_name(identity), decided) is Heard.DECISIVE and self._round + 1 < self._rounds:
            following = self._round + 1
            at = self._now + self._draws.choice(PLANNING)
            self._push(at, _MANAGER, "", lambda: self._start_round(following))

    def _wait(self, round_index: int, waits: int) -> None:
        """No decision for long: the manager hands out keys, and in some scenarios gives up on the round."""
        if not self._progress.is_stalled(round_index, waits) or not self._progress.waits_on():
            return
        for entity in range(len(self._nodes)):
            self._push(self._now, entity, ENTANGLEMENT_MANAGER, KeysDistilled(round_index, self._key_bits_each))
            if self._gives_up:
                self._push(self._now, entity, ENTANGLEMENT_MANAGER, RoundGivenUp(round_index))
        for channel in self._update_channels.values():
            channel.add_key_bits(self._key_bits)
        self._push(self._now + PATIENCE, _MANAGER, "", lambda: self._wait(round_index, waits + 1))

    # --- crashes ----------------------------------------------------------

    def _crash(self, entity: int, outage: Outage) -> None:
        """What is on disk is what it knew after its last event; what comes while it is down is lost, but control."""
        if self._record is not None:
            self._record.note(self._now, entity, f"crashes for {outage.down} Delta")
        self.crashes += 1
        self._disks[entity], self._missed[entity] = encode(self._nodes[entity].persistent()), []
        if not outage.keeps_timers:
            self._timers_from[entity] = self._serial + 1
        back = self._now + outage.down
        self._until = max(self._until, back + LONGEST)
        self._push(back, entity, "", "recovers")

    def _recover(self, entity: int) -> None:
        if self._record is not None:
            self._record.note(self._now, entity, "recovers")
        disk = decode(self._disks.pop(entity))
        self._nodes[entity] = self._made(entity)
        effects = self._answer(entity, "recovery", lambda: self._nodes[entity].recover(disk, round(self._now * DELTA)))
        for effect in effects:
            self._caused(entity, effect)
        for payload in self._missed.pop(entity):
            self._push(self._now, entity, ENTANGLEMENT_MANAGER, payload)

    # --- the chart ----------------------------------------------------------

    def _tell(self, entity: int, sender: str, payload: Any) -> None:
        assert self._record is not None
        if isinstance(payload, Frame):
            number = int(sender.partition("/")[2])
            self._record.happened(self._now, entity, number, payload.kind, payload.view, payload.body)
        else:
            self._record.note(self._now, entity, f"{type(payload).__name__} {getattr(payload, 'purpose', '')}".strip())


def _committee(replicas: int) -> Committee:
    return Committee(replicas, PROCESSORS, PROCESSOR_FAULTS, DELTA)


def _is_frame(effect: Effect) -> bool:
    return isinstance(effect, Send) and isinstance(effect.payload, Frame)
