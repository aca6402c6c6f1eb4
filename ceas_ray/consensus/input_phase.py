"""The input phase of one round at one replica, which collects inputs, closes, and echoes until it halts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ceas_ray.consensus.authenticated_links import AuthenticatedLinks
from ceas_ray.consensus.committee import PROPOSAL_DELTAS, SKIP_DELTAS, Committee
from ceas_ray.consensus.echoes import SKIP, Echoes, Item, ItemKind, accusation_item
from ceas_ray.consensus.inputs import Inputs
from ceas_ray.consensus.pacing import Pacing
from ceas_ray.consensus.quarantine import is_convicted
from ceas_ray.consensus.timers import ReplicaTimer
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Effect, Send
from ceas_ray.kernel.state import Stateful
from ceas_ray.messages.frames import FrameKind
from ceas_ray.messages.payloads import RoundStarted, TestReport, Timer, replica_name


class VotingProgress(Protocol):
    """What the input phase sees of the voting, whose view sets the pace of Echoes."""

    @property
    def view(self) -> int:
        """The view that this replica is in; -1 before view 0."""

    @property
    def halted(self) -> bool:
        """Whether this replica need not echo any more."""

    def lacked_something_in(self, view: int) -> bool:
        """Return whether this replica could not do its part in a view, or could not propose what others have locked."""


@dataclass(slots=True)
class InputPhaseState:
    """What changes in an input phase.

    accused: processors accused in earlier rounds. closed: the inputs are closed. heard_quorum: Echoes of Q
    replicas are here, so view 0 may begin. waited: its leader need not wait for more. given_up: the manager gave the
    round up. said, pending: what was echoed, and what is yet to be, in order. skip_judged: whether it was judged if the
    round lacks what it needs. silent: nothing is sent until the inputs close.
    """

    accused: tuple[int, ...]
    closed: bool = False
    heard_quorum: bool = False
    waited: bool = False
    given_up: bool = False
    said: dict[Item, None] = field(default_factory=dict)
    pending: dict[Item, None] = field(default_factory=dict)
    skip_judged: bool = False
    silent: bool = False


class InputPhase(Stateful):
    """Closes the inputs when all are in, on Echoes of B replicas, or when their time is over. Nothing is echoed before.

    Afterwards every late input, and whatever B replicas echo, is echoed too.
    """

    def __init__(
        self, index: int, committee: Committee, *, links: AuthenticatedLinks, inputs: Inputs,
        schedule: RoundStarted | None, accused: Iterable[int], voting: VotingProgress,
    ) -> None:  # fmt: skip
        """Serve one round; accused: in earlier rounds, and not named in a value yet. voting: of this replica in this
        round.
        """
        self._index, self._name, self._committee, self._links = index, replica_name(index), committee, links
        self._schedule, self._voting = schedule, voting
        self.inputs, self.echoes = inputs, Echoes(committee)
        self._pacing = Pacing(committee.delta)
        self.state = InputPhaseState(tuple(accused))

    def parts(self) -> Mapping[str, Stateful]:
        """See `Stateful`."""
        return {"inputs": self.inputs, "echoes": self.echoes, "pacing": self._pacing}

    @property
    def is_silent(self) -> bool:
        """Whether nothing is sent until the inputs close."""
        return self.state.silent

    @property
    def closed(self) -> bool:
        """Whether the inputs are closed."""
        return self.state.closed

    @property
    def heard_quorum(self) -> bool:
        """Whether Echoes of Q replicas are here, so that view 0 may begin."""
        return self.state.heard_quorum

    @property
    def waited(self) -> bool:
        """Whether the leader of view 0 need not wait for more."""
        return self.state.waited

    @property
    def given_up(self) -> bool:
        """Whether the manager gave the round up."""
        return self.state.given_up

    # --- what comes in ----------------------------------------------------------

    def take_update(self, processor: int, content: bytes, now: int) -> list[Effect]:
        """Take a processor's update; one that comes after the close is echoed then."""
        return self._take_input(self.inputs.take_update(processor, content), now)

    def take_report(self, report: TestReport, now: int) -> list[Effect]:
        """Take the hub's tests; a late report is echoed as late updates are."""
        return self._take_input(self.inputs.take_report(report), now)

    def _take_input(self, item: Item | None, now: int) -> list[Effect]:
        if item is None:
            return []
        return self._take_late(item, now) if self.state.closed else self.close_if_complete(now)

    def _take_late(self, item: Item, now: int) -> list[Effect]:
        return self._echo_later([item], now)

    def take_echo(self, replica: int, items: tuple[Item, ...], now: int) -> list[Effect]:
        """Take another replica's Echo, whatever view it is in."""
        fresh = self.echoes.take(replica, items)
        if not self.state.closed:
            return self.close(now) if self._may_close_on_echoes(now) else []
        effects = self._echo_later(self._to_amplify(fresh), now)
        return [*effects, *self._begins(now)]

    def _may_close_on_echoes(self, now: int) -> bool:
        assert self._schedule is not None
        return self.echoes.heard >= self._committee.blocking and now >= self._schedule.inputs_open_until

    # --- the close ----------------------------------------------------------

    def close_if_complete(self, now: int) -> list[Effect]:
        """Close if all inputs are in and nobody could have to close later than this."""
        assert self._schedule is not None
        if self.state.closed or now < self._schedule.inputs_open_until:
            return []
        return self.close(now) if self.inputs.complete or self._may_close_on_echoes(now) else []

    def close(self, now: int) -> list[Effect]:
        """Close, and echo what came in, what B replicas echo, whom this replica accuses, and SKIP if its keys are
        short.
        """
        self.state.closed = True
        items = dict.fromkeys([*self.inputs.items(), *self.echoes.acceptable()])
        accused = {*self.state.accused, *self._convicted(items)} - {*self.inputs.quarantined}
        items |= dict.fromkeys(map(accusation_item, sorted(accused)))
        if self._skips_at_close():
            items[SKIP] = None
        effects = self._say(items, now) if self._may_echo() else []
        return [*effects, *self._begins(now)]

    def _skips_at_close(self) -> bool:
        return self.state.given_up or self._links.keyed_peers() + 1 < self._committee.quorum

    def _begins(self, now: int) -> list[Effect]:
        """Begin view 0 on Echoes of Q replicas, and the time after which it is judged what is missing."""
        if self.state.heard_quorum or not self.state.closed or self.echoes.heard < self._committee.quorum:
            return []
        self.state.heard_quorum = True
        return self._begin_timers(now)

    def _begin_timers(self, now: int) -> list[Effect]:
        delta, effects = self._committee.delta, []
        if not self.state.waited:
            effects.append(self._timer(ReplicaTimer.MAY_PROPOSE, now + PROPOSAL_DELTAS * delta))
        if not self.state.skip_judged:
            effects.append(self._timer(ReplicaTimer.JUDGE_COMPLETENESS, now + SKIP_DELTAS * delta))
        return effects

    def _timer(self, purpose: ReplicaTimer, at: int) -> Effect:
        assert self._schedule is not None
        return Send(at, self._name, Timer(purpose, self._schedule.round_index))

    # --- Echoes ----------------------------------------------------------

    def _to_amplify(self, fresh: Iterable[Item]) -> list[Item]:
        """Return what B replicas echo now, and accusations of those whom that convicts."""
        fresh = list(fresh)
        return [*fresh, *map(accusation_item, self._convicted(fresh))] if fresh else fresh

    def _convicted(self, items: Iterable[Item]) -> list[int]:
        """Return the processors of whom B replicas echo one digest and B another one."""
        return sorted({k for kind, k, _ in items if kind == ItemKind.UPDATE and is_convicted(k, self.echoes)})

    def _echo_later(self, items: Iterable[Item], now: int) -> list[Effect]:
        """Echo these items, SKIP at once and the rest as the pace allows."""
        new = dict.fromkeys(item for item in items if item not in self.state.said)
        self.state.pending |= new
        return self._say_pending(now, counts=False) if SKIP in new else self.arm(now)

    def arm(self, now: int) -> list[Effect]:
        """Arrange for what is pending to leave, and again in every new view, which has a pace of its own."""
        if not (self.state.pending and self.state.closed and self._may_echo()):
            return []
        at = self._pacing.arm(now, self._voting.view)
        return [] if at is None else [self._timer(ReplicaTimer.ECHOES_LEAVE, at)]

    def renew(self, now: int) -> list[Effect]:
        """See `Pacing`."""
        self._pacing.renew()
        return self.arm(now)

    def _may_echo(self) -> bool:
        """Return whether this replica has not halted. Even one that has decided alone is still needed by the others."""
        return not self._voting.halted

    def _say_pending(self, now: int, counts: bool = True) -> list[Effect]:
        if not (self.state.pending and self._may_echo()):
            return []
        items, self.state.pending = self.state.pending, {}
        return self._say(items, now, counts)

    def _say(self, items: Iterable[Item], now: int, counts: bool = True) -> list[Effect]:
        """Send one Echo to all, followed by what one's own echo makes acceptable."""
        new = [item for item in items if item not in self.state.said]
        self.state.said |= dict.fromkeys(new)
        self._pacing.left(now, self._voting.view, counts)
        effects = self._links.broadcast(FrameKind.ECHO, view=0, body=encode(tuple(new)), now=now)
        return [*effects, *self._echo_later(self._to_amplify(self.echoes.take(self._index, new)), now)]

    def repeat_echoes(self, replica: str, now: int) -> list[Effect]:
        """Send all that this replica has echoed to one that may have missed it."""
        if not (self.state.closed and self._may_echo()):
            return []
        return self._links.send(FrameKind.ECHO, view=0, receiver=replica, body=encode(tuple(self.state.said)), now=now)

    # --- SKIP ----------------------------------------------------------

    def give_up(self, now: int) -> list[Effect]:
        """Say SKIP, at the close or at once, because the manager gives the round up."""
        self.state.given_up = True
        return self._echo_later([SKIP], now) if self.state.closed else []

    def _judge(self, now: int) -> list[Effect]:
        """Echo SKIP if what a round needs lacks Q echoes, 3 Delta after this replica closed and heard Q replicas."""
        self.state.skip_judged = True
        return [] if self.has_enough() else self._echo_later([SKIP], now)

    def has_enough(self) -> bool:
        """Return whether the entries of N - f_processors processors, and the report, have Q echoes."""
        if not self.echoes.digests(ItemKind.REPORT, 0, self._committee.quorum):
            return False
        return len(self.processors_with_a_quorum()) >= self._committee.min_entries

    def has_all(self) -> bool:
        """Return whether the entries of all processors, except those in quarantine or convicted now, and the report
        have Q echoes, and suffice.
        """
        found = self.processors_with_a_quorum()
        waits = any(k not in found and k not in self.inputs.quarantined for k in self.honest_so_far())
        return not waits and self.has_enough()

    def lacked_something_in(self, view: int) -> bool:
        """Return whether this replica could not do its part in a view, or lacks Echoes that it needs as the leader of
        the next one. If each leader found that out in its own view only, one view after the other could be lost.
        """
        may_propose = self.has_enough() or self.echoes.is_proposable(SKIP)
        return not may_propose or self.echoes.may_be_lost() or self._voting.lacked_something_in(view)

    def honest_so_far(self) -> list[int]:
        """Return the processors that no echoes convict."""
        return [k for k in range(self._committee.processors) if not is_convicted(k, self.echoes)]

    def processors_with_a_quorum(self) -> dict[int, list[bytes]]:
        """Return the processors outside the quarantine with Q echoes of one or more digests, in increasing order, with
        these digests.
        """
        found = {
            k: self.echoes.digests(ItemKind.UPDATE, k, self._committee.quorum)
            for k in range(self._committee.processors) if k not in self.inputs.quarantined
        }  # fmt: skip
        return {k: digests for k, digests in found.items() if digests}

    # --- timers ----------------------------------------------------------

    def input_timers(self, now: int) -> list[Effect]:
        """Return the timers after which the inputs may close, and must close. Before, in the middle of the plan, begins
        a time in which the replica sends nothing: long before anything comes, so that windows can rely on it.
        """
        assert self._schedule is not None
        opens, plan_ends = self._schedule.inputs_open_until, self._schedule.plan_ends_at
        times = [
            (ReplicaTimer.INPUTS_MAY_CLOSE, opens),
            (ReplicaTimer.INPUTS_MUST_CLOSE, self._schedule.inputs_time_out_at),
        ]
        if now < plan_ends < opens:
            times.append((ReplicaTimer.SILENCE_BEGINS, (now + plan_ends) // 2))
        return [self._timer(purpose, max(now + 1, at)) for purpose, at in times]

    def timer(self, purpose: ReplicaTimer, now: int) -> list[Effect]:
        """Do what a timer of the input phase is for."""
        match purpose:
            case ReplicaTimer.SILENCE_BEGINS:
                self.state.silent = True
                return []
            case ReplicaTimer.INPUTS_MAY_CLOSE:
                return self.close_if_complete(now)
            case ReplicaTimer.INPUTS_MUST_CLOSE:
                return [] if self.state.closed else self.close(now)
            case ReplicaTimer.MAY_PROPOSE:
                self.state.waited = True
                return []
            case ReplicaTimer.JUDGE_COMPLETENESS:
                return self._judge(now)
            case ReplicaTimer.ECHOES_LEAVE:
                return self._say_pending(now) if self._pacing.fires(now, self._voting.view) else self.arm(now)
            case _:
                raise AssertionError(f"the input phase has no timer to {purpose}")

    # --- state ----------------------------------------------------------

    def accused(self) -> tuple[int, ...]:
        """Return whom this replica accuses, before this round or because of what it heard in it."""
        said = {k for kind, k, _ in (*self.state.said, *self.state.pending) if kind == ItemKind.ACCUSATION}
        return tuple(sorted({*self.state.accused, *said}))

    def recover(self, now: int) -> list[Effect]:
        """Restart the timers, which a crash has lost."""
        self._pacing.recover()
        if not self.state.closed:
            return self.input_timers(now)
        return [*(self._begin_timers(now) if self.state.heard_quorum else []), *self.arm(now)]
