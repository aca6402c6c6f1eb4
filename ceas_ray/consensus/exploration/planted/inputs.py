"""Planted bugs of the input phase, of validity and of recovery: each weakens one part of a replica's `Agreement`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

from ceas_ray.consensus.agreement import Agreement
from ceas_ray.consensus.echoes import Echoes, Item, ItemKind
from ceas_ray.consensus.exploration.replica_scenario import ReplicaScenario
from ceas_ray.consensus.input_phase import InputPhase
from ceas_ray.consensus.inputs import Inputs
from ceas_ray.consensus.pacing import Pacing
from ceas_ray.consensus.replica import Replica
from ceas_ray.consensus.replica_message import ReplicaMessage
from ceas_ray.consensus.timers import ReplicaTimer
from ceas_ray.consensus.value_store import NamedInputs, ValueStore
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Effect, Send
from ceas_ray.messages.consensus_payloads import Frame
from ceas_ray.messages.frames import FrameKind, decode_foreign, digest_of
from ceas_ray.messages.payloads import RoundStarted, Timer


def replica_with(part: str, weaker: type, inform: Callable[[Agreement, Any], None] = lambda made, part: None) -> type:
    """Return a class of replicas whose agreements have one part of a weaker class. inform: changes what that part
    is told.
    """

    class Planted(Replica):
        def agreement(self, schedule: RoundStarted | None) -> Agreement:
            made = super().agreement(schedule)
            changed = attrgetter(part)(made)
            changed.__class__ = weaker
            inform(made, changed)
            return made

    return Planted


def replica_that_agrees_by(weaker: type[Agreement]) -> type:
    """Return a class of replicas whose agreements are of a weaker class."""

    class Planted(Replica):
        agreement_type = weaker

    return Planted


# --- echoes ----------------------------------------------------------


class NoAmplification(InputPhase):
    def _to_amplify(self, fresh: Iterable[Item]) -> list[Item]:
        return []


class AccusationsNotAmplified(InputPhase):
    """Accuses only those who are convicted at this replica."""

    def _to_amplify(self, fresh: Iterable[Item]) -> list[Item]:
        return super()._to_amplify([item for item in fresh if item[0] != ItemKind.ACCUSATION])


class FirstEchoWins(InputPhase):
    def take_echo(self, replica: int, items: tuple[Item, ...], now: int) -> list[Effect]:
        heard = self.echoes.state.heard >> replica & 1
        return super().take_echo(replica, () if heard else items, now)


class EchoesStopAtTheDecision(InputPhase):
    has_decided: Callable[[], bool]

    def _may_echo(self) -> bool:
        return super()._may_echo() and not self.has_decided()


class NoEchoesSaidAgainAfterTheDecision(EchoesStopAtTheDecision):
    """Answers whoever asks with the decision alone."""

    def _may_echo(self) -> bool:
        return InputPhase._may_echo(self)

    def repeat_echoes(self, replica: str, now: int) -> list[Effect]:
        return [] if self.has_decided() else super().repeat_echoes(replica, now)


def _knows_the_decision(made: Agreement, phase: EchoesStopAtTheDecision) -> None:
    phase.has_decided = lambda: made.voting.decided is not None


class NoPace(Pacing):
    def arm(self, now: int, view: int) -> int | None:
        armed, self.state.armed = self.state.armed, True
        return None if armed else now + 1

    def fires(self, now: int, view: int) -> bool:
        self.state.armed = False
        return True


class UncountedPace(Pacing):
    def _count_in(self, view: int) -> int:
        return 0


class EntryOnOneEcho(Echoes):
    def is_acceptable(self, item: Item) -> bool:
        return self._count(item) >= 1


# --- the close, SKIP and late inputs ----------------------------------------------------------


class SkipJudgedAtTheClose(InputPhase):
    def _skips_at_close(self) -> bool:
        return super()._skips_at_close() or not self.has_enough()


class SkipCountedFromViewZero(InputPhase):
    """Judges nothing where a later view was entered before Echoes of Q replicas came."""

    def _begin_timers(self, now: int) -> list[Effect]:
        effects = super()._begin_timers(now)
        if self._voting.view <= 0:
            return effects
        return [e for e in effects if not _is_timer(e, ReplicaTimer.JUDGE_COMPLETENESS)]


def _is_timer(effect: Effect, purpose: str) -> bool:
    return isinstance(effect, Send) and isinstance(effect.payload, Timer) and effect.payload.purpose == purpose


def ignores_late(late: ItemKind) -> type[InputPhase]:
    class IgnoresLate(InputPhase):
        def _take_late(self, item: Item, now: int) -> list[Effect]:
            return [] if item[0] == late else super()._take_late(item, now)

    return IgnoresLate


# --- values ----------------------------------------------------------


class ForgetfulAgreement(Agreement):
    """Judges SKIP by the updates that are missing now, not by what was echoed once."""

    def _is_valid(self, digest: bytes) -> bool:
        known = self.values.state.outcomes.get(digest)
        if known is not None and known.skipped and not self.finished and self.phase.has_enough():
            return False
        return super()._is_valid(digest)


class LocalEvidence(ValueStore):
    """Refuses an entry that differs from what the processor sent to this replica."""

    def _is_acceptable(self, named: NamedInputs) -> bool:
        contradicted = any(self._inputs.first_updates.get(k, digest) != digest for k, digest in named.entries)
        return not contradicted and super()._is_acceptable(named)


class RepeatedProcessor(ValueStore):
    """Counts an index that occurs twice as two."""

    def _named_in(self, body: bytes) -> NamedInputs | None:
        named = super()._named_in(body)
        if named is not None:
            return named
        try:
            entries, report, accused = (decode_foreign(body)[place] for place in (3, 5, 7))
            sorts = all([*map(type, entry)] == [int, bytes] for entry in entries)
        except (ValueError, TypeError, IndexError, KeyError):
            return None
        return (
            NamedInputs(entries, report, accused)
            if sorts and type(report) is bytes and type(accused) is tuple
            else None
        )


class OneContentEach(Inputs):
    """Keeps the content that a processor sent here as its only one, and drops any other that comes by its digest."""

    processor_of: Callable[[bytes], int | None]

    def keep(self, content: bytes) -> None:
        if self.processor_of(digest_of(content)) not in self.first_updates:
            super().keep(content)


def _knows_whose_contents(made: Agreement, inputs: OneContentEach) -> None:
    def processor_of(digest: bytes) -> int | None:
        topics = made.phase.echoes.state.echoers.items()
        return next((k for (kind, k), of in topics if kind == ItemKind.UPDATE and digest in of), None)

    inputs.processor_of = processor_of


# --- answers and recovery ----------------------------------------------------------


def silent_when_halted(about: FrameKind) -> type[Agreement]:
    class SilentWhenHalted(Agreement):
        def _receive_any_time(self, message: ReplicaMessage, now: int) -> list[Effect]:
            if message.kind == about and self.voting.halted:
                return []
            return super()._receive_any_time(message, now)

        def _answer_again(self, frame: Frame, now: int) -> list[Effect]:
            return [] if frame.kind == about and self.voting.halted else super()._answer_again(frame, now)

    return SilentWhenHalted


class EchoesAreNotSaidAgain(InputPhase):
    def repeat_echoes(self, replica: str, now: int) -> list[Effect]:
        return []


class ErasesBeforeItPersists(ReplicaScenario):
    """Lets a crash leave the key slots as they are after the last event, and the round as it was before it."""

    def __init__(self, *args: Any, **planted: Any) -> None:
        super().__init__(*args, **planted)
        self._before: dict[int, bytes] = {}

    def _answer(self, entity: int, payload: Any, answer: Callable[[], Any]) -> Any:
        if entity in self.setting.outages and entity not in self.disks and payload is not None:
            self._before[entity] = encode(self.nodes[entity].persistent())
        return super()._answer(entity, payload, answer)

    def disk(self, entity: int) -> bytes:
        now, before = decode(super().disk(entity)), decode(self._before[entity])
        same_round = _round_index(now) == _round_index(before)
        if same_round:
            now["parts"]["agreement"] = before["parts"]["agreement"]
        return encode(now)


def _round_index(disk: Any) -> int:
    schedule = disk["state"]["schedule"]
    return -1 if schedule is None else int(schedule.round_index)


INPUT_BUGS: dict[str, type[Replica]] = {
    "no amplification of echoes": replica_with("phase", NoAmplification),
    "accusations not amplified": replica_with("phase", AccusationsNotAmplified),
    "the first Echo wins": replica_with("phase", FirstEchoWins),
    "echoes stop at the decision": replica_with("phase", EchoesStopAtTheDecision, _knows_the_decision),
    "no echoes said again after the decision": replica_with(
        "phase", NoEchoesSaidAgainAfterTheDecision, _knows_the_decision
    ),
    "Echoes without a pace": replica_with("phase._pacing", NoPace),
    "Echoes are not counted": replica_with("phase._pacing", UncountedPace),
    "Fetches are not counted": replica_with("fetching._pacing", UncountedPace),
    "entry on 1 echo": replica_with("phase.echoes", EntryOnOneEcho),
    "SKIP judged at the close": replica_with("phase", SkipJudgedAtTheClose),
    "SKIP counted from view 0": replica_with("phase", SkipCountedFromViewZero),
    "SKIP non-monotone": replica_that_agrees_by(ForgetfulAgreement),
    "late updates ignored": replica_with("phase", ignores_late(ItemKind.UPDATE)),
    "a late report ignored": replica_with("phase", ignores_late(ItemKind.REPORT)),
    "validity on local evidence": replica_with("values", LocalEvidence),
    "a repeated index counts twice": replica_with("values", RepeatedProcessor),
    "one content per processor": replica_with("inputs", OneContentEach, _knows_whose_contents),
    "halting stops Fetch answers": replica_that_agrees_by(silent_when_halted(FrameKind.FETCH)),
    "halting stops Decide answers": replica_that_agrees_by(silent_when_halted(FrameKind.CATCH_UP)),
    "recovery without new echoes": replica_with("phase", EchoesAreNotSaidAgain),
}
