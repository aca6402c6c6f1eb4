"""The explorer of consensus: scenarios by count or time on all cores, planted bugs, all small states, and replays."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from statistics import median

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ceas_ray.consensus.exploration.abstract_model import AbstractModel
from ceas_ray.consensus.exploration.campaign import CampaignReport, explore
from ceas_ray.consensus.exploration.chart import chart_of
from ceas_ray.consensus.exploration.kinds import KINDS, ScenarioKind
from ceas_ray.consensus.exploration.planted.catalogue import PLANTED_BUGS
from ceas_ray.consensus.exploration.planted.comparison import HARDEST, SOUGHT, compare_all
from ceas_ray.consensus.exploration.planted.hunt import Hunted, hunt_all
from ceas_ray.runtime.available_cpus import available_cpus
from ceas_ray.runtime.interruption import INTERRUPTED, answered, leave_signals_to_parent

COMPARED_SCENARIOS = 20_000
"""Number of scenarios after which a search of `--compare` is given up."""


def main(words: list[str] | None = None) -> int:
    """Explore, and return the exit code: 0 without a violation, 1 with violations (each is printed with its seed),
    2 for bad arguments, 130 if interrupted.
    """
    parser = _parser()
    chosen = parser.parse_args(words)
    return answered(lambda _: _explore(parser, chosen))


def _explore(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> int:
    if chosen.replay is not None:
        told = chart_of(chosen.replay)
        print(told)
        return 0 if told.endswith("no violation") else 1
    if chosen.exhaustive:
        return _exhaustive()
    seconds = chosen.hours * 3600 if chosen.hours is not None else chosen.seconds
    seconds = 60.0 if seconds is None and chosen.scenarios is None else seconds
    if chosen.processes < 1 or chosen.first < 0 or (seconds or 1) <= 0 or (chosen.scenarios or 1) < 1:
        parser.error("--processes, --scenarios, --seconds and --hours must be positive, --first not negative")
    if chosen.compare is not None:
        bugs = tuple(name for name in SOUGHT if chosen.compare in name) if chosen.compare else HARDEST
        if not bugs or chosen.searches < 1:
            parser.error(
                f"--compare: no planted bug that is searched for is named like {chosen.compare!r}, or no searches"
            )
        return _compare(bugs, chosen)
    if chosen.planted is not None:
        if not any(chosen.planted in bug.name for bug in PLANTED_BUGS):
            parser.error(f"--planted: no planted bug is named like {chosen.planted!r}")
        return _planted(chosen.planted, chosen.processes, chosen.json)
    only = next((kind for kind in KINDS if str(kind) == chosen.only), None)
    return _campaign(
        first=chosen.first,
        processes=chosen.processes,
        scenarios=chosen.scenarios,
        seconds=seconds,
        only=only,
        as_json=chosen.json,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/explore", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, help="how long (default 60, if nothing else limits it)")
    parser.add_argument("--hours", type=float, help="how long, in hours")
    parser.add_argument("--scenarios", type=int, help="how many scenarios")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default 0); of --compare: of searches")
    parser.add_argument("--only", choices=[str(kind) for kind in KINDS], metavar="KIND", help="as the table names it")
    parser.add_argument("--processes", type=int, default=available_cpus(), help="default: one for each core")
    parser.add_argument("--replay", type=int, metavar="SEED", help="show one scenario as a sequence chart")
    parser.add_argument("--exhaustive", action="store_true", help="all states of the abstract model, n = 4, 2 views")
    planted = "plant each known bug (whose name contains WORDS), and show what catches it, after how many scenarios"
    parser.add_argument("--planted", nargs="?", const="", metavar="WORDS", help=planted)
    compare = "search for planted bugs (those whose names contain WORDS) at random and guided by abstract states"
    parser.add_argument("--compare", nargs="?", const="", metavar="WORDS", help=f"{compare}; default: the hardest five")
    parser.add_argument("--searches", type=int, default=5, help="of --compare: searches for each bug (default 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON line in place of the table")
    return parser


def _exhaustive() -> int:
    broken = 0
    for values, symmetric in ((2, True), (2, False), (3, True)):
        started = time.perf_counter()
        found = AbstractModel(4, 2, values).explore(symmetric)
        name = "up to symmetry" if symmetric else "all"
        broken += found.disagreements + found.not_live
        broken_states = f"{found.disagreements} with two decisions, {found.not_live} not live after the calm"
        seconds = time.perf_counter() - started
        print(f"n = 4, 2 views, {values} values, {name}: {found.states} states, {broken_states}; {seconds:.1f} s")
    return 1 if broken else 0


def _campaign(
    *,
    first: int,
    processes: int,
    scenarios: int | None,
    seconds: float | None,
    only: ScenarioKind | None,
    as_json: bool,
) -> int:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    bar = Progress(*columns, TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal)
    started = time.perf_counter()
    task = bar.add_task("scenarios", total=scenarios or seconds)

    def progress(report: CampaignReport) -> None:
        elapsed, done = time.perf_counter() - started, report.total.scenarios
        state = f"{done} scenarios, {done / elapsed:.0f} a second, {len(report.failures)} violations"
        bar.update(task, completed=done if scenarios else elapsed, description=state)

    with bar:
        report = explore(
            first=first,
            processes=processes,
            scenarios=scenarios,
            seconds=seconds,
            progress=progress,
            only=only,
            begin_worker=leave_signals_to_parent,
        )
    _show(report, wall=time.perf_counter() - started, processes=processes, first=first, as_json=as_json)
    return INTERRUPTED if report.interrupted else int(bool(report.failures))


def _planted(words: str, processes: int, as_json: bool) -> int:
    table = Table("planted bug", "caught by", title="Each bug weakens one rule", title_justify="left")
    console, every = Console(stderr=True), []
    with console.status("hunting") as status:
        for hunted in hunt_all(words, processes, leave_signals_to_parent):
            every.append(hunted)
            table.add_row(hunted.bug, _catches(hunted))
            status.update(f"{len(every)} planted bugs hunted")
    missed = [hunted.bug for hunted in every if not hunted.catches]
    if as_json:
        told = [{"bug": bug, "caught": [catch._asdict() for catch in catches]} for bug, catches in every]
        print(json.dumps({"planted": told, "not_caught": missed}))
    else:
        Console().print(table)
        print(f"{len(every) - len(missed)} of {len(every)} planted bugs are caught")
    return 1 if missed else 0


def _compare(bugs: tuple[str, ...], chosen: argparse.Namespace) -> int:
    limit = chosen.scenarios or COMPARED_SCENARIOS
    title = f"Scenarios until a planted bug is found: median (range) of {chosen.searches} searches of at most {limit:,}"
    table = Table("planted bug", "at random", "guided", "ratio", title=title, title_justify="left")
    searches = compare_all(
        bugs, searches=chosen.searches, limit=limit, first=chosen.first, processes=chosen.processes,
        begin_worker=leave_signals_to_parent,
    )  # fmt: skip
    with Console(stderr=True).status("searching"):
        for compared in searches:
            if chosen.json:
                print(json.dumps(asdict(compared)), flush=True)
            told = (_scenarios(of, compared.found(of)) for of in (compared.random, compared.guided))
            table.add_row(compared.bug, *told, f"{compared.ratio:.2f}")
    if not chosen.json:
        Console().print(table)
        print("a search that found nothing counts with all its scenarios; ratio: of the medians, random over guided")
    return 0


def _scenarios(scenarios: tuple[int, ...], found: int) -> str:
    return f"{median(scenarios):,.0f} ({scenarios[0]:,} to {scenarios[-1]:,}), {found} found it"


def _catches(hunted: Hunted) -> str:
    catches = [f"{catch.explorer}: scenario {catch.scenarios} ({catch.invariant})" for catch in hunted.catches]
    return "\n".join(catches) or "NOT CAUGHT"


def _show(report: CampaignReport, *, wall: float, processes: int, first: int, as_json: bool) -> None:
    failures = sorted(report.failures, key=lambda failure: failure.seed)
    rows = [(str(kind), report.by_kind[kind]) for kind in KINDS if kind in report.by_kind]
    rows.append(("all", report.total))
    if as_json:
        kinds = {
            name: {"scenarios": tally.scenarios, "per_second_and_core": round(tally.per_second, 1),
                   "mean_events": round(tally.mean_events, 1)}
            for name, tally in rows
        }  # fmt: skip
        print(json.dumps({
            "first_seed": first, "next_seed": report.next_seed, "interrupted": report.interrupted,
            "processes": processes, "wall_seconds": round(wall, 1), "kinds": kinds, "outcomes": report.outcomes.hex(),
            "violations": [{"seed": failure.seed, "what": failure.violation} for failure in failures],
        }))  # fmt: skip
        return
    table = Table(title=f"{wall:.0f} s on {processes} processes, from seed {first}", title_justify="left")
    for name in ("kind", "scenarios", "a second and core", "events each"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for name, tally in rows:
        table.add_row(name, str(tally.scenarios), f"{tally.per_second:.0f}", f"{tally.mean_events:.0f}")
    Console().print(table)
    for failure in failures:
        print(f"VIOLATION, seed {failure.seed}: {failure.violation}; see it: scripts/explore --replay {failure.seed}")
    print(f"{len(failures)} violations" if failures else "no violation")
    print(f"{'interrupted; go' if report.interrupted else 'go'} on: scripts/explore --first {report.next_seed}")


if __name__ == "__main__":
    sys.exit(main())
