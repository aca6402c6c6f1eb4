"""The round controller: the actor that runs the rounds, from the plans to the committee's decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np

from ceas_ray.entanglement.demand import REPLICA_FRAMES, VIEW_CHANGE_FRAMES
from ceas_ray.entanglement.key_ledger import KeyLedger
from ceas_ray.entanglement.key_paths import KeyPaths
from ceas_ray.entanglement.pair_ledger import PairLedger
from ceas_ray.entanglement.planner import WARM_UP, Planner, RoundPlan
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Effect, Envelope, Mark, Observation, Send
from ceas_ray.kernel.state import Stateful
from ceas_ray.kernel.time import picoseconds, seconds
from ceas_ray.messages.consensus_payloads import RoundDecided
from ceas_ray.messages.observations import (
    ProgressObserved,
    RoundObserved,
    SecondsByCause,
    StallObserved,
    WarmUpObserved,
)
from ceas_ray.messages.pair_books import GENERATED
from ceas_ray.messages.payloads import (
    ADVERSARY,
    ENTANGLEMENT_MANAGER,
    HUB,
    Begin,
    KeysDistilled,
    PlanFinished,
    RoundGivenUp,
    RoundStarted,
    StopWaiting,
    Timer,
    TimerPurpose,
)
from ceas_ray.messages.round_progress import ReportVerdict, RoundProgress, Stage
from ceas_ray.messages.senders import may_send

MAX_EXTRA_VIEWS = 8
"""At most this many view changes of a round are made up for in the keys of the next: more of them end in a refill."""
_BETWEEN_INPUTS_AND_TIME_OUT = picoseconds(2e-3)
"""How long after inputs could be complete they time out, where no input time-out is set."""


@dataclass(frozen=True)
class RoundTiming:
    """Simulated times, ps.

    control_delay: of every control message. planning_time: between rounds. update_time: of processors. input_timeout:
    after the start of a round; None: 2 ms after inputs could be complete. patience: with the committee, after that.
    """

    control_delay: int
    planning_time: int
    update_time: int
    input_timeout: int | None
    patience: int


class _Times(TypedDict):
    """How long a round took: fields that several observations share."""

    simulated_seconds: float
    seconds_by_cause: SecondsByCause


class ControllerTimer(TimerPurpose):
    """Timers of the controller."""

    ROUND_STARTS = "start round"
    WARM_UP_ENDS = "plan over"
    ROUND_STALLS = "stalled"
    KEYS_REFILLED = "refilled"
    ROUND_ENDS = "round over"


@dataclass
class ControllerState:
    """started_at: of the round, ps. plan_ends_at: of its plans or of its latest refill. refills: of the whole run.
    shot_time, test_time, key_time: of the round's plans up to now, refills included, ps.
    """

    started_at: int = 0
    plan_ends_at: int = 0
    refills: int = 0
    shot_time: int = 0
    test_time: int = 0
    key_time: int = 0


class RoundController(Actor):
    """Runs the rounds: warm-up (round -1: keys for the reserve, tests), then `rounds` rounds, each planned as a whole.

    Owns the ledgers of keys and pairs and the progress of the round; to all other actors it is the entanglement
    manager.
    """

    name = ENTANGLEMENT_MANAGER

    def __init__(
        self,
        planner: Planner,
        paths: KeyPaths,
        *,
        keys: KeyLedger,
        pairs: PairLedger,
        progress: RoundProgress,
        timing: RoundTiming,
        rounds: int,
        adversary: bool,
    ) -> None:
        """Raise ValueError for a demand that the network cannot serve, before anything runs."""
        self.planner, self.keys, self.pairs, self.progress = planner, keys, pairs, progress
        self._paths, self._timing, self._rounds, self._adversary = paths, timing, rounds, adversary
        self.lookahead, self.own_lookahead = timing.planning_time, timing.control_delay
        self.state = ControllerState()
        self.plan(WARM_UP, 0)

    def parts(self) -> Mapping[str, Stateful]:
        """See `Stateful`."""
        return {"keys": self.keys, "pairs": self.pairs, "progress": self.progress}

    # --- what it answers ----------------------------------------------------------

    def handle(self, envelope: Envelope) -> Sequence[Effect]:
        """See `Actor`."""
        now = envelope.deliver_at
        if not may_send(envelope):
            return []
        match envelope.payload:
            case Begin():
                return [self._timer(ControllerTimer.ROUND_STARTS, now + self._timing.planning_time, WARM_UP)]
            case Timer() as timer:
                return self._wake(timer, now)
            case PlanFinished() as finished:
                for path, bits in self.pairs.book(finished):
                    self.keys.store(path.owner, path.peer, bits)
                return [self._progress()]
            case RoundDecided() as decided:
                return self._hear(envelope.sender, decided, now)
        return []

    def _wake(self, timer: Timer, now: int) -> list[Effect]:
        match ControllerTimer(timer.purpose):
            case ControllerTimer.ROUND_STARTS:
                return self._start_round(timer.round_index, now)
            case ControllerTimer.WARM_UP_ENDS:
                return self._finish_warm_up(now)
            case ControllerTimer.ROUND_STALLS:
                return self._stall(now) if self.progress.is_stalled(timer.round_index, timer.number) else []
            case ControllerTimer.KEYS_REFILLED:
                return self._refilled(timer.round_index, now)
            case ControllerTimer.ROUND_ENDS:
                return self._end_round(now)

    def _timer(self, purpose: ControllerTimer, at: int, round_index: int, number: int = 0) -> Send:
        return Send(at, self.name, Timer(purpose, round_index, number))

    def promise(self, now: int) -> int:
        """Promise that nothing is sent while a plan runs."""
        return self.state.plan_ends_at + self._timing.control_delay

    def plan(self, round_index: int, starts_at: int) -> RoundPlan:
        """Plan a round by what the key ledger wants."""
        bits = {path: self.keys.wanted(path.owner, path.peer, round_index) for path in self._paths}
        return self.planner.plan(round_index, starts_at, bits)

    # --- rounds ----------------------------------------------------------

    def _start_round(self, round_index: int, now: int) -> list[Effect]:
        progress, timing = self.progress, self._timing
        if round_index != progress.state.round_index:
            self.keys.end_round(progress.state.round_index, min(progress.state.view, MAX_EXTRA_VIEWS))
            self.keys.begin_round(round_index)
            progress.plan(round_index)
            self.state.started_at = now
            self.state.shot_time = self.state.test_time = self.state.key_time = 0
        if round_index != WARM_UP and not progress.has_quorum(self.keys.keyed_replicas()):
            return self._stall(now)
        effects = self._send_plans(round_index, now)
        schedule = self._schedule(round_index, now)
        at = now + timing.control_delay
        effects.append(Send(at, HUB, schedule))
        if round_index == WARM_UP:
            return [*effects, self._timer(ControllerTimer.WARM_UP_ENDS, self.state.plan_ends_at, round_index)]
        progress.begin()
        if self._adversary:
            effects.append(Send(at, ADVERSARY, schedule))
        effects += [Send(at, name, replace(schedule, key_bits=bits)) for name, bits in self.keys.hand_out_all()]
        stalls_at = schedule.inputs_time_out_at + timing.patience
        return [*effects, self._timer(ControllerTimer.ROUND_STALLS, stalls_at, round_index, progress.state.waits)]

    def _send_plans(self, round_index: int, now: int) -> list[Effect]:
        """Plan a round or a refill, and keep when it ends."""
        at = now + self._timing.control_delay
        planned = self.plan(round_index, at)
        self.state.plan_ends_at = planned.ends_at + 2 * self._timing.control_delay
        self.state.shot_time += planned.times.shots
        self.state.test_time += planned.times.tests
        self.state.key_time += planned.times.keys
        return [Send(at, name, plan) for name, plan in planned.plans]

    def _schedule(self, round_index: int, now: int) -> RoundStarted:
        """Return the schedule of a round whose plans are made, without key bits."""
        timing, plan_ends_at = self._timing, self.state.plan_ends_at
        open_until = plan_ends_at + 2 * timing.update_time + 6 * timing.control_delay
        times_out = open_until + _BETWEEN_INPUTS_AND_TIME_OUT
        if timing.input_timeout is not None:
            times_out = max(now + timing.input_timeout, open_until)
        return RoundStarted(
            round_index=round_index,
            plan_ends_at=plan_ends_at,
            inputs_open_until=open_until,
            inputs_time_out_at=times_out,
            key_bits=np.zeros(0),  # type: ignore[arg-type]  # digests hold its dtype
        )

    def _finish_warm_up(self, now: int) -> list[Effect]:
        starts = now + self._timing.planning_time
        return [
            Observation(WarmUpObserved(books=self.pairs.close(), **self._times(starts, updated=False))),
            self._timer(ControllerTimer.ROUND_STARTS, starts, 0),
        ]

    def _hear(self, replica: str, decided: RoundDecided, now: int) -> list[Effect]:
        heard = self.progress.hear(replica, decided)
        if heard is ReportVerdict.INVALID:
            return []
        self.keys.report(replica, decided)
        if heard is ReportVerdict.COUNTED:
            return [self._progress()]
        if now < self.state.plan_ends_at:  # a refill still runs, and its pairs belong to this round
            return [self._timer(ControllerTimer.ROUND_ENDS, self.state.plan_ends_at, self.progress.state.round_index)]
        return self._end_round(now)

    def _end_round(self, now: int) -> list[Effect]:
        progress, ends = self.progress.state, now + self._timing.planning_time
        decided = progress.decided
        assert decided is not None, "a round ends with a decision"
        observed = RoundObserved(
            books=self.pairs.close(),
            **self._times(ends, updated=True),
            skipped=decided.skipped,
            view=progress.view,
            waits=progress.waits,
            processors=decided.processors,
            weights=decided.weights,
            quarantined=decided.quarantined,
        )
        effects: list[Effect] = [Observation(observed), Mark(progress.round_index, ends, decided.model)]
        if progress.round_index + 1 < self._rounds:
            return [*effects, self._timer(ControllerTimer.ROUND_STARTS, ends, progress.round_index + 1)]
        for_processors = [Send(ends, name, StopWaiting(progress.round_index)) for name in self.keys.processors]
        return [*effects, *for_processors, *self._stop_waiting(ends)]

    # --- stalls ----------------------------------------------------------

    def _stall(self, now: int) -> list[Effect]:
        """Wait for another reserve of keys, or end the run: the committee did not decide in time, or has no keys."""
        if not self.progress.waits_on():
            return self._end_stalled(now)
        self.state.refills += 1
        effects = self._send_plans(WARM_UP - self.state.refills, now)
        refilled = self._timer(ControllerTimer.KEYS_REFILLED, self.state.plan_ends_at, self.progress.state.round_index)
        return [*effects, refilled]

    def _refilled(self, round_index: int, now: int) -> list[Effect]:
        """Begin the round with the reserve that is now there, or hand it to the round that runs."""
        progress = self.progress
        if progress.state.stage is Stage.PLANNED:
            return self._start_round(round_index, now)
        if progress.state.stage is Stage.OVER or round_index != progress.state.round_index:
            return []
        at = now + self._timing.control_delay
        effects: list[Effect] = [
            Send(at, name, KeysDistilled(round_index, bits)) for name, bits in self.keys.hand_out_all()
        ]
        if progress.gives_up:
            effects += [Send(at + 1, name, RoundGivenUp(round_index)) for name in self.keys.replicas]
        stalls_at = at + self._timing.patience
        return [*effects, self._timer(ControllerTimer.ROUND_STALLS, stalls_at, round_index, progress.state.waits)]

    def _end_stalled(self, now: int) -> list[Effect]:
        """Say so and end the run without a decision in this round.

        A round that began with less than a good round and a change of view spend has stalled for want of keys.
        """
        progress = self.progress.state
        keyed = self.keys.keyed_replicas(REPLICA_FRAMES + VIEW_CHANGE_FRAMES)
        had_keys = progress.stage is Stage.RUNNING and self.progress.has_quorum(keyed)
        self.progress.end()
        ends = now + self._timing.planning_time
        cause = "the committee did not decide in time" if had_keys else "the committee lacks keys"
        times = self._times(ends, updated=progress.stage is not Stage.PLANNED)
        observed = StallObserved(books=self.pairs.close(), **times, waits=progress.waits, cause=cause)
        stop = self._stop_waiting(ends)
        return [Observation(observed), Mark(progress.round_index, ends, None), *stop]

    def _stop_waiting(self, at: int) -> list[Effect]:
        """End after this round: who lags may still catch up for a while, then all timers end."""
        over, round_index = at + self._timing.patience, self.progress.state.round_index
        return [Send(over, name, StopWaiting(round_index)) for name in self.keys.replicas]

    def _times(self, ends: int, *, updated: bool) -> _Times:
        """Return how long the round took, and on what, in simulated seconds. updated: whether processors did.

        What is neither in the plans, nor planning and its messages, nor the processors' update, is consensus: messages,
        waiting for late inputs, and for a committee that does not decide.
        """
        state, timing = self.state, self._timing
        rest = ends - state.started_at - state.shot_time - state.test_time - state.key_time
        planning = min(rest, timing.planning_time + 3 * timing.control_delay)
        if self.progress.state.round_index == WARM_UP:  # nobody agrees on anything, and a plan is made before it too
            planning = rest
        update = min(rest - planning, timing.update_time) if updated else 0
        by_cause = SecondsByCause(
            shots=seconds(state.shot_time),
            tests=seconds(state.test_time),
            keys=seconds(state.key_time),
            update=seconds(update),
            consensus=seconds(rest - planning - update),
            planning=seconds(planning),
        )
        return _Times(simulated_seconds=seconds(ends - state.started_at), seconds_by_cause=by_cause)

    def _progress(self) -> Observation:
        """Return how far the round is: what the driver says of one that goes on for long."""
        progress = self.progress.state
        observed = ProgressObserved(
            round_index=progress.round_index,
            pairs=int(self.pairs.state.counts[:, GENERATED].sum()),
            plan_ends_at=self.state.plan_ends_at,
            reports=len(progress.reports) if progress.stage is Stage.RUNNING else 0,
            replicas=len(self.keys.replicas),
            waits=progress.waits,
        )
        return Observation(observed)
