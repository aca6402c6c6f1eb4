"""A host: the actors that live together in one process, and the runner of their work."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.codec import decode, encode, freeze
from ceas_ray.kernel.digest import extended
from ceas_ray.kernel.envelope import Answer, Effect, Envelope, Mark, Observation, Send, SharedCall, Work, WorkDone
from ceas_ray.kernel.errors import SimulationError
from ceas_ray.kernel.mail import Mail, envelope_of, record_of
from ceas_ray.kernel.policy_calls import PolicyError
from ceas_ray.kernel.resident import Resident
from ceas_ray.kernel.state import restored, saved
from ceas_ray.kernel.time import FOREVER
from ceas_ray.kernel.window_reply import HandledEvent, HostStatus, SimulatedObservation, WindowReply

WorkFunction = Callable[[Sequence[Any]], Sequence[Any]]
"""Computes work of one kind, for any number of actors at once; no result may depend on who is packed with whom."""
WORK_BLOCK = 64
"""How many items of work are computed in one call, at most, and how many answers share one."""
SHARED_CALL_SIZE = 2**19
"""How many numbers the outputs of a call that answers share have, at most, unless one answer's has more."""
WINDOW_ENVELOPES = 4096
"""How many envelopes a host handles in one window, at most: the driver hears of a round that never ends."""


_Begun = tuple[Envelope, Answer]
"""An envelope that its receiver has, and the answer, which is still to be carried out."""


@dataclass(slots=True)
class _OpenWindow:
    """The window that is being handled. bound: the host's at its beginning."""

    horizon: int
    bound: int
    mark: Mark | None = None
    observations: list[SimulatedObservation] = field(default_factory=list)
    outbox: dict[str, list[Envelope]] = field(default_factory=dict)


def _cause(error: Exception) -> str:
    """Return what happened in an actor, on one line; where, unless the error says it itself."""
    if isinstance(error, PolicyError):
        return str(error)
    where = traceback.extract_tb(error.__traceback__)[-1]
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said} ({where.filename.rpartition('ceas_ray/')[2]}:{where.lineno})"


class Host:
    """Handles its actors' envelopes in total order, strictly before the horizon that the others allow."""

    def __init__(
        self,
        name: str,
        actors: Sequence[Actor],
        work: Mapping[str, WorkFunction] | None = None,
    ) -> None:
        """`work` computes each kind of work that actors here may ask for. Raises ValueError for twin names."""
        self.name = name
        self._residents = {actor.name: Resident(actor) for actor in actors}
        if len(self._residents) != len(actors):
            raise ValueError(f"host {name}: actors must have different names")
        for actor in actors:
            if actor.lookahead < 1 or actor.own_lookahead < 1:
                raise ValueError(f"{actor.name}: lookahead must be at least 1 ps")
        self._work = dict(work or {})
        self._clock: Callable[[], float] = float
        self._heap: list[tuple[int, str, int, Envelope]] = []
        self._pending: dict[tuple[str, int], Work] = {}
        self._placement: Mapping[str, str] = {}
        self._lookahead_of_host: Mapping[str, int] = {}
        self._window = -1
        self._last_reply: WindowReply | None = None
        self._work_seconds = 0.0
        self._caused: dict[tuple[str, int], int] | None = None
        self._events: list[HandledEvent] = []
        self.envelopes_handled = self._blocks_done = 0

    # --- set-up ----------------------------------------------------------

    def measure_work_with(self, clock: Callable[[], float]) -> None:
        """Let the runtime measure the wall time of work for its report; nothing in the simulation sees it."""
        self._clock = clock

    def record_events(self) -> None:
        """Let replies tell what was handled; nothing in the simulation sees it."""
        self._caused = {}

    @property
    def progress(self) -> int:
        """Envelopes handled and blocks of work done: a watchdog may read it from another thread."""
        return self.envelopes_handled + self._blocks_done

    @property
    def actor_names(self) -> tuple[str, ...]:
        """The actors that live here, in a fixed order."""
        return tuple(self._residents)

    def directory(self) -> dict[str, tuple[int, int]]:
        """Return the lookahead and own lookahead of each actor here."""
        return {name: (r.actor.lookahead, r.actor.own_lookahead) for name, r in self._residents.items()}

    def connect(self, placement: Mapping[str, str], lookahead_of_host: Mapping[str, int]) -> HostStatus:
        """Learn where every actor lives and the least lookahead of each host."""
        self._placement, self._lookahead_of_host = placement, lookahead_of_host
        return self.status()

    def accounts(self) -> dict[str, dict[str, int]]:
        """Return the totals of each actor here that has any."""
        found = {name: resident.actor.accounts() for name, resident in self._residents.items()}
        return {name: totals for name, totals in found.items() if totals}

    def status(self) -> HostStatus:
        """Return the bound, the earliest unhandled envelope, promises and digests as they are now."""
        return HostStatus(
            bound=self._bound(),
            next_at=self._heap[0][0] if self._heap else FOREVER,
            promises=tuple(r.promised for r in self._residents.values()),
            digests=tuple(r.digest for r in self._residents.values()),
        )

    # --- a window ----------------------------------------------------------

    def step(self, window: int, horizon: int, mail: Sequence[bytes]) -> WindowReply:
        """Take the mail, then handle what is strictly before `horizon`, but no more than `WINDOW_ENVELOPES`.

        Idempotent by window number: a repeated call returns the reply of the first.
        """
        if window == self._window:
            assert self._last_reply is not None
            return self._last_reply
        self._window = window
        for envelopes in mail:
            self._receive(envelopes)
        open_window = _OpenWindow(horizon, self._bound())
        heap, handled_before, work_before = self._heap, self.envelopes_handled, self._work_seconds
        last = handled_before + WINDOW_ENVELOPES
        while heap and heap[0][0] < open_window.horizon and self.envelopes_handled < last:
            begun: _Begun | None = self._begin_next()
            while begun is not None:
                begun = self._answer(*begun, open_window, last)
        self._last_reply = WindowReply(
            status=self.status(),
            mail={target: Mail.of(envelopes) for target, envelopes in open_window.outbox.items()},
            observations=tuple(open_window.observations),
            mark=open_window.mark,
            handled=self.envelopes_handled - handled_before,
            work_seconds=self._work_seconds - work_before,
            events=tuple(self._events),
        )
        self._events = []
        return self._last_reply

    def post(self, envelopes: Iterable[Envelope]) -> None:
        """Put envelopes from outside of the simulation (its beginning) into the heap."""
        for envelope in envelopes:
            self._push(envelope)

    # --- snapshot ----------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Return everything that is needed to go on: actors' states, serials, digests, unhandled envelopes and work.

        Valid on any host: `actors` maps each name to its part, and envelopes lie with their receiver.
        """
        actors: dict[str, Any] = {
            name: {
                "state": encode(resident.actor.snapshot()),
                "serial": resident.serial,
                "digest": resident.digest,
                "promised": resident.promised,
                "floors": dict(sorted(resident.floors.items())),
                "envelopes": [],
                "work": [],
            }
            for name, resident in self._residents.items()
        }
        for *_, envelope in sorted(self._heap):
            if envelope.payload is not None:
                actors[envelope.receiver]["envelopes"].append(record_of(envelope))
        for (name, serial), work in sorted(self._pending.items()):
            actors[name]["work"].append({"serial": serial, **saved(work)})
        return actors

    def restore(self, actors: Mapping[str, Any]) -> None:
        """Go back to a cut: takes the parts of the actors that live here, whichever hosts they came from.

        Raises ValueError for an envelope that lies with another actor than its receiver.
        """
        self._heap, self._pending, self._window, self._last_reply = [], {}, -1, None
        for name, resident in self._residents.items():
            part = actors[name]
            resident.actor.restore(decode(part["state"]))
            resident.serial, resident.digest = part["serial"], part["digest"]
            resident.promised = part["promised"]
            resident.floors = dict(part["floors"])
            for record in part["envelopes"]:
                envelope = envelope_of(record)
                if envelope.receiver != name:
                    raise ValueError(f"an envelope for {envelope.receiver} lies with {name}")
                self._push(envelope)
            for pending in part["work"]:
                work = restored(Work, {key: value for key, value in pending.items() if key != "serial"})
                self._push(self._pending_envelope(name, pending["serial"], work))

    # --- inside ----------------------------------------------------------

    def _record(self, envelope: Envelope) -> None:
        assert self._caused is not None
        caused_at = self._caused.pop((envelope.sender, envelope.serial), envelope.deliver_at)
        payload = envelope.payload
        name = f"work: {payload.kind}" if isinstance(payload, WorkDone) else type(payload).__name__
        self._events.append(HandledEvent(
            caused_at=caused_at, deliver_at=envelope.deliver_at, sender=envelope.sender, receiver=envelope.receiver,
            payload=name,
        ))  # fmt: skip

    def _push(self, envelope: Envelope) -> None:
        heappush(self._heap, (envelope.deliver_at, envelope.sender, envelope.serial, envelope))

    def _receive(self, envelopes: bytes) -> None:
        for record in decode(envelopes):
            self._push(envelope_of(record))

    def _begin_next(self) -> _Begun:
        """Take the next envelope to its receiver, and return both it and the answer."""
        if self._heap[0][3].payload is None:
            self._run_pending_work()
        envelope = heappop(self._heap)[3]
        self.envelopes_handled += 1
        if self._caused is not None:
            self._record(envelope)
        resident = self._residents[envelope.receiver]
        resident.digest = extended(resident.digest, envelope)
        try:
            return envelope, resident.actor.begin(envelope)
        except Exception as error:
            raise SimulationError(envelope.receiver, envelope.deliver_at, _cause(error)) from error

    def _answer(self, envelope: Envelope, answer: Answer, window: _OpenWindow, last: int) -> _Begun | None:
        """Carry out an answer; return what was begun meanwhile and is not answered yet. last: no envelope is begun any
        more in this window once so many are.
        """
        if isinstance(answer, SharedCall):
            return self._answer_together(envelope, answer, window, last)
        self._carry_out(answer, envelope, window)
        return None

    def _answer_together(self, first: Envelope, call: SharedCall, window: _OpenWindow, last: int) -> _Begun | None:
        """Answer an envelope whose answer lacks a call, and with it those after it that lack the same at the same time;
        return the one that was begun and is none of them.

        No effect comes at the time of its cause, so nothing can come between these envelopes any more; they are
        answered in their order. An actor takes part once, since its next answer may depend on this one.
        """
        now, function, failing, size = first.deliver_at, call.function, first.receiver, call.size
        calls = {first.receiver: (first, call)}
        other: _Begun | None = None
        while other is None and self._may_join(now, calls) and self.envelopes_handled < last:
            envelope, answer = self._begin_next()
            size += answer.size if isinstance(answer, SharedCall) else 0
            if isinstance(answer, SharedCall) and answer.function is function and size <= SHARED_CALL_SIZE:
                calls[envelope.receiver] = envelope, answer
            else:
                other = envelope, answer
        answered = []
        try:
            outputs = function([call.inputs for _, call in calls.values()])
            for (envelope, call), output in zip(calls.values(), outputs, strict=True):
                failing = envelope.receiver
                answered.append((call.then(output), envelope))
        except Exception as error:
            raise SimulationError(failing, now, _cause(error)) from error
        self._blocks_done += 1
        for effects, envelope in answered:
            self._carry_out(effects, envelope, window)
        return other

    def _may_join(self, now: int, calls: Mapping[str, Any]) -> bool:
        """Return whether the next envelope may be begun before those of these calls, by receiver, are answered."""
        if not self._heap or len(calls) == WORK_BLOCK:
            return False
        return self._heap[0][0] == now and self._heap[0][3].receiver not in calls

    def _carry_out(self, effects: Sequence[Effect], envelope: Envelope, window: _OpenWindow) -> None:
        """Carry out what an envelope causes."""
        resident, now = self._residents[envelope.receiver], envelope.deliver_at
        try:
            resident.check_leaving(envelope, effects)
            resident.promised = max(resident.promised, resident.actor.promise(now))
        except Exception as error:
            raise SimulationError(envelope.receiver, now, _cause(error)) from error
        latest = envelope
        for effect in effects:
            if isinstance(effect, Send):
                latest = self._stamp(resident, effect, latest)
                self._put(latest, envelope, window)
            elif isinstance(effect, Work):
                self._put(self._pend(resident, effect), envelope, window)
            elif isinstance(effect, Observation):
                freeze(effect.payload)
                window.observations.append(SimulatedObservation(now, envelope.receiver, effect.payload))
            else:
                assert window.mark is None, "a second mark in one window"
                window.mark = effect
                window.horizon = min(window.horizon, effect.at)

    def _stamp(self, resident: Resident, effect: Send, latest: Envelope) -> Envelope:
        """Return the envelope of what is sent. latest: the one before it, whose payload is often the same."""
        payload, payload_bytes = effect.payload, None
        if payload is latest.payload:
            payload_bytes = latest.payload_bytes
        else:
            freeze(payload)
        serial = resident.serial
        resident.serial = serial + 1
        return Envelope(
            deliver_at=effect.deliver_at, sender=resident.actor.name, serial=serial, receiver=effect.receiver,
            payload=payload, payload_bytes=payload_bytes,
        )  # fmt: skip

    def _put(self, new: Envelope, cause: Envelope, window: _OpenWindow) -> None:
        """Put a new envelope into the heap, or into the mail of the host where its receiver lives."""
        if self._caused is not None and new.own:
            self._caused[new.sender, new.serial] = cause.deliver_at
        target = self._placement.get(new.receiver, self.name)
        if target == self.name:
            self._push(new)
            return
        assert new.deliver_at >= window.bound, f"{new} left before the bound of host {self.name}"
        window.horizon = min(window.horizon, new.deliver_at + self._lookahead_of_host[target])
        window.outbox.setdefault(target, []).append(new)

    def _pend(self, resident: Resident, work: Work) -> Envelope:
        serial = resident.serial
        resident.serial = serial + 1
        return self._pending_envelope(resident.actor.name, serial, work)

    def _pending_envelope(self, name: str, serial: int, work: Work) -> Envelope:
        if work.kind not in self._work:
            raise SimulationError(name, work.ready_at, f"this host cannot do work of kind {work.kind!r}")
        self._pending[name, serial] = work
        return Envelope(deliver_at=work.ready_at, sender=name, serial=serial, receiver=name, payload=None)

    def _run_pending_work(self) -> None:
        """Run all pending work, kind by kind, each as one call, and fill in the results."""
        results: dict[tuple[str, int], WorkDone] = {}
        for kind in sorted({work.kind for work in self._pending.values()}):
            keys = sorted(key for key, work in self._pending.items() if work.kind == kind)
            started = self._clock()
            outputs: list[Any] = []
            for start in range(0, len(keys), WORK_BLOCK):
                outputs += self._done(kind, keys[start : start + WORK_BLOCK])
                self._blocks_done += 1
            self._work_seconds += self._clock() - started
            for key, output in zip(keys, outputs, strict=True):
                freeze(output)
                results[key] = WorkDone(kind, output)
        self._pending = {}
        for *_, envelope in self._heap:
            if envelope.payload is None:
                envelope.payload = results[envelope.sender, envelope.serial]

    def _done(self, kind: str, keys: Sequence[tuple[str, int]]) -> Sequence[Any]:
        """Return the outputs of one call; raises SimulationError for a policy that fails in it."""
        try:
            return self._work[kind]([self._pending[key].inputs for key in keys])
        except PolicyError as error:
            raise SimulationError(keys[0][0], self._pending[keys[0]].ready_at, _cause(error)) from error

    def _bound(self) -> int:
        """Return B(host): over its actors with an unhandled envelope, the least of max(promise, first + lookahead)."""
        first: dict[tuple[str, bool], int] = {}
        for deliver_at, _, _, envelope in self._heap:
            key = (envelope.receiver, envelope.own)
            if deliver_at < first.get(key, FOREVER):
                first[key] = deliver_at
        return min((self._bound_of(name, own, at) for (name, own), at in first.items()), default=FOREVER)

    def _bound_of(self, name: str, own: bool, at: int) -> int:
        resident = self._residents[name]
        ahead = resident.actor.own_lookahead if own else resident.actor.lookahead
        return max(resident.promised, at + ahead)
