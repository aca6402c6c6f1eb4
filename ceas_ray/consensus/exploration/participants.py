"""The participants of a whole-replica scenario: real replicas, twins, and the channels between all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.consensus.exploration.bold_replica import BoldReplica
from ceas_ray.consensus.exploration.channels import Ledger, LyingChannel, NullChannel, WatchedChannel
from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.exploration.explored_code import ExploredCode
from ceas_ray.consensus.exploration.replica_lies import ReplicaLies
from ceas_ray.consensus.exploration.replica_setting import PLENTY, PROCESSORS, ReplicaSetting
from ceas_ray.consensus.exploration.round_invariants import RoundInvariants
from ceas_ray.consensus.exploration.tapes import Tape, seed_of
from ceas_ray.consensus.exploration.timeline import Timeline
from ceas_ray.consensus.replica import Replica
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.frames import Channel, FrameKind
from ceas_ray.messages.payloads import ENTANGLEMENT_MANAGER, TestReport, processor_name, replica_name

CHAIN, RULE = b"exploration", b"each processor sets its element"
NextState = tuple[NDArray[np.float64], NDArray[np.float64], tuple[NDArray[np.float64], int]]


def next_state(state: Any, rows: Sequence[tuple[int, NDArray[np.int64]]], report: TestReport) -> NextState:
    """Return the weights, aggregate and state of the scenario's rule: element k of the model becomes what processor k
    sent, so a decided model shows every input.
    """
    model = state[0].copy()
    for processor, row in rows:
        model[processor] = float(row[processor])
    return np.full(len(rows), 1.0 / len(rows)), model, (model, state[1] + 1)


class Participants:
    """Makes the entities, which are the replicas and the second copies (twins) of Byzantine ones. Those of an
    omniscient adversary run nothing.
    """

    def __init__(
        self, numbers: int | Tape, setting: ReplicaSetting, *, draws: Draws, judge: RoundInvariants, timeline: Timeline,
        code: ExploredCode,
    ) -> None:  # fmt: skip
        self.setting, self._judge, self._timeline, self._code = setting, judge, timeline, code
        self.lies = ReplicaLies(draws, setting.lie, setting.deaf, poisoned=judge.poisoned, poisons=setting.poisons)
        self._streams, self._fresh_hash_keys = Streams(seed_of(numbers)), seed_of(numbers) % 2 == 0
        self.identities = [*range(setting.replicas), *setting.twins]
        running = [e for e, j in enumerate(self.identities) if not (setting.omniscient and j in setting.byzantine)]
        self.names = [replica_name(identity) for identity in self.identities]
        self.copies_of = {name: [e for e in running if self.names[e] == name] for name in self.names}
        self.ledger = Ledger()
        self.channels: dict[int, dict[str, Channel]] = {}
        self.nodes = {entity: self.made(entity) for entity in running}
        self._honest_names = {replica_name(j) for j in setting.honest}
        self.is_honest = [identity not in setting.byzantine for identity in self.identities]

    def made(self, entity: int) -> Replica:
        """Return a replica in the state in which it is switched on."""
        setting, identity = self.setting, self.identities[entity]
        others = [replica_name(j) for j in range(setting.replicas) if j != identity]
        processors = [processor_name(k) for k in range(PROCESSORS)]
        channels = self.channels[entity] = {peer: self._link(entity, peer) for peer in processors + others}
        latencies = dict.fromkeys([*processors, *others, ENTANGLEMENT_MANAGER], 1)
        bold = identity in setting.byzantine and setting.forged is not None
        kind = BoldReplica if bold else self._code.replica
        initial = (np.zeros(PROCESSORS), 0)
        return kind(
            identity, setting.committee, channels=[*channels.values()], latencies=latencies, next_state=next_state,
            initial_state=initial, chain=CHAIN, rule=RULE,
        )  # fmt: skip

    def _link(self, entity: int, peer: str) -> Channel:
        setting, identity = self.setting, self.identities[entity]
        bare = self.bare(replica_name(identity), peer)
        if identity in setting.byzantine:
            if entity >= setting.replicas and setting.tagged:  # twins share their identity's slots
                bare.outgoing = self.channels[identity][peer].outgoing
            return LyingChannel(bare, self.lies.falsified)
        kind, _, number = peer.partition("/")
        is_honest = (kind == "replica" and int(number) not in setting.byzantine) or (
            kind == "processor" and int(number) not in setting.liar_processors
        )

        def sent(round_index: int, kind: FrameKind, view: int, body: bytes) -> None:
            self._judge.said(
                identity, peer, round_index=round_index, kind=kind, view=view, body=body, now=self._timeline.now
            )

        def heard(round_index: int, kind: FrameKind, view: int, body: bytes) -> None:
            self._judge.heard(identity, int(number), round_index=round_index, kind=kind, view=view, body=body)

        has_keys = setting.key_bits == PLENTY
        return WatchedChannel(
            replica_name(identity),
            bare,
            ledger=self.ledger,
            peer_is_honest=is_honest,
            sent=sent,
            heard=heard,
            has_keys=has_keys,
        )

    def is_honest_name(self, name: str) -> bool:
        """Return whether this is the name of an honest replica."""
        return name in self._honest_names

    def bare(self, name: str, peer: str) -> Channel:
        """Return one end of a link that nobody watches and on which nobody lies."""
        if self.setting.tagged:
            fresh = self._fresh_hash_keys
            return self._code.channel(name, peer, chain=CHAIN, streams=self._streams, fresh_hash_keys=fresh)
        return NullChannel(name, peer, CHAIN)
