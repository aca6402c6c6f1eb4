"""Scenarios of whole replicas: the `Replica` of training itself, from updates and echoes to the decided model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ceas_ray.consensus.chain_head import AgreedModel
from ceas_ray.consensus.committee import ProtocolParameters
from ceas_ray.consensus.exploration.adversary import ScenarioAdversary
from ceas_ray.consensus.exploration.disturbances import Disturbances
from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.exploration.environment import MANAGER, Environment
from ceas_ray.consensus.exploration.explored_code import TRAINING, ExploredCode
from ceas_ray.consensus.exploration.network import HurryingNetwork, Network, UnequalNetwork
from ceas_ray.consensus.exploration.omniscient_adversary import OmniscientAdversary
from ceas_ray.consensus.exploration.participants import CHAIN, RULE, Participants, next_state
from ceas_ray.consensus.exploration.record import Record
from ceas_ray.consensus.exploration.replica_setting import DELTA, PLENTY, PROCESSORS, Outage, ReplicaSetting
from ceas_ray.consensus.exploration.round_divider import RoundDivider
from ceas_ray.consensus.exploration.round_invariants import RoundInvariants
from ceas_ray.consensus.exploration.tapes import Tape
from ceas_ray.consensus.exploration.timeline import Timeline
from ceas_ray.consensus.exploration.violation import Violation
from ceas_ray.consensus.timers import ReplicaTimer
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Effect, Envelope, Observation, Send
from ceas_ray.messages.consensus_payloads import Frame, RoundDecided
from ceas_ray.messages.frames import FrameKind
from ceas_ray.messages.payloads import (
    ENTANGLEMENT_MANAGER,
    KeysDistilled,
    RoundGivenUp,
    RoundStarted,
    TestReport,
    Timer,
    replica_name,
)

Control = RoundStarted | KeysDistilled | RoundGivenUp | TestReport
_BACK = "is back"


class ReplicaScenario:
    """One round, or several. tagged: with real tags and keys, forged and replayed frames, and junk; else channels give
    what tags give. Honest replicas may crash and recover, miss rounds and catch up."""

    def __init__(
        self, numbers: int | Tape, replicas: int, *, tagged: bool = False, rounds: int = 1,
        code: ExploredCode = TRAINING, record: Record | None = None,
        aim: Callable[[ReplicaSetting], ReplicaSetting] = lambda setting: setting,
    ) -> None:  # fmt: skip
        """Draw a scenario.

        numbers: a seed, or a tape. aim: changes the setting that was drawn, to meet rare situations more often.
        """
        draws = self._draws = Draws(numbers, "rounds" if rounds > 1 else "replica")
        drawn = ReplicaSetting.drawn(draws, replicas, tagged, rounds)
        setting = self.setting = aim(drawn.with_attacks(Draws(numbers, "attacks")))
        self._record = record
        self.judge = RoundInvariants(setting)
        self._timeline = Timeline()
        participants = self._participants = Participants(
            numbers, setting, draws=draws, judge=self.judge, timeline=self._timeline, code=code
        )
        self.nodes = participants.nodes
        self._network = self._network_of(draws, nodes=len(participants.identities) + PROCESSORS)
        self._adversary = self._free_adversary(numbers) if setting.omniscient else None
        self._disturbances = Disturbances(setting, Draws(numbers, "disturbances"), participants, self._timeline)
        self._environment = Environment(
            participants, draws, network=self._network, timeline=self._timeline, judge=self.judge,
            adversary=self._adversary, disturbances=self._disturbances, code=code,
        )  # fmt: skip
        self.events = self.crashes = 0
        self._handled = dict.fromkeys(self.nodes, 0)
        self._timers_from = dict.fromkeys(self.nodes, 0)
        self.disks: dict[int, bytes] = {}
        self._missed: dict[int, list[Control]] = {}
        self._view_of: dict[int, int] = {}
        self._trained, self._acted_in = 0, set[tuple[int, int]]()

    def _network_of(self, draws: Draws, nodes: int) -> Network:
        setting, calm_at = self.setting, self.setting.calm_at
        if setting.hurried is not None:
            return HurryingNetwork(draws, nodes, calm_at, setting.hurried)
        return (UnequalNetwork if setting.unequal else Network)(draws, nodes, calm_at)

    def _free_adversary(self, numbers: int | Tape) -> ScenarioAdversary:
        setting, draws = self.setting, Draws(numbers, "free liars")
        self._liar_channels = {
            (liar, target): self._participants.bare(replica_name(liar), replica_name(target))
            for liar in sorted(setting.byzantine) for target in setting.honest
        }  # fmt: skip
        initial = AgreedModel((np.zeros(PROCESSORS), 0), ())
        if setting.apart:
            return RoundDivider(draws, setting, initial=initial, say=self._say)
        protocol = ProtocolParameters(
            committee=setting.committee, chain=CHAIN, rule=RULE, next_state=next_state, model_size=PROCESSORS
        )
        return OmniscientAdversary(draws, setting, protocol=protocol, initial=initial, say=self._say)

    @property
    def honest(self) -> list[int]:
        """Return the replicas that follow the protocol."""
        return self.setting.honest

    @property
    def decided(self) -> tuple[Any, ...]:
        """The time of the last event, and for each round what each honest replica decided, and in which view."""
        rounds = self.judge.decided
        return (self._timeline.now, *([(j, of[j].digest, of[j].view) for j in sorted(of)] for of in rounds))

    # --- what happens ----------------------------------------------------------

    def run(self) -> None:
        """Run until every honest replica has decided the last round. Raises `Violation`."""
        timeline, judge, environment, participants = self._timeline, self.judge, self._environment, self._participants
        environment.start_round(0)
        while timeline.heap and not judge.all_decided:
            now, serial, entity, sender, payload = timeline.take()
            if now > environment.until:
                break
            if entity == MANAGER:
                payload()
            elif payload is _BACK:
                self._recover(entity)
            elif sender != participants.names[entity] or serial >= self._timers_from[entity]:
                self.events += 1
                self._arrives(now, entity, sender, payload)
        if not judge.all_decided:
            judge.ended(timeline.now)
        for entity, sender, frame in environment.requests(self.setting.rounds - 1):
            self._arrives(timeline.now, entity, sender, frame)
        environment.end()
        self._judge_keys()

    def _arrives(self, now: float, entity: int, sender: str, payload: Any) -> None:
        receiver, at = self._participants.names[entity], round(now * DELTA)
        self._happens(entity, Envelope(deliver_at=at, sender=sender, serial=0, receiver=receiver, payload=payload))

    def _judge_keys(self) -> None:
        for channels in self._participants.channels.values():
            for end in channels.values():
                for pool in (end.outgoing, end.incoming):
                    if pool.spent > pool.distilled or pool.distilled != pool.spent + pool.stored + pool.erased:
                        raise Violation("key bits: distilled = spent + stored + erased", f"towards {end.peer}")

    def _happens(self, entity: int, envelope: Envelope) -> None:
        payload = envelope.payload
        if entity in self.disks:
            if isinstance(payload, Control):
                self._missed[entity].append(payload)
            return
        if self._record is not None:
            self._chart(self._record, entity, envelope.sender, payload)
        effects = self._answer(entity, payload, lambda: self.nodes[entity].handle(envelope))
        if self.setting.rounds > 1 and self._participants.is_honest[entity] and self.nodes[entity]._head.behind:
            agreement = self.nodes[entity]._agreement
            self.judge.lacks(entity, agreement.round_index, agreement.catching_up.past)
        outages = self.setting.outages.get(entity)
        if not outages:
            for effect in effects:
                self._caused(entity, effect)
            return
        self._handled[entity] += 1
        outage = next((outage for outage in outages if outage.after == self._handled[entity]), None)
        for effect in effects:
            if outage is None or outage.sends or not _is_frame(effect):
                self._caused(entity, effect)
        if outage is not None:
            self._crash(entity, outage)

    def _answer(self, entity: int, payload: Any, answer: Callable[[], Sequence[Effect]]) -> Sequence[Effect]:
        try:
            return answer()
        except Violation:
            raise
        except Exception as error:
            description = f"{self._participants.names[entity]} on {type(payload).__name__}: {error!r}"
            raise Violation("no message makes a replica fail", description) from error

    def _caused(self, entity: int, effect: Effect) -> None:
        if isinstance(effect, Observation):
            return
        assert isinstance(effect, Send), "a replica sends, and observes"
        payload, name = effect.payload, self._participants.names[entity]
        if type(payload) is Frame:
            self._carry(entity, payload)
        elif effect.receiver == name:
            if (
                type(payload) is Timer
                and payload.purpose is ReplicaTimer.VIEW_ENDS
                and self._participants.is_honest[entity]
            ):
                self._enters(entity, payload.round_index, payload.number)
            self._timeline.push(max(self._timeline.now, effect.deliver_at / DELTA), entity, name, payload)
        elif isinstance(payload, RoundDecided):
            self._decided(self._participants.identities[entity], payload)

    def _enters(self, replica: int, round_index: int, view: int) -> None:
        if view != self._view_of.get(replica) or view < 0 or self.nodes[replica]._agreement.voting.halted:
            self.judge.has_a_new_pace(replica)
        self._view_of[replica] = view
        if view >= 0:
            self.judge.enters(replica, round_index, view, self._timeline.now)
        if self._adversary is not None and self._is_news((round_index, view)):
            self._adversary.act(max(view, 0))

    def _is_news(self, what: tuple[int, int]) -> bool:
        """Return whether nobody has entered this view before; now and then it is news again."""
        news = what not in self._acted_in or self._draws.uniform() < 0.2
        self._acted_in.add(what)
        return news

    def _carry(self, entity: int, frame: Frame) -> None:
        """Send a frame to every copy of its receiver."""
        participants, timeline = self._participants, self._timeline
        if frame.kind == FrameKind.MODEL:
            self._environment.reply(frame)
            return
        if self._adversary is not None:
            self._adversary.overhear(participants.identities[entity], frame)
        topic = (frame.kind, 1000 * frame.round_index + frame.view)
        for target in participants.copies_of[frame.receiver]:
            for place, carried in enumerate(self._disturbances.carried(entity, target, frame)):
                at = self._network.arrival(timeline.now, entity, target, topic)
                timeline.push(at + place, target, frame.sender, carried)
                self._disturbances.alter(target, carried)

    def _say(self, after: float, *, liar: int, target: int, kind: FrameKind, view: int, body: bytes) -> None:
        channel, now = self._liar_channels[liar, target], self._timeline.now
        if self.setting.tagged:
            channel.add_key_bits(PLENTY, PLENTY)
        frame = channel.seal(kind, round_index=self._environment.round_index, view=view, now=0, body=body)
        assert frame is not None, "liars have plenty of keys"
        self._timeline.push(now + after, target, frame.sender, frame)

    def _decided(self, identity: int, decided: RoundDecided) -> None:
        if identity not in self.setting.byzantine:
            first = not self.judge.decided[decided.round_index]
            decisions = self.judge.decides(identity, decided, self._timeline.now)
            if self._record is not None:
                self._record.acted(self._timeline.now, identity, decisions)
            if first and self._adversary is not None:
                self._trained += not decided.skipped
                self._adversary.agreed = AgreedModel((decided.model, self._trained), decided.quarantined)
                for liar in sorted(self.setting.byzantine) if self.setting.apart else ():
                    self._environment.decided(liar, decided)
        self._environment.decided(identity, decided)

    # --- crashes ----------------------------------------------------------

    def _crash(self, entity: int, outage: Outage) -> None:
        """Crash an entity. What it knew after its last event is on disk; what comes while it is down is lost, except
        control.
        """
        if self._record is not None:
            self._record.note(self._timeline.now, entity, f"crashes for {outage.down} Delta")
        self.crashes += 1
        self.disks[entity], self._missed[entity] = self.disk(entity), []
        if not outage.keeps_timers:
            self._timers_from[entity] = self._timeline.serial + 1
        back = self._timeline.now + outage.down
        self._environment.lasts_until(back)
        self.judge.is_disturbed(back)
        self._timeline.push(back, entity, "", _BACK)

    def disk(self, entity: int) -> bytes:
        """Return the state that a crash leaves."""
        return encode(self.nodes[entity].persistent())

    def _recover(self, entity: int) -> None:
        if self._record is not None:
            self._record.note(self._timeline.now, entity, "recovers")
        disk = decode(self.disks.pop(entity))
        self.judge.has_a_new_pace(entity)
        node = self.nodes[entity] = self._participants.made(entity)
        for effect in self._answer(entity, None, lambda: node.recover(disk, round(self._timeline.now * DELTA))):
            self._caused(entity, effect)
        for payload in self._missed.pop(entity):
            self._timeline.push(self._timeline.now, entity, ENTANGLEMENT_MANAGER, payload)

    # --- the chart ----------------------------------------------------------

    def _chart(self, record: Record, entity: int, sender: str, payload: Any) -> None:
        now = self._timeline.now
        if isinstance(payload, Frame):
            number = int(sender.partition("/")[2])
            record.happened(now, entity, sender=number, kind=payload.kind, view=payload.view, content=payload.body)
        else:
            record.note(now, entity, f"{type(payload).__name__} {getattr(payload, 'purpose', '')}".strip())


def _is_frame(effect: Effect) -> bool:
    return isinstance(effect, Send) and isinstance(effect.payload, Frame)
