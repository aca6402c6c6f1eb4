"""The entanglement manager, the hub and the processors of a whole-replica scenario."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ceas_ray.consensus.echoes import Item, report_item, update_item
from ceas_ray.consensus.exploration.adversary import ScenarioAdversary
from ceas_ray.consensus.exploration.disturbances import Disturbances
from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.exploration.explored_code import ExploredCode
from ceas_ray.consensus.exploration.network import Network
from ceas_ray.consensus.exploration.participants import Participants
from ceas_ray.consensus.exploration.replica_lies import MALFORMED
from ceas_ray.consensus.exploration.replica_setting import DELTA, OPEN_UNTIL, PLENTY, PROCESSORS
from ceas_ray.consensus.exploration.round_invariants import RoundInvariants, honest_input
from ceas_ray.consensus.exploration.timeline import Timeline
from ceas_ray.kernel.codec import encode
from ceas_ray.messages.consensus_payloads import Frame, RoundDecided
from ceas_ray.messages.frames import Channel, FrameKind, digest_of, encode_update
from ceas_ray.messages.payloads import (
    ENTANGLEMENT_MANAGER,
    KeysDistilled,
    RoundGivenUp,
    RoundStarted,
    TestReport,
    processor_name,
    replica_name,
)
from ceas_ray.messages.round_progress import OnStall, ReportVerdict, RoundProgress, Stage

MANAGER = -1
"""Entity of the manager's own events, whose payloads are called."""
PLANNING, PATIENCE, MAX_WAITS = (1.0, 5.0, 15.0), 40.0, 5
_LONGEST = 150.0
"""Delta after the last disturbance within which a round must be decided; of 30,000 scenarios none took more than 47."""
_FAR = 10**6
_ASKS_AFTER = 0.7
"""Delta after the start of a round: whoever lacks the model of the last one asks for it."""


class Environment:
    """Plays the manager, the hub and the processors. A round starts when enough replicas report what they decided in
    the last one.

    The manager hands out keys in a round that takes long, and in some scenarios gives up on it: then SKIP is agreed on.
    Honest processors adopt what B replicas reply, and ask for it where they lack it; Byzantine replicas reply with
    whatever round and model they like.
    """

    def __init__(
        self, participants: Participants, draws: Draws, *, network: Network, timeline: Timeline, judge: RoundInvariants,
        adversary: ScenarioAdversary | None, disturbances: Disturbances, code: ExploredCode,
    ) -> None:  # fmt: skip
        self._setting, self._draws, self._participants, self._network = (
            participants.setting,
            draws,
            participants,
            network,
        )
        self._timeline, self._judge, self._adversary, self._disturbances = timeline, judge, adversary, disturbances
        quorums = code.quorums(participants.setting.replicas)
        self._blocking = quorums.blocking
        self._progress = RoundProgress(quorums, PROCESSORS, OnStall("wait", MAX_WAITS))
        self._adoptions = [code.adoption(quorums.blocking) for _ in range(PROCESSORS)]
        self._channels: dict[tuple[int, int], Channel] = {}
        self._replied: list[set[str]] = []
        self.until = 0.0

    # --- rounds ----------------------------------------------------------

    def start_round(self, round_index: int) -> None:
        """Announce the round to everybody, and send the inputs."""
        setting, draws, now = self._setting, self._draws, self._timeline.now
        self._progress.plan(round_index)
        self._progress.begin()
        self.lasts_until(max(setting.calm_at, setting.lost_until, now))
        self._judge.is_disturbed(now)
        self._replied = [set[str]() for _ in range(PROCESSORS)]
        if self._adversary is not None:
            self._adversary.begin(round_index)
        self._disturbances.begin_round(round_index)
        bits, opens = self._key_bits, round((now + OPEN_UNTIL) * DELTA)
        tested = np.full((PROCESSORS, 3), 1000.0)
        report = TestReport(round_index=round_index, tested=tested, errors=tested * 0.05)
        for entity in self._participants.nodes:
            factor = 0.6 + draws.uniform() if setting.spread else 1.0
            ends = max(opens, round((now + setting.time_out * factor) * DELTA))
            started = RoundStarted(
                round_index=round_index,
                plan_ends_at=opens,
                inputs_open_until=opens,
                inputs_time_out_at=ends,
                key_bits=bits,
            )
            self._timeline.push(now + 0.2 * draws.uniform(), entity, ENTANGLEMENT_MANAGER, started)
            self._report_to(entity, report)
        for k in range(PROCESSORS):
            self._send_updates(k)
        for entity, name, frame in self.requests(round_index - 1):
            self._timeline.push(now + _ASKS_AFTER, entity, name, frame)
        self._lie_to_processors()
        if setting.rounds > 1 or setting.key_bits < PLENTY:
            self._timeline.push(now + PATIENCE, MANAGER, "", lambda: self._wait(round_index, 0))

    @property
    def round_index(self) -> int:
        """Return the index of the latest round."""
        return self._progress.state.round_index

    def lasts_until(self, disturbed: float) -> None:
        """Note that the network is calm and everybody up from this time on: the round must end long before `until`."""
        self.until = max(self.until, disturbed + _LONGEST)

    def decided(self, identity: int, decided: RoundDecided) -> None:
        """Take a replica's report; when enough report the same, the next round may begin."""
        heard = self._progress.hear(replica_name(identity), decided)
        if heard is ReportVerdict.DECISIVE and self.round_index + 1 < self._setting.rounds:
            following, at = self.round_index + 1, self._timeline.now + self._draws.choice(PLANNING)
            self._timeline.push(at, MANAGER, "", lambda: self.start_round(following))

    def _wait(self, round_index: int, waits: int) -> None:
        """Hand out keys because the round takes long. After the last round they still come, as those of a next round
        would.
        """
        last_is_over = self._progress.state.stage is Stage.OVER and round_index + 1 == self._setting.rounds
        stalled = self._progress.is_stalled(round_index, waits)
        if not (self._progress.waits_on() if stalled else last_is_over and waits < MAX_WAITS):
            return
        now = self._timeline.now
        for entity in self._participants.nodes:
            distilled = KeysDistilled(round_index, np.full_like(self._key_bits, PLENTY))
            self._timeline.push(now, entity, ENTANGLEMENT_MANAGER, distilled)
            if self._setting.gives_up and stalled:
                self._timeline.push(now, entity, ENTANGLEMENT_MANAGER, RoundGivenUp(round_index))
        for channel in self._channels.values():
            channel.add_key_bits(PLENTY, PLENTY)
        self._timeline.push(now + PATIENCE, MANAGER, "", lambda: self._wait(round_index, waits + 1))

    @property
    def _key_bits(self) -> NDArray[np.int64]:
        return np.full((2, PROCESSORS + self._setting.replicas), self._setting.key_bits // 2)

    # --- inputs ----------------------------------------------------------

    def _report_to(self, entity: int, report: TestReport) -> None:
        """Send the report to a replica: in time, late, or never."""
        draws, setting = self._draws, self._setting
        content = encode(report)
        self._liars_learn(report_item(digest_of(content)), content)
        hub = draws.choice(("all", "late", "none")) if setting.hub == "mixed" else setting.hub
        if hub == "none" or (hub == "some" and draws.uniform() < 0.5) or entity == setting.hurried:
            return
        late = {
            "late": setting.time_out + 8.0 * draws.uniform(), "soon": setting.time_out + 1.0,
            "just late": setting.time_out - 0.2,
        }.get(hub, 0.0)  # fmt: skip
        self._timeline.push(self._timeline.now + 0.2 + late + 0.9 * draws.uniform(), entity, "hub", report)

    def _send_updates(self, k: int) -> None:
        setting, participants, now = self._setting, self._participants, self._timeline.now
        name, lies = processor_name(k), k in setting.liar_processors
        for entity in participants.nodes:
            identity = participants.identities[entity]
            if (k, entity) not in self._channels:
                self._channels[k, entity] = participants.bare(name, replica_name(identity))
            channel = self._channels[k, entity]
            channel.add_key_bits(setting.key_bits // 2, setting.key_bits // 2)
            body, withheld = self._update_body(k, identity)
            frame = (
                None
                if withheld
                else channel.seal(FrameKind.UPDATE, round_index=self.round_index, view=0, now=0, body=body)
            )
            if frame is None:
                continue
            self._liars_learn(update_item(k, digest_of(body)), body)
            if not lies and not (k == setting.forged and identity in setting.byzantine):
                participants.ledger.seal(frame)
            topic = (FrameKind.UPDATE, 1000 * self.round_index)
            at = self._network.arrival(now + 0.3, len(participants.identities) + k, entity, topic)
            if setting.slow and not lies:
                at = now + setting.time_out + 0.9 * self._draws.uniform()
            if lies and setting.drips:
                late = 2.0 * setting.time_out * self._draws.uniform()
                at = now + self._draws.choice((0.3, late, setting.time_out))
            self._timeline.push(at, entity, name, frame)

    def _liars_learn(self, item: Item, content: bytes) -> None:
        self._participants.lies.learn_content(content)
        if self._adversary is not None:
            self._adversary.learn(item, content)

    def _update_body(self, k: int, identity: int) -> tuple[bytes, bool]:
        """Return what processor k tells this replica, and whether it withholds it instead."""
        setting, draws = self._setting, self._draws
        version, malformed, withheld = 0, False, False
        if k in setting.liar_processors and setting.halves:
            version = identity % 2
        elif k in setting.liar_processors:
            version, malformed, withheld = draws.below(3), draws.uniform() < 0.3, draws.uniform() < 0.2
        elif k == setting.forged and identity in setting.byzantine:
            version = 7
        row = np.zeros(PROCESSORS, np.int64)
        row[k] = honest_input(k, self.round_index) + 100 * version
        return draws.choice(MALFORMED) if malformed else encode_update(row, 10, 10), withheld

    # --- replies ----------------------------------------------------------

    def requests(self, round_index: int) -> Iterator[tuple[int, str, Frame]]:
        """Return what processors that lack the model of a round ask, and liars always: entity, sender and frame."""
        for k, adoption in enumerate(self._adoptions if round_index >= 0 else ()):
            lies = k in self._setting.liar_processors
            if adoption.has_adopted(round_index) and not lies:
                continue
            for entity in self._participants.nodes:
                replied = adoption.has_replied(self._participants.names[entity], round_index)
                frame = None if replied and not lies else self._request(k, entity, round_index)
                if frame is not None:
                    yield entity, processor_name(k), frame

    def _request(self, k: int, entity: int, round_index: int) -> Frame | None:
        kind = FrameKind.MODEL_WANTED
        frame = self._channels[k, entity].seal(kind, round_index=round_index, view=0, now=0, body=b"")
        if frame is not None and k not in self._setting.liar_processors:
            self._participants.ledger.seal(frame)
        return frame

    def reply(self, frame: Frame) -> None:
        """Let a replica's model reach a processor."""
        k = int(frame.receiver.rpartition("/")[2])
        adopted = self._adoptions[k].offer(frame.sender, frame.round_index, frame.body)
        if frame.round_index == self._setting.rounds - 1 and self._participants.is_honest_name(frame.sender):
            self._replied[k].add(frame.sender)
        if adopted is not None and k not in self._setting.liar_processors:
            self._judge.adopts(k, frame.round_index, adopted)

    def end(self) -> None:
        """Raise `Violation` for a processor that kept an old model, now that all honest replicas have decided the last
        round, and have been asked by whoever still lacked it.

        Only crashes and want of keys may keep them from replying.
        """
        all_reply = self._setting.key_bits == PLENTY and not self._setting.outages
        for k, replied in enumerate(self._replied):
            if k not in self._setting.liar_processors and (all_reply or len(replied) >= self._blocking):
                self._judge.has_adopted(k)

    def _lie_to_processors(self) -> None:
        false = encode(np.full(PROCESSORS, 666.0))
        for j in sorted(self._setting.byzantine):
            for adoption in self._adoptions:
                if self._draws.uniform() < 0.5:
                    far = self._draws.choice((self.round_index, self.round_index + 1, _FAR))
                    adoption.offer(replica_name(j), far, self._draws.choice((false, b"\xc1")))
