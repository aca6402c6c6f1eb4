"""The life of a run that has its cluster and its folder: rounds, cuts, faults, and an end in order."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from functools import partial
from typing import Any, Literal

from ceas_ray.config.schema import RunSettings
from ceas_ray.kernel.errors import SimulationError
from ceas_ray.kernel.garbage import old_objects_left_out
from ceas_ray.kernel.policy_calls import PolicyError
from ceas_ray.kernel.time import FOREVER, seconds
from ceas_ray.kernel.windows import RoundEnd, Simulation
from ceas_ray.messages.pair_books import GENERATED
from ceas_ray.reports.file_names import NETWORK
from ceas_ray.runs.cluster import RunCluster
from ceas_ray.runs.code_state import git_state
from ceas_ray.runs.ending import Ended, centralized_results, resume_override, used_data, write_model
from ceas_ray.runs.folder import digests_of
from ceas_ray.runs.limits import ROUND_SECONDS, STEP_SECONDS, CutShort, Pruning, PruningWatch, limit_reached
from ceas_ray.runs.network_file import network_values
from ceas_ray.runs.provenance import code_version
from ceas_ray.runs.record import RunRecord
from ceas_ray.runs.results import Results
from ceas_ray.runs.resume import Cut, Resumed, snapshot_folder, snapshot_of, versions
from ceas_ray.runs.round_watch import LONG_SECONDS, RoundWatch, progress_of, waits_for
from ceas_ray.runs.run_warnings import warnings_of
from ceas_ray.runs.stored_run import KeptFiles
from ceas_ray.runtime.failure import ClusterLost, RuntimeFailure
from ceas_ray.runtime.interruption import Interruption
from ceas_ray.runtime.recovery import Fault, SurvivingSimulation
from ceas_ray.tracking.files import write_json
from ceas_ray.tracking.locks import HeldLock, LockLost
from ceas_ray.tracking.store_lock import HeldStore
from ceas_ray.training.datasets import logistic_regression_accuracy
from ceas_ray.world.inputs import targets_of
from ceas_ray.world.world import World

Status = Literal["completed", "stopped", "pruned", "stalled", "interrupted", "failed"]
"""How a run ended; stopped: a budget of `stop.*` was reached; pruned: in a search, other trials had better results."""


class TrainingRun:
    """A run, from its first round, or from the last cut of a run that is resumed, to its summary."""

    def __init__(
        self,
        settings: RunSettings,
        world: World,
        cluster: RunCluster,
        record: RunRecord,
        *,
        place: HeldLock | HeldStore | None,
        found: Resumed | None,
        ended: Ended,
        pruning: Pruning | None = None,
    ) -> None:
        """place: the lock on chosen snapshots. found: where to go on with the run in the record's folder; None for a
        new one. ended, pruning: see `execute`.
        """
        self._settings, self._world, self._cluster, self._record = settings, world, cluster, record
        self._place, self._found, self._ended = place, found, ended
        self._journaled = {} if found is None else digests_of(found.journal)
        self._results = Results(settings, world)
        commit, dirty = git_state()
        self._code = {"git_commit": commit, "git_dirty": dirty}
        self._started = self._cut_at = time.perf_counter()
        self._wall_before = self._ended_at = 0.0
        self._faults: list[dict[str, Any]] = []
        self._versions: dict[str, str] | None = None
        self._reference: dict[str, float | None] = {"centralized_accuracy": None, "backdoor_baseline": None}
        self._pruning, self._pruned = PruningWatch(pruning), ""
        self._limit = ""
        self._limit_since: float | None = None
        """Which limit was passed, and since when within a round (as of time.perf_counter)."""
        self._watch = RoundWatch(record.progress.say, LONG_SECONDS)
        self._snapshots, self._can_write_snapshots = snapshot_folder(settings, record.folder), True
        self._kept = KeptFiles(record.folder)

    def go(self, interruption: Interruption) -> Status:
        """Run all rounds; whatever happens, the folder and MLflow hold what was done.

        Raises SettingsError for a new run whose first line cannot be written, and KeyboardInterrupt for one that was
        interrupted before that: nothing is in its folder then.
        """
        try:
            with self._record.progress:
                with interruption.deferred(lambda: None):  # a run has begun, or it has not
                    self._begin() if self._found is None or not self._found.journal else self._go_on(self._found)
                status, cause = self._until_it_ends(interruption)
            status = self._finished(status, cause)
            self._record.wait_for_mlflow(status)
            return status
        except LockLost as lost:
            self._record.leave()
            print(f"failed: {lost}{_remedy(lost)}", file=sys.stderr)
            return "failed"

    def _finished(self, status: Status, cause: str) -> Status:
        """Write down how the run ended; return that, or that it failed if this cannot be written."""
        try:
            try:
                status = self._finish(status, cause)
            except KeyboardInterrupt:
                status = "interrupted"
                status = self._finish(status, "")
        except OSError as error:
            self._record.leave()
            how = f"once it can be, {resume_override(self._record.folder)} goes on with the run"
            print(f"{self._record.folder}: the end cannot be written: {error.strerror}; {how}", file=sys.stderr)
            return "failed" if status in ("completed", "stopped", "pruned") else status
        return status

    def _until_it_ends(self, interruption: Interruption) -> tuple[Status, str]:
        """Run; return how it ended, and why if not as planned."""
        try:
            with interruption.deferred(lambda: self._write_end("interrupted", "")), self._watch:
                self._rounds(interruption)
        except KeyboardInterrupt:
            if not interruption.time_ran_out:
                return "interrupted", ""
            return "stopped", self._limit_reached()
        except (SimulationError, RuntimeFailure, PolicyError) as error:
            if interruption.requested and isinstance(error, RuntimeFailure):
                return "interrupted", ""  # the signal went to the processes of the cluster too
            return "failed", self._cause_of(error)
        if self._results.state.stalled:
            return "stalled", self._results.state.cause
        if self._results.state.rounds < self._settings.training.rounds:
            return ("pruned", self._pruned) if self._pruned else ("stopped", self._limit)
        return "completed", ""

    def _cause_of(self, error: Exception) -> str:
        """Say what went wrong, and how to go on where nothing but the cluster was lost."""
        if isinstance(error, ClusterLost):
            resumed = resume_override(self._record.folder)
            return f"{error}; {resumed} goes on with the run, with runtime=local without a cluster"
        return str(error)

    def _compared(self) -> tuple[Status, str]:
        """Compute what the same model reaches in one place; a loss of the user's own may fail there too."""
        try:
            self._reference = centralized_results(self._settings, self._world)
        except PolicyError as error:
            return "failed", str(error)
        return "completed", ""

    def _begin(self) -> None:
        record, inputs = self._record, self._world.inputs
        code = code_version(targets_of(record.config).values())
        data = used_data(self._settings.training.data, self._world.data)
        record.begin({"seed": self._settings.seed, "code": code, "inputs": inputs.digests, "data": data, **self._code})
        record.warn(lambda: warnings_of(self._settings))
        for line in inputs.notes:
            record.progress.say(line)
            record.note("note", {"text": line})

    def _go_on(self, found: Resumed) -> None:
        record = self._record
        for line in found.notes:
            record.progress.say(line)
            record.note("warning", {"text": line})
        rounds = 0 if found.cut is None else found.cut.rounds
        record.note("resumed", {"from_round": rounds, "rounds_before": len(self._journaled), **self._code})
        record.progress.say(f"going on with {record.folder} after round {rounds}")
        if found.cut is not None:
            self._results.restore(found.cut.results)
            self._wall_before = found.cut.wall_seconds
            self._faults = [dict(fault) for fault in found.cut.faults]
            before = [event for event in found.journal if event["event"] == "round"][:rounds]
            for number, event in enumerate(before, 1):
                self._pruning.verdict(number, event)
        record.go_on(found.journal)

    def _rounds(self, interruption: Interruption) -> None:
        """Run round after round until one is the last, and cut where the run ends: within a round where that is long.

        Raises KeyboardInterrupt where it is interrupted.
        """
        survived, within_round = partial(self._survived, interruption), partial(self._within_round, interruption)
        simulation = self._cluster.simulation(survived, within_round)
        if self._found is not None and self._found.cut is not None:
            simulation.restore(self._found.cut.simulation, self._found.cut.rounds)
        if self._settings.stop.wall_seconds is not None:
            interruption.end_within(self._settings.stop.wall_seconds + ROUND_SECONDS + STEP_SECONDS)
        self._watch.begin(self._results.state.rounds)
        try:
            with old_objects_left_out():
                self._whole_rounds(simulation, interruption)
        except CutShort as short:
            interruption.end_in_order()
            self._limit = short.limit
            self._cut(simulation)
            if not short.limit:
                raise KeyboardInterrupt from None

    def _whole_rounds(self, simulation: SurvivingSimulation, interruption: Interruption) -> None:
        before = time.perf_counter()
        for end in simulation.rounds():
            line = self._results.take(end)
            now = time.perf_counter()
            line["wall_seconds"] = now - before
            before = now
            self._book(end, line)
            if self._results.state.stalled:
                break
            self._watch.begin(self._results.state.rounds)
            self._record.progress.show(self._results.state.rounds, line.get("accuracy"), line["utilization"])
            self._record.send()
            interrupted = interruption.requested
            self._pruned = self._pruning.verdict(self._results.state.rounds, line)
            self._limit = "" if self._pruned else self._limit_reached()
            over = interrupted or bool(self._limit or self._pruned)
            if self._cut_is_due(now, over):
                self._cut(simulation)
            if interrupted:
                raise KeyboardInterrupt
            if over:
                break

    def _within_round(self, interruption: Interruption, simulation: Simulation) -> None:
        """Look at limits and interrupts between two windows; raise CutShort for a round that may not go on."""
        self._watch.note(lambda: waits_for(simulation))
        if interruption.is_pressing:
            raise CutShort("")
        if self._limit_since is None:
            if self._limit_reached(simulation):
                self._limit_since = time.perf_counter()
        elif time.perf_counter() - self._limit_since > ROUND_SECONDS:
            raise CutShort(self._limit_reached(simulation))

    def _book(self, end: RoundEnd, line: dict[str, Any]) -> None:
        """Record a round, or compare it with the journal where the run that is resumed was there already."""
        number, digest = end.mark.round_index, end.digest.hex()
        known = self._journaled.get(number)
        if known is None:
            self._record.round(end, line)
        elif known != digest:
            raise RuntimeFailure(f"round {number} was replayed with digest {digest}, its journal has {known}")

    def _cut_is_due(self, now: float, over: bool) -> bool:
        runtime, rounds = self._settings.runtime, self._results.state.rounds
        by_rounds = runtime.snapshot_every_rounds is not None and rounds % runtime.snapshot_every_rounds == 0
        by_time = runtime.snapshot_every_seconds is not None and now - self._cut_at > runtime.snapshot_every_seconds
        return (by_rounds or by_time or over) and rounds < self._settings.training.rounds

    def _cut(self, simulation: SurvivingSimulation) -> None:
        """Make a cut: in memory, for lost hosts, and on the disk, for a lost driver."""
        self._record.require_held()
        config = self._record.config
        rounds, results = self._results.state.rounds, self._results.snapshot()
        cut = Cut(rounds, simulation.cut(), results, self._wall_seconds(), tuple(self._faults))
        self._cut_at = time.perf_counter()
        if self._versions is None:
            self._versions = versions(config)
        content = snapshot_of(config, self._versions, self._record.run, cut)
        try:
            if self._place is not None:
                self._place.require_held()
            self._snapshots.write(cut.rounds, content, self._kept)
        except LockLost as lost:
            raise RuntimeFailure(f"{lost}; {resume_override(self._record.folder)} goes on with the run") from None
        except OSError as error:
            if self._can_write_snapshots:
                where = f" ({error.filename})" if error.filename else ""
                text = f"snapshots cannot be written, the run goes on without: {error.strerror}{where}"
                self._record.progress.say(text)
                self._record.note("warning", {"text": text})
            self._can_write_snapshots = False
        else:
            self._can_write_snapshots = True

    def _survived(self, interruption: Interruption, fault: Fault) -> None:
        """Write down a fault, after which hosts are made anew; raise RuntimeFailure where the run is ending anyway."""
        if interruption.requested:
            raise RuntimeFailure(fault.cause)
        entry = asdict(fault)
        self._watch.note_fault()
        self._faults.append(entry)
        self._record.note("fault", entry)
        again = f"its hosts are built again and replayed from round {fault.replayed_from}"
        self._record.progress.say(f"{fault.cause}; {again}")

    def _wall_seconds(self) -> float:
        return self._wall_before + time.perf_counter() - self._started

    def _limit_reached(self, simulation: Simulation | None = None) -> str:
        """Say which limit of `stop.*` has been passed, by whole rounds or, of a simulation within one, up to now."""
        books = self._results.state
        generated, simulated = int(books.counts[:, GENERATED].sum()), books.simulated_seconds
        if simulation is not None:
            progress = progress_of(simulation)
            generated += 0 if progress is None else progress.pairs
            simulated = max(simulated, 0.0 if simulation.now == FOREVER else seconds(simulation.now))
        return limit_reached(
            self._settings.stop,
            wall_seconds=time.perf_counter() - self._started,
            simulated_seconds=simulated,
            bell_pairs=generated,
        )

    def _finish(self, status: Status, cause: str) -> Status:
        if status == "completed":
            status, cause = self._compared()
        self._record.settle(status)
        summary = self._write_end(status, cause)
        self._record.close(summary, self._ended_at)
        self._ended(summary, self._record.folder)
        return status

    def _write_end(self, status: Status, cause: str) -> dict[str, Any]:
        """Write the files that every run leaves, however it ends; return the summary."""
        self._record.require_held()
        results, world, links = self._results, self._world, self._settings.links
        write_model(self._record.folder, world, results.state.parameters)
        network = network_values(world.outline.blueprint.network, results.link_books)
        write_json(self._record.folder / NETWORK, network)
        summary = results.summary(
            status,
            {
                **self._code,
                "runtime": self._settings.runtime.name,
                "machines": self._cluster.machines,
                "hosts": self._cluster.hosts,
                "key_bits": {"distilled": int(results.key_bits_distilled), "spent": results.key_bits_spent},
                "wall_seconds": self._wall_seconds(),
                "faults": self._faults,
                "logistic_regression_accuracy": logistic_regression_accuracy(world.data),
                **self._reference,
                "links_profile": links.profile,
                "links_demonstrated": links.demonstrated,
                "cause": cause,
                "mlflow_run_id": self._record.mlflow_run_id,
            },
        )
        write_json(self._record.folder / "summary.json", summary)
        ended = self._record.note("ended", {"status": status, "cause": cause, "trace_digest": summary["trace_digest"]})
        self._ended_at = float(ended["time"])
        return summary


def _remedy(lost: LockLost) -> str:
    """Return how a run goes on whose folder was lost; empty where nothing is left of it."""
    if lost.is_deleted:
        return ""
    how = "resume=FOLDER" if lost.folder is None else resume_override(lost.folder)
    return f"; {how} goes on with it"
