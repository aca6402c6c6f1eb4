"""The study of Bell-pair schedulers: regimes R0 to R4, and coherence time x rate, every scheduler, with bounds. Ours.

Each cell is one link (R4: 50 links that share a hub's channels) and one scheduler on several seeds; all schedulers of a
regime meet the same demand and the same draws. `two_level` gets the limits that are best in J on seeds of their own,
under the constraints that `mdp` has, where any limits meet them; `two_level_free` and `mdp_free` go for J alone. Times
are in shot periods.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from ceas_ray.kernel.streams import Streams
from ceas_ray.links.consumers.shared_shots import Channels, serve_shared_shots
from ceas_ray.links.consumers.shot_demand import ShotDemand
from ceas_ray.links.consumers.shots import serve_shots
from ceas_ray.links.consumers.stock import read_only, stock_rule
from ceas_ray.links.engine.route import RouteModel, RouteRules, RouteState
from ceas_ray.messages.pair_books import GENERATED, TRAINING, USED
from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.network.route import Swapping
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.contrast import attenuation_of_pairs, contrast, weight_profiles
from ceas_ray.quantum.gate_noise import noiseless
from ceas_ray.quantum.pair_physics import werner_of_fidelity
from ceas_ray.reports.intervals import half_widths
from ceas_ray.runtime.available_cpus import available_cpus
from ceas_ray.runtime.worker_pool import worker_pool
from ceas_ray.scheduling.bounds import coupled_objective_bound, objective_bound, on_time_bound
from ceas_ray.scheduling.channel_rule import GOING_ROUND, ChannelRule
from ceas_ray.scheduling.clairvoyant import Clairvoyant
from ceas_ray.scheduling.freshest_first import FreshestFirst
from ceas_ray.scheduling.linear_program import LinearProgram
from ceas_ray.scheduling.max_weight import MaxWeight
from ceas_ray.scheduling.mdp import Mdp
from ceas_ray.scheduling.measures import utilization
from ceas_ray.scheduling.oblivious import Oblivious
from ceas_ray.scheduling.on_demand import OnDemand
from ceas_ray.scheduling.perishable_chain import LinkClass
from ceas_ray.scheduling.scheduler import Scheduler
from ceas_ray.scheduling.two_level import TwoLevel
from ceas_ray.studies.utilization.regimes import FIDELITY, PERIOD, Regime

SHOTS_PER_ROUND = 1024
WASTE_PRICE, MIN_UTILIZATION, MIN_ON_TIME = 0.2, 0.95, 0.99
TUNING_SEEDS = (1001, 1002)
ALLOCATIONS_PER_PERIOD = 10
SWAP_WERNER = 0.98
GAP_LIMITS, BURST_LIMITS = (0, 1, 2, 3), (6, 8, 10, 12, 14, 16, 18, 24)


# --- one cell ----------------------------------------------------------


def _releases(regime: Regime, *, bursts: int, seed: int, link: int, grain: int) -> Any:
    """Return release times (shots,), ps, in multiples of `grain`."""
    generator = Streams(seed).generator("link", f"link/{link}", "demand", 0)
    gap = regime.gap * PERIOD
    gaps = np.full(bursts, gap) if regime.periodic else generator.exponential(gap, bursts)
    gaps = np.round(gaps / grain).astype(np.int64) * grain
    starts = np.cumsum(gaps) + np.arange(bursts) * regime.burst * PERIOD
    return (starts[:, None] + np.arange(regime.burst) * PERIOD).ravel()


def _demand(regime: Regime, releases: Any) -> ShotDemand:
    return ShotDemand(
        start=0, releases=read_only(releases), is_test=read_only(np.zeros(len(releases), bool)), pairs=regime.pairs,
        offset=0, deadline=PERIOD, slot=PERIOD, burst=regime.burst,
    )  # fmt: skip


def _rules(regime: Regime) -> RouteRules:
    return RouteRules(regime.slots, round(regime.useful_age * PERIOD), 0.0, corrected=True, stops=False)


def _link(regime: Regime, supply: float, seed: int, k: int) -> RouteState:
    """Return link k before its first attempt."""
    model = RouteModel.of([regime.link(supply)], Swapping(SWAP_WERNER))
    return RouteState(Streams(seed).generator("link", f"link/{k}", "pairs", 0), model, _rules(regime), 0)


def simulate(regime: Regime, policy: StockPolicy, seed: int, bursts: int) -> dict[str, float]:
    """Simulate one link under a policy; return its measures (`_measures`)."""
    releases = _releases(regime, bursts=bursts, seed=seed, link=0, grain=1)
    shots = len(releases)
    state = _link(regime, regime.supply, seed, 0)
    books, _ = serve_shots(state, stock_rule(policy, regime.slots), _demand(regime, releases))
    spent = books.werner[books.on_time]
    attenuation = attenuation_of_pairs(spent) if len(spent) else np.ones(regime.pairs + 1)
    fresh = SWAP_WERNER * float(werner_of_fidelity(FIDELITY))
    return {"precision": float(np.sum(np.mean(spent / fresh, axis=1) ** regime.pairs)) / shots} | _measures(
        regime,
        generated=books.counts[0, TRAINING, GENERATED],
        used=books.counts[0, TRAINING, USED],
        shots=shots,
        on_time=books.on_time.mean(),
        rounds=shots / SHOTS_PER_ROUND,
        length=releases[-1],
        attenuation=attenuation,
    )


def _measures(
    regime: Regime,
    *,
    generated: int,
    used: int,
    shots: int,
    on_time: float,
    rounds: float,
    length: int,
    attenuation: Any,
) -> dict[str, float]:
    """Return the measures of a simulation without tests: utilization gross and net are the same."""
    wasted = (generated - used) / (regime.pairs * shots)
    return {
        "utilization": utilization(used, generated),
        "utilization_net": utilization(used, generated),
        "on_time": float(on_time),
        "objective": float(on_time) - WASTE_PRICE * wasted,
        "rounds_per_simulated_second": rounds / (length * 1e-12),
        "contrast": contrast(_profile(regime.pairs), attenuation),
        "births": generated / shots,
    }


@lru_cache
def _profile(pairs: int) -> Any:
    """Return the weight profile of a noiseless circuit of this many qubits and 3 layers at random angles."""
    circuit = Circuit(pairs, 3, 1, entangler="cx", reuploaded=False)
    generator = Streams(1).generator("study", "study", "profile", 0)
    angles = generator.uniform(-np.pi / 2, np.pi / 2, (64, pairs))
    parameters = generator.uniform(-np.pi, np.pi, (16, circuit.parameter_count))
    return np.mean(weight_profiles(circuit, parameters, noiseless(16, circuit.qubits), [angles] * 16), axis=0)


# --- links that share channels ----------------------------------------------------------


def simulate_shared(
    regime: Regime,
    policies: list[StockPolicy],
    *,
    gains: list[Any],
    seed: int,
    bursts: int,
    rule: ChannelRule = GOING_ROUND,
) -> dict[str, float]:
    """Simulate all links of a coupled regime, one policy each. gains, rule: as of `serve_shared_shots`."""
    slot = PERIOD // ALLOCATIONS_PER_PERIOD
    number = regime.links
    releases = [_releases(regime, bursts=bursts, seed=seed, link=k, grain=slot) for k in range(number)]
    shots = len(releases[0])
    states = [_link(regime, supply, seed, k) for k, supply in enumerate(regime.supplies())]
    books, _ = serve_shared_shots(
        states,
        policies=[stock_rule(policy, regime.slots) for policy in policies],
        demands=[_demand(regime, of_link) for of_link in releases],
        gains=gains,
        channels=Channels(regime.channels, slot, rule),
    )
    generated, used = (sum(int(state.books[0, column]) for state in states) for column in (GENERATED, USED))
    werner = books.werner_sum.sum() / max(1, used)
    length = int(max(of_link[-1] for of_link in releases))
    rounds = shots / SHOTS_PER_ROUND
    attenuation = werner ** np.arange(regime.pairs + 1)
    found = _measures(
        regime,
        generated=generated,
        used=used,
        shots=shots * number,
        on_time=books.on_time.mean(),
        rounds=rounds,
        length=length,
        attenuation=attenuation,
    )
    return found | {"channels_refused": 1.0 - float(books.driven[0]) / max(1.0, float(books.asked[0]))}


_NO_GAIN = (np.zeros((0, 0, 0), np.float32), np.zeros((0, 0, 0), np.float32))


# --- schedulers ----------------------------------------------------------


Limits = tuple[int, int]


def best_limits(run: Callable[[StockPolicy, int], dict[str, float]], slots: int) -> tuple[TwoLevel, TwoLevel]:
    """Return the limits that are best on the tuning seeds, under the constraints and for J alone.

    Under the constraints: most J where limits meet both, else most on time where limits use enough, else most used.
    """
    constrained: list[tuple[int, float, Limits]] = []
    free: list[tuple[float, Limits]] = []
    for gap, burst in itertools.product(GAP_LIMITS, [limit for limit in BURST_LIMITS if limit <= slots]):
        scores = [run(StockPolicy(gap_limit=gap, burst_limit=burst, demand_driven=True), seed) for seed in TUNING_SEEDS]
        mean = {name: float(np.mean([score[name] for score in scores])) for name in scores[0]}
        free.append((mean["objective"], (gap, burst)))
        if mean["utilization"] < MIN_UTILIZATION:
            constrained.append((0, mean["utilization"], (gap, burst)))
        elif mean["on_time"] < MIN_ON_TIME:
            constrained.append((1, mean["on_time"], (gap, burst)))
        else:
            constrained.append((2, mean["objective"], (gap, burst)))
    return TwoLevel(*max(constrained)[2]), TwoLevel(*max(free)[1])


def _free(mdp: Mdp) -> Mdp:
    return replace(mdp, min_utilization=0.0, min_on_time=0.0)


def _cells(regime: Regime, mdp: Mdp, seeds: range, bursts: int) -> Iterator[dict[str, Any]]:
    """Yield one row per scheduler and seed, of a single link."""
    link = regime.link_class(regime.supply)
    tuned, free = best_limits(lambda policy, seed: simulate(regime, policy, seed, bursts), regime.slots)
    schedulers: dict[str, Scheduler] = {
        "oblivious": Oblivious(), "freshest_first": FreshestFirst(), "on_demand": OnDemand(), "two_level": tuned,
        "two_level_free": free, "mdp": mdp, "mdp_free": _free(mdp), "clairvoyant": Clairvoyant(),
    }  # fmt: skip
    for name, scheduler in schedulers.items():
        policy = scheduler.stock_policy(link)
        for seed in seeds:
            yield _about(regime, name, scheduler, seed) | simulate(regime, policy, seed, bursts)


def _about(regime: Regime, name: str, scheduler: Scheduler | None, seed: int) -> dict[str, Any]:
    limits = f"({scheduler.gap_limit}, {scheduler.burst_limit})" if isinstance(scheduler, TwoLevel) else ""
    return {"regime": regime.name, "scheduler": name, "limits": limits, "seed": seed}


def _coupled_cells(regime: Regime, mdp: Mdp, seeds: range, bursts: int) -> Iterator[dict[str, Any]]:
    """Yield one row per scheduler and seed, of links that share channels; `two_level_per_link`: each link has its own
    best limits, tuned alone.
    """
    bursts = max(20, bursts // 10)
    classes = [regime.link_class(supply) for supply in regime.supplies()]
    none = [_NO_GAIN] * regime.links

    def together(policy: StockPolicy, seed: int) -> dict[str, float]:
        return simulate_shared(regime, [policy] * regime.links, gains=none, seed=seed, bursts=bursts)

    def alone(supply: float) -> TwoLevel:
        single = replace(regime, supply=supply, links=1)
        return best_limits(lambda policy, seed: simulate(single, policy, seed, 3 * bursts), regime.slots)[1]

    tuned, free = best_limits(together, regime.slots)
    each = [alone(supply) for supply in regime.supplies()]
    common: dict[str, Scheduler] = {
        "oblivious": Oblivious(), "on_demand": OnDemand(), "max_weight": MaxWeight(),
        "linear_program": LinearProgram(), "two_level": tuned, "two_level_free": free,
    }  # fmt: skip
    for name, same in common.items():
        policies, rule = [same.stock_policy(link) for link in classes], channel_rule(same, classes, regime.channels)
        for seed in seeds:
            found = simulate_shared(regime, policies, gains=none, seed=seed, bursts=bursts, rule=rule)
            yield _about(regime, name, same, seed) | found
    policies = [limits.stock_policy(link) for limits, link in zip(each, classes, strict=True)]
    for seed in seeds:
        found = simulate_shared(regime, policies, gains=none, seed=seed, bursts=bursts)
        yield _about(regime, "two_level_per_link", None, seed) | found
    for name, scheduler in {"mdp": mdp, "mdp_free": _free(mdp)}.items():
        policies, gains = [scheduler.stock_policy(link) for link in classes], [_gains_of(scheduler, c) for c in classes]
        for seed in seeds:
            yield _about(regime, name, None, seed) | simulate_shared(
                regime, policies, gains=gains, seed=seed, bursts=bursts
            )


def channel_rule(scheduler: Scheduler, links: list[LinkClass], channels: int) -> ChannelRule:
    """Return how the hub ranks links under a scheduler: by its own rule if it has one, else it goes round."""
    if isinstance(scheduler, MaxWeight | LinearProgram):
        return scheduler.channel_rule(links, channels)
    return GOING_ROUND


def _gains_of(scheduler: Mdp, link: LinkClass) -> tuple[Any, Any]:
    """Return the values by which the hub ranks a link: Q(on) - Q(off) in every state of a gap and of a burst."""
    solved = scheduler.solved(link)
    two = (solved.first, solved.second)
    return np.stack([s.gap_gain for s in two]), np.stack([s.burst_gain for s in two])


def _bounds(regime: Regime) -> dict[str, float]:
    if regime.links > 1:
        links = [regime.relaxed_class(supply) for supply in regime.supplies()]
        bound, price = coupled_objective_bound(links, regime.channels, WASTE_PRICE)
        return {"objective_bound": bound, "channel_price": price}
    link = regime.relaxed_class(regime.supply)
    return {
        "objective_bound": objective_bound(link, WASTE_PRICE),
        "on_time_bound": on_time_bound(link, MIN_UTILIZATION),
    }


def _job(regime: Regime, mdp: Mdp, seeds: range, bursts: int) -> tuple[list[dict[str, Any]], dict[str, float]]:
    cells = _coupled_cells if regime.links > 1 else _cells
    return list(cells(regime, mdp, seeds, bursts)), _bounds(regime)


# --- the study ----------------------------------------------------------


def run_study(
    mdp: Mdp, *, seeds: range, bursts: int, regimes: list[Regime], done: Callable[[str], None]
) -> dict[str, Any]:
    """Simulate all cells on all cores; return `rows` (one per regime, scheduler and seed), `summary` (means with 95 %
    intervals over the seeds, Student's t), `bounds` by regime, and `gains` in J."""
    with worker_pool(available_cpus()) as pool:
        heaviest_first = sorted(regimes, key=lambda regime: -regime.links)
        futures = {regime.name: pool.submit(_job, regime, mdp, seeds, bursts) for regime in heaviest_first}
        results = {}
        for regime in heaviest_first:
            results[regime.name] = futures[regime.name].result()
            done(regime.name)
    rows = [row for regime in regimes for row in results[regime.name][0]]
    return {
        "rows": rows,
        "summary": summed(rows),
        "bounds": {regime.name: results[regime.name][1] for regime in regimes},
        "gains": _gains(rows),
    }


def with_intervals(values: list[float]) -> dict[str, float]:
    """Return the mean of values of independent seeds and half of the width of its 95 % interval."""
    return {"mean": float(np.mean(values)), "half_width_95": float(half_widths(np.array(values)))}


def _by(rows: list[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["regime"], row["scheduler"]), []).append(row)
    return found


def summed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return means with 95 % intervals over the seeds, one row per regime and scheduler."""
    return [
        {"regime": regime, "scheduler": scheduler, "limits": of_cell[0]["limits"]}
        | {
            name: with_intervals([row[name] for row in of_cell])
            for name in of_cell[0]
            if isinstance(of_cell[0][name], float)
        }
        for (regime, scheduler), of_cell in _by(rows).items()
    ]


def _gains(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return gains in J, paired by seed: mdp against the scheduler tuned under the same constraints, mdp_free against
    all."""
    cells = _by(rows)
    return [
        {"regime": regime, "of": ours, "over": other}
        | with_intervals([a["objective"] - b["objective"] for a, b in zip(cells[regime, ours], of_other, strict=True)])
        for (regime, other), of_other in cells.items()
        for ours in ("mdp", "mdp_free")
        if (other == "two_level" if ours == "mdp" else other not in ("mdp", "mdp_free", "clairvoyant"))
    ]
