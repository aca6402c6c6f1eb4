"""A committee of real replicas on a network where every frame takes one Delta; one of them may crash at any step."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.consensus.committee import Committee
from ceas_ray.consensus.replica import Replica
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Envelope, Send
from ceas_ray.kernel.streams import Streams
from ceas_ray.kernel.time import FOREVER
from ceas_ray.messages.authentication import TAG_BITS
from ceas_ray.messages.consensus_payloads import Frame, RoundDecided
from ceas_ray.messages.frames import Channel, FrameKind, encode_update
from ceas_ray.messages.payloads import (
    ENTANGLEMENT_MANAGER,
    KeysDistilled,
    RoundStarted,
    StopWaiting,
    TestReport,
    processor_name,
    replica_name,
)
from ceas_ray.messages.quorum import Quorums

DELTA, PROCESSORS, PLENTY = 1000, 3, 10**6
OPENS, ROUND = 20 * DELTA, 400 * DELTA
VOTES = (FrameKind.VOTE1, FrameKind.VOTE2, FrameKind.VOTE3, FrameKind.VOTE4, FrameKind.PROPOSAL, FrameKind.PROOF)


def make_replica(index: int, replicas: int) -> Replica:
    peers = [processor_name(k) for k in range(PROCESSORS)] + [replica_name(j) for j in range(replicas) if j != index]
    channels = [
        Channel(replica_name(index), peer, chain=b"chain", streams=Streams(1), fresh_hash_keys=True) for peer in peers
    ]
    latencies = dict.fromkeys([*peers, ENTANGLEMENT_MANAGER], DELTA)

    def next_state(state: Any, rows: Any, report: Any) -> Any:
        parameters, step = state
        aggregate = np.sum([row for _, row in rows], axis=0).astype(float)
        return np.ones(len(rows)), aggregate, (parameters - aggregate, step + 1)

    committee = Committee(replicas, PROCESSORS, 1, DELTA)
    return Replica(
        index,
        committee,
        channels=channels,
        latencies=latencies,
        next_state=next_state,
        initial_state=(np.zeros(2), 0),
        chain=b"chain",
        rule=b"sum",
    )


def _bits_with_all(key_bits: int | NDArray[np.int64], replicas: int) -> NDArray[np.int64]:
    """Of every replica, half for each direction, as in `RoundStarted`."""
    between = np.broadcast_to(key_bits, (replicas, replicas))
    both_ways = np.concatenate([np.full((replicas, PROCESSORS), PLENTY), between], axis=1)
    return np.stack([both_ways // 2, both_ways // 2], axis=1)


def up_to_f(draw: np.random.Generator, replicas: int) -> frozenset[int]:
    """Any at most f replicas."""
    return frozenset(draw.permutation(replicas)[: draw.integers(Quorums(replicas).faults + 1)].tolist())


class Network:
    """Runs `rounds` rounds. crash(replica, step) says at which of its steps a replica crashes, and whether what it
    would have sent in that step still leaves."""

    def __init__(
        self,
        replicas: int,
        rounds: int = 1,
        silent: frozenset[int] = frozenset(),
        crash: Callable[[int, int], tuple[bool, bool]] = lambda replica, step: (False, True),
        down: int = 3 * DELTA,
        key_bits: int | NDArray[np.int64] = PLENTY,
        delay: Callable[[int, int], int] = lambda sender, receiver: DELTA,
        last_step: Mapping[int, int] = MappingProxyType({}),
    ) -> None:
        """key_bits: of every pair of replicas and round, or a symmetric matrix; processors have plenty.

        delay: of frames between two replicas, at most Delta where the network is calm. last_step: of replicas that
        are silent for good after so many steps, if they are not `silent` from the start."""
        self.replicas = [make_replica(j, replicas) for j in range(replicas)]
        self._count, self._silent, self._crash, self._down = replicas, silent, crash, down
        self._delay, self._last_step = delay, last_step
        self._heap: list[tuple[int, int, Envelope | tuple[int, Any]]] = []
        self._serial = self.now = 0
        self._steps = [0] * replicas
        self._off: dict[int, list[RoundStarted]] = {}
        self._liars: dict[tuple[int, int], Channel] = {}
        self.sent: list[Frame] = []
        self.decided: dict[tuple[int, int], RoundDecided] = {}
        self.adopted_at: dict[tuple[int, int], int] = {}
        senders = [Channel(processor_name(k), replica_name(j), chain=b"chain", streams=Streams(1), fresh_hash_keys=True)
                   for k in range(PROCESSORS) for j in range(replicas)]  # fmt: skip
        for round_index in range(rounds):
            begins = round_index * ROUND
            opens, times_out = begins + OPENS, begins + 2 * OPENS
            report = TestReport(
                round_index=round_index, tested=np.ones((PROCESSORS, 3)), errors=np.zeros((PROCESSORS, 3))
            )
            for j, bits in enumerate(_bits_with_all(key_bits, replicas)):
                self.push(
                    begins + 1,
                    j,
                    ENTANGLEMENT_MANAGER,
                    RoundStarted(
                        round_index=round_index,
                        plan_ends_at=opens,
                        inputs_open_until=opens,
                        inputs_time_out_at=times_out,
                        key_bits=bits,
                    ),
                )
                self.push(begins + 2, j, "hub", report)
            for place, channel in enumerate(senders):
                channel.add_key_bits(PLENTY, PLENTY)
                body = encode_update(np.full(2, 1 + place // replicas + round_index), 1, 1)
                frame = channel.seal(FrameKind.UPDATE, round_index=round_index, view=0, now=begins + 3, body=body)
                self.push(begins + 3, place % replicas, processor_name(place // replicas), frame)
        for j in range(replicas):
            self.push(rounds * ROUND, j, "entanglement_manager", StopWaiting(rounds - 1))

    def push(self, at: int, replica: int, sender: str, payload: Any) -> None:
        self._serial += 1
        envelope = Envelope(
            deliver_at=at, sender=sender, serial=self._serial, receiver=replica_name(replica), payload=payload
        )
        heapq.heappush(self._heap, (at, self._serial, envelope))

    def refill(self, at: int, round_index: int, key_bits: int) -> None:
        """The manager hands out so many new bits for every pair of replicas."""
        for j, bits in enumerate(_bits_with_all(key_bits, len(self.replicas))):
            self.push(at, j, ENTANGLEMENT_MANAGER, KeysDistilled(round_index, bits))

    def run(self) -> None:
        while self._heap:
            self.now, _, item = heapq.heappop(self._heap)
            now = self.now
            if isinstance(item, tuple):
                self._recover(*item, now)
                continue
            j = int(item.receiver.rpartition("/")[2])
            if j in self._silent or self._steps[j] >= self._last_step.get(j, FOREVER):
                continue
            if j in self._off:
                if isinstance(item.payload, RoundStarted):
                    self._off[j].append(item.payload)
                continue
            crashes, sends = self._crash(j, self._steps[j])
            self._steps[j] += 1
            effects = self.handled(j, item)
            if crashes:
                self.goes_down(j, encode(self.replicas[j].persistent()))
            if sends:
                self._take(j, [e for e in effects if not crashes or e.receiver != self.replicas[j].name])

    def handled(self, j: int, envelope: Envelope) -> Any:
        """What the replica does about it."""
        return self.replicas[j].handle(envelope)

    def goes_down(self, j: int, disk: bytes) -> None:
        """It crashes now, with this on its disk, and recovers."""
        self._serial += 1
        heapq.heappush(self._heap, (self.now + self._down, self._serial, (j, disk)))
        self._off[j] = []

    def _recover(self, j: int, disk: bytes, now: int) -> None:
        self.replicas[j] = make_replica(j, self._count)
        self._take(j, self.replicas[j].recover(decode(disk), now))
        for started in self._off.pop(j):
            self.push(now, j, "entanglement_manager", started)

    def _take(self, j: int, effects: Any) -> None:
        for effect in effects:
            assert isinstance(effect, Send)
            if isinstance(effect.payload, RoundDecided):
                self.decided[j, effect.payload.round_index] = effect.payload
                self.adopted_at[j, effect.payload.round_index] = self.now
            elif isinstance(effect.payload, Frame):
                self.sent.append(effect.payload)
                if not effect.receiver.startswith("replica/"):
                    continue
            if effect.receiver != ENTANGLEMENT_MANAGER:
                at, to = effect.deliver_at, int(effect.receiver.rpartition("/")[2])
                if isinstance(effect.payload, Frame):
                    at += self._delay(j, to) - DELTA
                self.push(at, to, self.replicas[j].name, effect.payload)

    def hear(
        self, at: int, sender: int, to: int, kind: FrameKind, view: int, body: bytes, round_index: int = 0
    ) -> None:
        """A silent replica says this, with a right tag; `run` delivers it."""
        name = replica_name(sender)
        if (sender, to) not in self._liars:
            self._liars[sender, to] = Channel(
                name, replica_name(to), chain=b"chain", streams=Streams(1), fresh_hash_keys=True
            )
            self._liars[sender, to].add_key_bits(PLENTY, PLENTY)
        self.push(
            at, to, name, self._liars[sender, to].seal(kind, round_index=round_index, view=view, now=at, body=body)
        )

    def states(self) -> set[bytes]:
        """Of all replicas that are not silent, nor fell silent."""
        off = {*self._silent, *self._last_step}
        return {encode(r.model.state) for j, r in enumerate(self.replicas) if j not in off}

    def decide_times(self, round_index: int = 0) -> dict[int, float]:
        """When each replica first said what was decided, in Delta since the inputs could close."""
        times: dict[int, float] = {}
        for frame in self.sent:
            if (frame.kind, frame.round_index) == (FrameKind.DECIDE, round_index):
                after = frame.sent_at - OPENS - round_index * ROUND
                times.setdefault(int(frame.sender.rpartition("/")[2]), after / DELTA)
        return times

    def assert_the_books_of_keys_are_exact(self) -> None:
        """By the frames that left: 61 bits a slot, and 61 more a round for the hash key. A receiver spends what its
        sender did at most, and only it erases."""
        used: dict[tuple[str, str], tuple[set[int], set[int]]] = {}
        for frame in self.sent:
            slots, rounds = used.setdefault((frame.sender, frame.receiver), (set(), set()))
            slots.add(frame.counter)
            rounds.add(frame.round_index)
        for replica in self.replicas:
            for other in self.replicas:
                if other is not replica:
                    out, into = replica.channel(other.name).outgoing, other.channel(replica.name).incoming
                    slots, rounds = used.get((replica.name, other.name), (set(), set()))
                    assert out.spent == TAG_BITS * (len(slots) + len(rounds))
                    assert (out.erased, out.distilled) == (0, out.spent + out.stored)
                    assert into.spent <= out.spent
                    assert into.distilled == into.spent + into.stored + into.erased
                    assert min(out.stored, into.stored, into.erased) >= 0

    def assert_nobody_contradicted_itself(self) -> None:
        """One value per replica, kind, view and receiver; one frame per key slot."""
        said: dict[Any, bytes] = {}
        slots: dict[Any, Frame] = {}
        for frame in self.sent:
            slot = slots.setdefault((frame.sender, frame.receiver, frame.counter), frame)
            assert slot == frame, "a slot tagged two messages"
            if frame.kind in VOTES:
                key = (frame.sender, frame.round_index, frame.kind, frame.view)
                assert said.setdefault(key, frame.body) == frame.body, "a replica contradicted itself"
