"""A quantum processor: it learns on its shard with the pairs that it received, and sends the committee its updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope, Observation, Send, Work, WorkDone
from ceas_ray.kernel.state import Stateful
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.attack_payloads import RowShown
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.fixed_point import to_fixed_point
from ceas_ray.messages.frames import Channel, FrameKind, ModelAdoption, encode_update, is_well_formed
from ceas_ray.messages.observations import GradientObserved
from ceas_ray.messages.payloads import (
    ADVERSARY,
    HUB,
    KeysDistilled,
    PairsTested,
    RoundStarted,
    ShotsDelivered,
    StopWaiting,
    Timer,
    TimerPurpose,
    TrapCircuitsAnswered,
    processor_name,
    replica_name,
)
from ceas_ray.messages.quorum import quorums_of
from ceas_ray.messages.senders import may_send
from ceas_ray.processors.gradient_records import GradientInputs, GradientOutput
from ceas_ray.processors.gradient_work import GRADIENT, ErrorMitigation
from ceas_ray.quantum.mixed_pairs import NO_PAIRS
from ceas_ray.quantum.pair_physics import correlation_of_error_rate

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shard:
    """A processor's part of the data: encoding angles (samples, qubits) in rad, targets (samples, outputs)."""

    angles: Floats
    targets: Floats


@dataclass(frozen=True)
class Learning:
    """How a processor learns.

    batch: most samples drawn from the shard per round. momentum: of the worker, in [0, 1). error_mitigation: of the
    contrast that imperfect pairs take away. update_time: from the end of the plan to a finished update, ps.
    local_circuits: number of circuits per round if inputs are local and need no pairs; None: inputs are teleported.
    """

    batch: int
    momentum: float
    error_mitigation: ErrorMitigation
    update_time: int
    local_circuits: int | None = None


@dataclass(frozen=True)
class Connections:
    """The connections of a processor.

    channels: one per replica. place: among those that are served together, see `Quorums.replies_unasked`. latencies: to
    all that it writes to, ps. delta: bound on a message's delay in a calm network, ps. watched: whether an adversary
    sees its updates. kept_by_memories (columns,): what is left of the pairs inside a circuit when they are used, and of
    copies after each wait; empty if nothing is lost.
    """

    channels: Sequence[Channel]
    place: int
    latencies: Mapping[str, int]
    delta: int
    watched: bool = False
    kept_by_memories: Floats = field(default_factory=lambda: np.zeros(0))


@dataclass
class ProcessorState:
    """What changes in a processor.

    parameters: of the model, float64 (d,) in rad. momentum: of the worker, (d,) in 1/rad. schedule: of the running
    round. werner: certified for its link by the hub; None until then. usable_shots: number of the round's shots that
    received their pairs in time. wanted: the round whose model is lacking, and may still be asked for, or -1. asked:
    replicas that were. waits_for_model: the gradient, which needs no pairs, begins when that model is adopted.
    """

    parameters: Floats
    momentum: Floats
    schedule: RoundStarted | None = None
    werner: float | None = None
    usable_shots: int = 0
    wanted: int = -1
    asked: tuple[str, ...] = ()
    waits_for_model: bool = False


class ProcessorTimer(TimerPurpose):
    """The purposes for which a processor wakes itself."""

    MODEL_IS_LATE = "model is late"
    PLAN_ENDS = "plan ends"


class Processor(Actor):
    """An honest processor, or the leader of a group that shares a circuit.

    Its update leaves `update_time` after the plan's end, when all shots are over. A processor that still lacks the
    model after a round, 2 Delta and an update's time after the next one began or the run ended, asks as many replicas
    as it lacks replies, and every 2 Delta others; see `ModelReplies` of consensus. Whoever needs no pairs waits for the
    model until the plan ends.
    """

    def __init__(
        self,
        index: int,
        shard: Shard,
        *,
        noise: Floats,
        learning: Learning,
        connections: Connections,
        adoption: ModelAdoption,
        initial_parameters: Floats,
        streams: Streams,
    ) -> None:
        """noise: shape (n, 7), or (layers, n, 7) where layers run on different processors, see `Noise`."""
        self.name = processor_name(index)
        self.index = index
        self._shard, self._noise, self.learning = shard, noise, learning
        self._kept_by_memories = connections.kept_by_memories
        self._channels = {channel.peer: channel for channel in connections.channels}
        self.latencies, self._watched = connections.latencies, connections.watched
        self._adoption, self._streams, self._place = adoption, streams, connections.place
        self._reply_time, self._quorums = 2 * connections.delta, quorums_of(len(connections.channels))
        self.state = ProcessorState(initial_parameters, np.zeros_like(initial_parameters))
        self.own_lookahead = min(self.latencies.values())
        self.lookahead = learning.update_time + self.own_lookahead

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        now = envelope.deliver_at
        if not may_send(envelope):
            return []
        match envelope.payload:
            case RoundStarted() as schedule:
                return self._start_round(schedule, now)
            case Timer() as timer:
                return self._wake(timer, now)
            case StopWaiting(round_index=round_index):
                return self._wait_for_model(round_index, now) if round_index == self.round_index else []
            case KeysDistilled(key_bits=key_bits):
                self._store_key_bits(key_bits)
            case ShotsDelivered() as shots:
                return [self._start_gradient(shots, now)]
            case WorkDone(output=output):
                row = self.learn(output)
                return [*self.update_frames(now, row), self._measured(output), *self.trap_circuits(now, output)]
            case PairsTested(tested=tested, errors=errors):
                self.state.werner = certified_werner(tested, errors)
            case Frame() as frame:
                return self._receive(frame, now)
        return []

    def _start_round(self, schedule: RoundStarted, now: int) -> list[Effect]:
        state, round_index = self.state, schedule.round_index
        state.schedule, state.waits_for_model = schedule, False
        for channel in self._channels.values():
            channel.incoming.end_round()
        self._store_key_bits(schedule.key_bits)
        effects = self._wait_for_model(round_index - 1, now)
        if self.learning.local_circuits is None:
            return effects
        if effects and now < schedule.plan_ends_at:
            state.waits_for_model = True
            return [*effects, Send(schedule.plan_ends_at, self.name, Timer(ProcessorTimer.PLAN_ENDS, round_index))]
        return [*effects, self._start_gradient_without_pairs(now)]

    def _wait_for_model(self, round_index: int, now: int) -> list[Effect]:
        """Return a timer after which the model of a round is late, if it is not adopted yet."""
        self.state.wanted, self.state.asked = -1, ()
        if self._adoption.has_adopted(round_index):
            return []
        self.state.wanted = round_index
        return [self._late(now + self.learning.update_time + self._reply_time)]

    def _late(self, at: int) -> Send:
        return Send(at, self.name, Timer(ProcessorTimer.MODEL_IS_LATE, self.state.wanted))

    def _wake(self, timer: Timer, now: int) -> list[Effect]:
        if ProcessorTimer(timer.purpose) is ProcessorTimer.MODEL_IS_LATE:
            return self._ask_for_model(now) if timer.round_index == self.state.wanted else []
        waits = self.state.waits_for_model and timer.round_index == self.round_index
        return [self._start_gradient_without_pairs(now)] if waits else []

    def _ask_for_model(self, now: int) -> list[Effect]:
        """Ask as many replicas as replies are missing, in turn: those with which a key is left, and which have neither
        replied nor been asked.
        """
        wanted, effects = self.state.wanted, list[Effect]()
        missing = max(1, self._adoption.missing(wanted))
        for replica in self._in_turn(wanted):
            if replica in self.state.asked or self._adoption.has_replied(replica, wanted):
                continue
            if len(effects) == missing:
                return [*effects, self._late(now + self._reply_time)]
            self.state.asked += (replica,)
            frame = self._channels[replica].seal(FrameKind.MODEL_WANTED, round_index=wanted, view=0, now=now, body=b"")
            if frame is not None:
                effects.append(Send(now + self.latencies[replica], replica, frame))
        self.state.wanted = -1
        return effects

    def _in_turn(self, round_index: int) -> list[str]:
        """Return all replicas, those last that were to send the model of a round unasked."""
        replicas = range(len(self._channels))
        unasked = {j for j in replicas if self._quorums.replies_unasked(j, self._place, round_index)}
        first = (self._place + round_index) % len(replicas)
        in_turn = [*replicas[first:], *replicas[:first]]
        return [replica_name(j) for j in sorted(in_turn, key=lambda j: j in unasked)]

    def promise(self, now: int) -> int:
        """See `Actor`: nothing leaves before the end of a plan, because the update waits for all shots, unless a model
        has to be asked for.
        """
        if self.state.schedule is None or self.state.wanted >= 0:
            return 0
        return self.state.schedule.plan_ends_at + self.learning.update_time + self.own_lookahead

    def _store_key_bits(self, key_bits: NDArray[np.int64]) -> None:
        for channel, sends, receives in zip(self._channels.values(), *key_bits.tolist(), strict=True):
            channel.add_key_bits(sends, receives)

    def learn(self, output: GradientOutput) -> Floats:
        """Return the round's row, the worker momentum (d,) after the new gradient, in 1/rad. Without a usable shot it
        stays as it was.
        """
        self.state.usable_shots -= output.get("asked", 0)
        if self.state.usable_shots:
            beta = self.learning.momentum
            self.state.momentum = beta * self.state.momentum + (1 - beta) * output["gradient"]
        return self.state.momentum

    def trap_circuits(self, now: int, output: GradientOutput) -> list[Effect]:
        """Return the message that shows the hub the outcomes of trap circuits, which are announced before the processor
        learns which they are.
        """
        asked = output.get("asked", 0)
        if not asked:
            return []
        given = TrapCircuitsAnswered(
            round_index=self.round_index, processor=self.index, asked=asked, answered=asked, wrong=output["wrong"]
        )
        return [Send(now + self.latencies[HUB], HUB, given)]

    def _measured(self, output: GradientOutput) -> Observation:
        """Return the variance that shots leave in this round's gradient, for the journal."""
        return Observation(GradientObserved(processor=self.index, variance=float(output["variance"])))

    def update_frames(self, now: int, row: Floats) -> list[Effect]:
        """Return the update to every replica (omitted where the key is spent), and the copy that an adversary sees.

        row: (d,) in 1/rad; a Byzantine processor may have versions of it (versions, d), for the replicas in turn.
        Raises ValueError for a row that fixed point cannot hold.
        """
        bodies = [
            encode_update(to_fixed_point(version), self.state.usable_shots, len(self._shard.angles))
            for version in np.atleast_2d(row)
        ]
        effects: list[Effect] = []
        for number, (replica, channel) in enumerate(self._channels.items()):
            frame = channel.seal(
                FrameKind.UPDATE, round_index=self.round_index, view=0, now=now, body=bodies[number % len(bodies)]
            )
            if frame is not None:
                effects.append(Send(now + self.latencies[replica], replica, frame))
        if self._watched:
            effects.append(self.show(now, row))
        return effects

    def show(self, now: int, row: Floats) -> Send:
        """Return the message that lets the adversary see a row."""
        return Send(
            now + self.latencies[ADVERSARY],
            ADVERSARY,
            RowShown(round_index=self.round_index, processor=self.index, row=row),
        )

    @property
    def closing_times(self) -> tuple[int, int]:
        """The latest time, in ps, at which an update may leave so as to reach every replica before the round's inputs
        time out, and the time at which they do.
        """
        assert self.state.schedule is not None, "no round has started"
        times_out_at = self.state.schedule.inputs_time_out_at
        return times_out_at - max(self.latencies.values()) - 1, times_out_at

    @property
    def round_index(self) -> int:
        """Index of the running round."""
        assert self.state.schedule is not None, "no round has started"
        return self.state.schedule.round_index

    def _start_gradient_without_pairs(self, now: int) -> Work:
        self.state.waits_for_model = False
        without_pairs = ShotsDelivered(
            round_index=self.round_index, on_time=np.ones(self.learning.local_circuits or 0, bool),
            attenuation=np.zeros(0), werner=NO_PAIRS.werner, coefficients=NO_PAIRS.coefficients,
        )  # fmt: skip
        return self._start_gradient(without_pairs, now)

    def _start_gradient(self, shots: ShotsDelivered, now: int) -> Work:
        schedule = self.state.schedule
        assert schedule is not None and schedule.round_index == shots.round_index, "shots of another round"
        assert now <= schedule.plan_ends_at, "shots after the end of their plan"
        self.state.usable_shots = int(np.count_nonzero(shots.on_time))
        chosen = self._batch(shots.round_index)
        inputs = GradientInputs(
            name=self.name,
            round_index=shots.round_index,
            angles=self._shard.angles[chosen],
            targets=self._shard.targets[chosen],
            parameters=self.state.parameters,
            noise=self._noise,
            attenuation=shots.attenuation if len(shots.attenuation) else np.ones(self._noise.shape[-2] + 1),
            werner=self._when_used(shots.werner),
            coefficients=shots.coefficients,
            usable=shots.on_time,
            certified_werner=None if self.learning.error_mitigation == "none" else self.state.werner,
        )
        return Work(GRADIENT, inputs, schedule.plan_ends_at + self.learning.update_time)

    def _when_used(self, werner: Floats) -> Floats:
        """Return the Werner parameters with which pairs and copies are used, (J, columns), from those of pairs when a
        shot begins, (J, places).
        """
        kept, places = self._kept_by_memories, werner.shape[1]
        if not len(kept):
            return werner
        waits = np.tile(kept[places:], (len(werner), 1))
        return np.concatenate([werner * kept[:places], waits], axis=1)

    def _batch(self, round_index: int) -> NDArray[np.int64]:
        samples = len(self._shard.angles)
        if samples <= self.learning.batch:
            return np.arange(samples)
        generator = self._streams.generator(self.kind, self.name, "batch", round_index)
        return np.sort(generator.choice(samples, self.learning.batch, replace=False))

    def _receive(self, frame: Frame, now: int) -> list[Effect]:
        """Adopt the model in a frame of the scheduled round, or of the one before, whose replies may come late.

        Everything else is ignored, so a Byzantine replica can change nothing by the numbers in its frames.
        """
        schedule = self.state.schedule
        if schedule is None or not is_well_formed(frame) or frame.kind != FrameKind.MODEL:
            return []
        channel = self._channels.get(frame.sender)
        if channel is None or frame.round_index not in (schedule.round_index, schedule.round_index - 1):
            return []
        body = channel.open(frame)
        if body is None:
            return list(channel.take_alarms())
        adopted = self._adoption.offer(frame.sender, frame.round_index, body)
        if adopted is not None and adopted.shape == self.state.parameters.shape:
            self.state.parameters = adopted
            if self._adoption.has_adopted(self.state.wanted):
                self.state.wanted = -1
            return [self._start_gradient_without_pairs(now)] if self.state.waits_for_model else []
        return []

    def accounts(self) -> dict[str, int]:
        """Return the key bits spent on frames to each peer."""
        return {peer: channel.outgoing.spent for peer, channel in self._channels.items()}

    def parts(self) -> Mapping[str, Stateful]:
        """See `Stateful`."""
        return {"adoption": self._adoption, **self._channels}


def certified_werner(tested: Floats, errors: Floats) -> float | None:
    """Return the Werner parameter that the hub's tests of a link show: 1 - 2 e, where e is the share of errors over all
    bases.

    Return None while nothing was tested. The result is at least 1/3 (the pair is entangled above it), because smaller
    values would make the rescaled gradient explode.
    """
    total = float(np.sum(tested))
    if total == 0:
        return None
    return max(1 / 3, float(correlation_of_error_rate(float(np.sum(errors)) / total)))
