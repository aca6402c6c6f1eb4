"""One run: from settings to a run folder with its summary."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from ceas_ray.config.conf_path import conf_directory
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.errors import SimulationError
from ceas_ray.kernel.streams import Streams
from ceas_ray.kernel.windows import RoundEnd
from ceas_ray.quantum.qiskit_export import export, to_openqasm3
from ceas_ray.runs.folder import (
    MLFLOW_STATUS,
    claimed,
    digests_of,
    flat,
    journal_of,
    metrics_of,
    settings_text,
    wanted_folder,
)
from ceas_ray.runs.forecast import forecast
from ceas_ray.runs.provenance import code_version
from ceas_ray.runs.results import Results
from ceas_ray.runs.resume import (
    Cut,
    Resumed,
    refuse_snapshots_of_others,
    resumed,
    snapshot_folder,
    snapshot_of,
    versions,
)
from ceas_ray.runs.tolerance_warnings import warnings_of
from ceas_ray.runs.tracking_choice import with_absolute_uri
from ceas_ray.runtime.available_cpus import available_cpus
from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.runtime.interruption import INTERRUPTED, Interruption
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.runtime.placement import Machine, automatic_hosts
from ceas_ray.runtime.recovery import Fault, SurvivingSimulation
from ceas_ray.tracking.console import RunProgress, print_table
from ceas_ray.tracking.files import Journal, write_json, write_whole
from ceas_ray.tracking.timeline import Timeline
from ceas_ray.training.centralized import CentralizedTraining, Momentum, accuracy_on_test
from ceas_ray.training.datasets import logistic_regression_accuracy
from ceas_ray.training.learning_rate import LearningRate
from ceas_ray.world.builder import Outline, World, build_world, outline_world
from ceas_ray.world.inputs import targets_of, with_inputs
from ceas_ray.world.model import loss_of

COMPLETED, FAILED, BAD_SETTINGS, STALLED = 0, 1, 2, 3


@dataclass(frozen=True)
class _Place:
    """What a cluster turned out to be."""

    cluster: Any
    hosts: int
    rebuild: Callable[[], None] | None = None

    @property
    def machines(self) -> list[str]:
        return list(self.cluster.machines)

    def simulation(self, told: Callable[[Fault], None]) -> SurvivingSimulation:
        """A simulation on it; hosts on Ray can be lost and made anew."""
        return SurvivingSimulation(self.cluster, self.rebuild, told)


def execute(config: Mapping[str, Any], number: int | None, interruption: Interruption) -> int:
    """Check, build and run one job (`number` in a sweep); returns the exit code.

    Raises SettingsError for bad settings, and RuntimeFailure if the cluster cannot be had.
    """
    settings = build(RunSettings, config)
    config = with_absolute_uri(config)
    settings = build(RunSettings, config)
    if settings.resume is None and settings.runtime.snapshot_folder is not None:
        config = _with_own_snapshot_folder(config, settings.runtime.snapshot_folder, number)
        settings = build(RunSettings, config)
    if settings.study.name is not None:
        raise SettingsError("study.name", "null for a training run", settings.study.name)
    snapshot_folder(settings, Path())  # refuses before anything is made
    if settings.dry_run:
        _print_forecast(settings)
        _print_warnings(settings)
        return COMPLETED
    world = build_world(settings)
    if settings.verify is not None:
        return _verify(settings, world, Path(settings.verify))
    if settings.resume is not None:
        folder = Path(settings.resume)
        found = resumed(settings, config, folder)
    else:
        folder, found = wanted_folder(settings, number), None
        refuse_snapshots_of_others(settings, folder)
    with _cluster(settings, world) as place:
        if found is None:
            folder = claimed(folder, settings.output is None, "journal.jsonl")
        return _Run(settings, with_inputs(config, world.inputs), world, place, folder, found).go(interruption)


def _with_own_snapshot_folder(config: Mapping[str, Any], chosen: str, number: int | None) -> dict[str, Any]:
    """The settings of a new run name the folder so that it is found from anywhere; each job of a sweep has its own."""
    where = chosen if "://" in chosen else str(Path(chosen).absolute())
    own = where if number is None else f"{where.rstrip('/')}_{number}"
    return dict(config) | {"runtime": config["runtime"] | {"snapshot_folder": own}}


def _verify(settings: RunSettings, world: World, folder: Path) -> int:
    """Replay the run in `folder` and compare it round by round; says the first difference and returns the exit code."""
    wanted = digests_of(journal_of(folder, "verify"))
    if not wanted:
        raise SettingsError("verify", "the folder of a run with a round in its journal", str(folder))
    compared = 0
    with _cluster(settings, world) as place:
        for end in place.simulation(lambda fault: print(fault.cause, file=sys.stderr)).rounds():
            number, found = end.mark.round_index, end.digest.hex()
            if wanted.get(number) != found:
                print(f"round {number} differs: digest {found} instead of {wanted.get(number)}", file=sys.stderr)
                return FAILED
            compared += 1
            if compared == len(wanted):
                break
    if compared < len(wanted):
        print(f"the replay ended after {compared} rounds, the run in {folder} has {len(wanted)}", file=sys.stderr)
        return FAILED
    print(f"the same: {compared} rounds of {folder}")
    return COMPLETED


@contextmanager
def _cluster(settings: RunSettings, world: World) -> Iterator[_Place]:
    runtime = settings.runtime
    if runtime.name == "local":
        hosts = world.one_host()
        for host in hosts:
            host.measure_work_with(time.perf_counter)
        if settings.timeline:
            hosts[0].record_events()
        yield _Place(LocalCluster(hosts, os.uname().nodename), 1)
        return
    from ceas_ray.runtime.ray_runtime import RayCluster, ray_cluster

    with ray_cluster(runtime.address, available_cpus(), runtime.dashboard, runtime.allow_open_cluster) as machines:
        count = runtime.processor_hosts or automatic_hosts(machines, settings.processors.count)
        hosts = world.hosts(count, runtime.link_hosts)
        if settings.timeline:
            for host in hosts:
                host.record_events()
        cluster = RayCluster(hosts, runtime.allow_mixed_hosts, runtime.hang_seconds)
        if not settings.quiet and runtime.address is not None:
            _print_plan(cluster.plan, runtime.hang_seconds)
        yield _Place(cluster, len(hosts), cluster.rebuild)


def _print_plan(plan: Mapping[str, Machine], hang_seconds: float) -> None:
    on: dict[str, list[str]] = {}
    for host, machine in plan.items():
        on.setdefault(f"{machine.name} ({machine.processors:g} CPUs)", []).append(host)
    rows = {machine: ", ".join(hosts) for machine, hosts in sorted(on.items())}
    rows["a lost host or machine is noticed"] = f"within about {hang_seconds + 2:g} s, whatever the cluster's settings"
    print_table("Where the hosts run", rows)


class _Run:
    """A run that has its cluster and its folder."""

    def __init__(
        self, settings: RunSettings, config: dict[str, Any], world: World, place: _Place, folder: Path,
        found: Resumed | None,
    ) -> None:  # fmt: skip
        """found: where to go on with the run in `folder`; None for a new one."""
        self._settings, self._config, self._world = settings, config, world
        self._about: dict[str, Any] = {"git_commit": None, "git_dirty": None}
        self._place, self._folder = place, folder
        self._results = Results(settings, world)
        self._started = self._cut_at = time.perf_counter()
        self._wall_before = 0.0
        self._faults: list[dict[str, Any]] = []
        self._progress = RunProgress(settings.training.rounds, settings.quiet)
        self._journal = _journal(folder, self._progress.say)
        self._found = found
        self._journaled = {} if found is None else digests_of(found.journal)
        self._timeline = Timeline(folder / "timeline.json", self._progress.say) if settings.timeline else None
        self._tracker = self._make_tracker()
        self._unsent: list[tuple[int, dict[str, float]]] = []
        self._versions: dict[str, str] | None = None
        self._snapshots, self._can_write_snapshots = snapshot_folder(settings, folder), True

    def go(self, interruption: Interruption) -> int:
        """Run all rounds; whatever happens, the folder and MLflow hold what was done."""
        status, code, cause = "completed", COMPLETED, ""
        with self._progress:
            try:
                commit, dirty = git_state()
                self._about = {"git_commit": commit, "git_dirty": dirty}
                self._begin() if self._found is None else self._go_on(self._found)
                with interruption.deferred(lambda: self._write_end("interrupted", "")):
                    self._rounds(interruption)
                if self._results.stalled:
                    status, code, cause = "stalled", STALLED, self._results.cause
                elif self._results.rounds < self._settings.training.rounds:
                    status = "stopped"  # a budget of stop.* was reached
            except KeyboardInterrupt:
                status, code = "interrupted", INTERRUPTED
            except (SimulationError, RuntimeFailure) as error:
                status, code, cause = "failed", FAILED, str(error)
        try:
            try:
                self._finish(status, cause)
            except KeyboardInterrupt:
                code = INTERRUPTED
                self._finish("interrupted", "")
        except OSError as error:
            print(f"{self._folder}: the end of the run could not be written: {error.strerror}", file=sys.stderr)
            return code or FAILED
        return code

    def _begin(self) -> None:
        text = settings_text(self._config)
        write_whole(self._folder / "settings.yaml", text.encode())
        settings_hash = blake2b(text.encode(), digest_size=8).hexdigest()
        about = {"settings_hash": settings_hash, "seed": self._settings.seed}
        about |= {"code": code_version(targets_of(self._config).values()), "inputs": self._world.inputs.digests}
        self._journal.append("started", about | self._about)
        _print_warnings(self._settings)
        for warning in warnings_of(self._settings):
            self._journal.append("warning", {"text": warning})
        for line in self._world.inputs.said:
            self._progress.say(line)
            self._journal.append("note", {"text": line})
        if self._tracker is not None:
            tags = {"git_commit": str(commit) if (commit := self._about["git_commit"]) else "None"}
            self._tracker.start(self._folder.name, flat(self._config), tags | {"settings_hash": settings_hash})
            self._note_tracker()

    def _go_on(self, found: Resumed) -> None:
        for line in found.said:
            self._progress.say(line)
            self._journal.append("warning", {"text": line})
        rounds = 0 if found.cut is None else found.cut.rounds
        self._journal.append("resumed", {"from_round": rounds, "rounds_before": len(self._journaled)} | self._about)
        self._progress.say(f"going on with {self._folder} after round {rounds}")
        if found.cut is not None:
            self._results.restore(found.cut.results)
            self._wall_before = found.cut.wall_seconds
            self._faults = [dict(fault) for fault in found.cut.faults]
        if self._tracker is not None:
            run_id = next((line["run_id"] for line in found.journal[::-1] if line["event"] == "mlflow"), None)
            if run_id is None:
                self._tracker.start(self._folder.name, flat(self._config), {})
                self._note_tracker()
            else:
                self._tracker.go_on(str(run_id))
            rounds_before = [line for line in found.journal if line["event"] == "round"]
            self._unsent = [(line["round"], metrics_of(line)) for line in rounds_before]

    def _note_tracker(self) -> None:
        assert self._tracker is not None
        if self._tracker.run_id is not None:
            self._journal.append("mlflow", {"run_id": self._tracker.run_id, "uri": self._tracker.uri})

    def _rounds(self, interruption: Interruption) -> None:
        results = self._results
        simulation = self._place.simulation(self._survived)
        if self._found is not None and self._found.cut is not None:
            simulation.restore(self._found.cut.simulation, self._found.cut.rounds)
        before = time.perf_counter()
        for end in simulation.rounds():
            line = results.take(end)
            now = time.perf_counter()
            line["wall_seconds"] = now - before
            before = now
            self._book(end, line)
            if results.stalled:
                break
            self._progress.show(results.rounds, line.get("accuracy"), line["utilization"])
            if len(self._unsent) >= 25:
                self._send()
            interrupted = interruption.requested
            over = self._over(now) or interrupted
            if self._cut_is_due(now, over):
                self._cut(simulation)
            if interrupted:
                raise KeyboardInterrupt
            if over:
                break

    def _book(self, end: RoundEnd, line: dict[str, Any]) -> None:
        """Into the journal, or compare with it where the run that is resumed was there already."""
        number, digest = end.mark.round_index, end.digest.hex()
        known = self._journaled.get(number)
        if known is None:
            self._journal.append("round", line)
            self._note_alarms(end)
            self._unsent.append((number, metrics_of(line)))
            if self._timeline is not None:
                self._timeline.append(end)
        elif known != digest:
            raise RuntimeFailure(f"round {number} was replayed with digest {digest}, its journal has {known}")

    def _note_alarms(self, end: RoundEnd) -> None:
        """Say who met with more forged tags than a hash key stands."""
        for observation in end.observations:
            if observation.name == "forgeries":
                said = dict(observation.values)
                self._journal.append("alarm", {"round": end.mark.round_index, **said})
                self._progress.say(
                    f"alarm: {said['receiver']} refused {said['failed_attempts']} forged frames in the name of "
                    f"{said['sender']} under one hash key"
                )

    def _cut_is_due(self, now: float, over: bool) -> bool:
        rounds, every = self._settings.runtime, self._results.rounds
        by_rounds = rounds.snapshot_every_rounds is not None and every % rounds.snapshot_every_rounds == 0
        by_time = rounds.snapshot_every_seconds is not None and now - self._cut_at > rounds.snapshot_every_seconds
        return (by_rounds or by_time or over) and every < self._settings.training.rounds

    def _cut(self, simulation: SurvivingSimulation) -> None:
        """A cut in memory, for lost hosts, and on the disk, for a lost driver."""
        cut = Cut(
            self._results.rounds, simulation.cut(), self._results.snapshot(), self._wall_seconds(), tuple(self._faults)
        )
        self._cut_at = time.perf_counter()
        if self._versions is None:
            self._versions = versions(self._config)
        try:
            self._snapshots.write(cut.rounds, snapshot_of(self._config, self._versions, cut))
        except OSError as error:
            if self._can_write_snapshots:
                text = f"snapshots cannot be written, the run goes on without: {error.strerror} ({error.filename})"
                self._progress.say(text)
                self._journal.append("warning", {"text": text})
            self._can_write_snapshots = False
        else:
            self._can_write_snapshots = True

    def _survived(self, fault: Fault) -> None:
        entry = asdict(fault)
        self._faults.append(entry)
        self._journal.append("fault", entry)
        self._progress.say(f"{fault.cause}; its hosts are built again and replayed from round {fault.replayed_from}")

    def _wall_seconds(self) -> float:
        return self._wall_before + time.perf_counter() - self._started

    def _over(self, now: float) -> bool:
        stop = self._settings.stop
        wall = stop.wall_seconds is not None and now - self._started > stop.wall_seconds
        simulated = stop.simulated_seconds is not None and self._results.simulated_seconds > stop.simulated_seconds
        return wall or simulated

    def _send(self) -> None:
        if self._tracker is not None:
            self._tracker.log_rounds(self._unsent)
        self._unsent = []

    def _make_tracker(self) -> Any:
        choice = self._settings.tracking
        if not choice.mlflow:
            return None
        from ceas_ray.tracking.mlflow_tracker import MlflowTracker

        return MlflowTracker(choice.uri, self._folder.parent, choice.experiment_name, self._progress.say)

    def _finish(self, status: str, cause: str) -> None:
        summary = self._write_end(status, cause)
        self._journal.close()
        if self._timeline is not None:
            self._timeline.close()
        if self._tracker is not None:
            self._send()
            files = [self._folder / name for name in ("settings.yaml", "summary.json", "model.npz", "model.qasm")]
            self._tracker.finish(MLFLOW_STATUS[status], {"trace_digest": summary["trace_digest"]}, files)
        if cause:
            print(f"{status}: {cause}", file=sys.stderr)
        _print_summary(summary)
        if status == "interrupted":
            print(f"interrupted; this goes on: {_command()} {_resume_override(self._folder)}", file=sys.stderr)
        print(self._folder / "summary.json")

    def _write_end(self, status: str, cause: str) -> dict[str, Any]:
        """The files that every run leaves, however it ends; returns the summary."""
        results = self._results
        content = io.BytesIO()
        np.savez(content, parameters=results.parameters)
        write_whole(self._folder / "model.npz", content.getvalue())
        tracker_id = None if self._tracker is None else self._tracker.run_id
        summary = results.summary(
            status,
            {
                **self._about,
                "runtime": self._settings.runtime.name,
                "machines": self._place.machines,
                "hosts": self._place.hosts,
                "key_bits": {"distilled": int(results.key_bits_distilled), "spent": results.key_bits_spent},
                "wall_seconds": self._wall_seconds(),
                "faults": self._faults,
                "logistic_regression_accuracy": logistic_regression_accuracy(self._world.data),
                "centralized_accuracy": self._centralized_accuracy() if status == "completed" else None,
                "links_profile": self._settings.links.profile,
                "links_demonstrated": self._settings.links.demonstrated,
                "cause": cause,
                "mlflow_run_id": tracker_id,
            },
        )
        write_json(self._folder / "summary.json", summary)
        self._journal.append("ended", {"status": status, "cause": cause, "trace_digest": summary["trace_digest"]})
        program = to_openqasm3(export(self._world.circuit, results.parameters))
        write_whole(self._folder / "model.qasm", program.encode())
        return summary

    def _centralized_accuracy(self) -> float:
        """Of the same model and optimiser in one process: all data, exact gradients, no noise, no pairs."""
        training, world = self._settings.training, self._world
        rate = LearningRate(
            training.learning_rate, training.final_learning_rate, training.learning_rate_schedule, training.rounds
        )
        train = CentralizedTraining(world.circuit, loss_of(training), Momentum(training.momentum), rate)
        start = world.initial_parameters
        found = train(world.data, start, Streams(self._settings.seed).generator("model", "model", "centralized", 0))
        return accuracy_on_test(world.circuit, found, world.data)


def _command() -> str:
    """How this process was started, as a shell takes it."""
    started = sys.argv[0]
    if Path(started).suffix == ".py":
        return f"{shlex.quote(sys.executable)} -m ceas_ray.cli.run"
    return "ceas-ray" if shutil.which("ceas-ray") == started else shlex.quote(started)


def _resume_override(folder: Path) -> str:
    """The override that goes on with a run, quoted for Hydra and for the shell where its name needs it."""
    name = str(folder)
    plain = re.fullmatch(r"[A-Za-z0-9_./-]+", name)
    quoted = name.replace("\\'", "\\\\'").replace("'", "\\'")
    return shlex.quote(f"resume={name}" if plain else f"resume='{quoted}'")


def _journal(folder: Path, warn: Callable[[str], None]) -> Journal:
    try:
        return Journal(folder / "journal.jsonl", warn)
    except BlockingIOError as error:
        lock = "" if error.filename is None else f" ({error.filename}.lock is there: delete it if that run is over)"
        raise SettingsError("resume", f"a run that nobody else runs at this moment{lock}", str(folder)) from None


def git_state() -> tuple[str | None, bool | None]:
    """The commit that the code is from, and whether it was changed since; None outside of a checkout."""
    try:
        return _git("rev-parse", "HEAD"), bool(_git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return None, None


def _git(*words: str) -> str:
    command = ["git", "-C", str(conf_directory().parent), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()


def _print_warnings(settings: RunSettings) -> None:
    for warning in warnings_of(settings):
        print(warning, file=sys.stderr)


def _print_forecast(settings: RunSettings) -> None:
    world = outline_world(settings)
    for line in world.said:
        print(line, file=sys.stderr)
    found = forecast(settings, world)
    print_table(
        "A run of these settings (forecast; nothing was started)",
        {
            "links": f"{settings.links.profile} ({'demonstrated' if settings.links.demonstrated else 'projected'})",
            "processors": _parties(settings, world),
            "Bell pairs used per round": round(found.pairs),
            "key bits distilled per round": round(found.key_bits),
            "simulated seconds, warm-up": found.warm_up_seconds,
            "simulated seconds per round": found.round_seconds,
            "simulated seconds in all": found.simulated_seconds,
            "wall seconds (one core, local)": found.wall_seconds,
            "memory (local), MB": round(found.memory_bytes / 2**20),
        },
    )


def _parties(settings: RunSettings, world: Outline) -> str:
    """Who runs a circuit, and what a shot of it costs."""
    circuit, groups = world.shared_circuit, world.network.groups
    if groups:
        who = f"{len(groups)} groups of {len(groups[0].members)} share a circuit"
        return f"{who} ({settings.training.partition}), {circuit.pairs_within} end-to-end pairs a shot"
    pairs = 0 if circuit.reuploaded else circuit.qubits
    return f"{settings.processors.count}, {pairs} pairs a shot"


def _print_summary(summary: Mapping[str, Any]) -> None:
    pairs = summary["bell_pairs"]
    print_table(
        f"{summary['status']} after {summary['rounds']} rounds",
        {
            "test accuracy": summary["test_accuracy"],
            "chance accuracy": summary["chance_accuracy"],
            "centralized, without noise": summary["centralized_accuracy"],
            "logistic regression": summary["logistic_regression_accuracy"],
            "Bell pairs generated": pairs["generated"],
            "used: training, keys, tests": " + ".join(str(n) for n in pairs["used"].values()),
            "utilization (net, training)": f"{summary['bell_pair_utilization']:.3f} "
            f"({summary['bell_pair_utilization_net']:.3f}, {summary['bell_pair_utilization_training']:.3f})",
            "shots on time": summary["demand_on_time"],
            "mean contrast at use": summary["mean_contrast"],
            "simulated seconds": summary["simulated_seconds"],
            "decisions, view changes": f"{summary['decisions']}, {summary['view_changes']}",
            "key bits distilled, spent": f"{summary['key_bits']['distilled']}, {summary['key_bits']['spent']}",
            "links": f"{summary['links_profile']}",
            "runtime, hosts, windows": f"{summary['runtime']}, {summary['hosts']}, {summary['windows']}",
            "wall seconds": summary["wall_seconds"],
            "digest": summary["trace_digest"],
        },
    )
