"""Training runs that end where a level of accuracy is reached, with the Bell pairs that it took."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict

import numpy as np

from ceas_ray.kernel.windows import Simulation
from ceas_ray.messages.observations import RoundObserved, StallObserved, WarmUpObserved
from ceas_ray.messages.pair_books import GENERATED, TESTING, TRAINING
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.studies.headline.design import Run
from ceas_ray.studies.headline.training_runs import Result, built


def train_to_level(run: Run, level: float, level_rounds: int, pair_budget: int) -> Result:
    """Train one run in this process, until the mean test accuracy of its last `level_rounds` rounds is at least
    `level`, its rounds are over, or it has generated `pair_budget` pairs for shots and tests.

    Return whether the level was reached, and what it took: rounds, Bell pairs generated for shots and tests (pairs),
    those with keys (all_pairs) and simulated seconds, the warm-up included. accuracy: that mean at the end; chance of a
    run that ended before. curve: pairs and accuracy after each round.
    """
    _, world = built(run)
    started, chance = time.perf_counter(), world.data.chance_accuracy
    generated, seconds, last = np.zeros(3, np.int64), 0.0, deque[float](maxlen=level_rounds)
    curve: list[str] = []
    status, digest, mean = "censored", b"", chance
    for end in Simulation(LocalCluster(world.one_host())).rounds():
        observed = [observation.payload for observation in end.observations]
        for seen in observed:
            if isinstance(seen, WarmUpObserved | RoundObserved | StallObserved):
                generated, seconds = generated + seen.books.counts[:, GENERATED], seconds + seen.simulated_seconds
        if any(isinstance(seen, StallObserved) for seen in observed):
            status = "stalled"
            break
        digest, pairs = end.digest, int(generated[TRAINING] + generated[TESTING])
        if end.mark.round_index < 0:
            continue
        last.append(float(world.evaluation(np.asarray(end.mark.model))[1]))
        curve.append(f"{pairs}:{last[-1]:.4f}")
        if len(last) == level_rounds:
            mean = float(np.mean(last))
        if len(last) == level_rounds and mean >= level:
            status = "reached"
            break
        if pairs >= pair_budget:
            break
    return asdict(run) | {
        "status": status, "reached": status == "reached", "rounds": len(curve), "accuracy": mean, "chance": chance,
        "pairs": int(generated[TRAINING] + generated[TESTING]), "all_pairs": int(generated.sum()),
        "simulated_seconds": seconds, "curve": " ".join(curve), "trace_digest": digest.hex(),
        "wall_seconds": time.perf_counter() - started,
    }  # fmt: skip
