"""A general attacker: searches over shape and strength of its rows for what hurts the rule in use most. Ours."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from typing import Annotated

import numpy as np

from ceas_ray.attacks.attack import Attack, AttackContext, Floats, Knowledge, bounded
from ceas_ray.attacks.directions import scattered
from ceas_ray.attacks.little_is_enough import standard_score
from ceas_ray.attacks.noise_matched_shift import unseen_step
from ceas_ray.kernel.ranges import Range

FIRST_STEP, LAST_STEP = 0.5, 0.02


@dataclass(frozen=True)
class Shape:
    """Rows of one shape.

    against: how many times the mean is subtracted. spread: standard deviations of the known
    rows that are taken off in each coordinate, on the mean's side. noise: the part of its own honest deviation that a
    row keeps. idle: the share of the colluders who send their honest rows."""

    against: float
    spread: float
    noise: float
    idle: float

    def rows(self, seen: AttackContext) -> Floats:
        """Return the rows to send, (f, d)."""
        mean, deviation = np.mean(seen.known, axis=0), np.std(seen.known, axis=0)
        common = (1 - self.against) * mean - self.spread * np.sign(mean) * deviation
        rows: Floats = common + self.noise * scattered(seen.own)
        idle = round(min(1.0, max(0.0, self.idle)) * len(rows))
        rows[len(rows) - idle :] = seen.own[len(rows) - idle :]
        return bounded(rows)


@dataclass(frozen=True)
class OptimisingAttacker(Attack):
    """Sends the rows, of all of one `Shape`, that leave the least of the gradient in the aggregate.

    What is left is the aggregate's inner product with the mean of the known rows. The search knows the rule in use and
    tries it `evaluations` times a round: first the shapes of other attacks (copies against the mean, a little is
    enough, shifts with honest noise, shrinkage), then a compass search from the best of them, whose steps halve when
    none helps. It draws nothing, so it finds the same on every machine.
    """

    evaluations: Annotated[int, Range(1, 1000)]
    knowledge: Knowledge

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Floats:
        """See `Attack`."""
        mean, left = np.mean(seen.known, axis=0), self.evaluations
        best, least = None, np.inf
        for shape in starting_shapes(seen)[:left]:
            found, left = float(seen.outcome(shape.rows(seen)) @ mean), left - 1
            if best is None or found < least:
                best, least = shape, found
        assert best is not None, "at least one shape is tried"
        step = FIRST_STEP
        while left > 0 and step >= LAST_STEP:
            before = best
            for shape in neighbours(best, step)[:left]:
                found, left = float(seen.outcome(shape.rows(seen)) @ mean), left - 1
                if found < least:
                    best, least = shape, found
                    break
            step = step if best is not before else step / 2
        return best.rows(seen)


def starting_shapes(seen: AttackContext) -> list[Shape]:
    """Return the shapes of known attacks, as far as they are of this kind."""
    mean = float(np.linalg.norm(np.mean(seen.known, axis=0)))
    z = standard_score(seen.population, len(seen.own))
    unseen = unseen_step(seen, np.mean(seen.known, axis=0) / mean) / mean if mean > 0 else 0.0
    return [
        Shape(against=1.0, spread=0.0, noise=0.0, idle=0.0),
        Shape(against=3.0, spread=0.0, noise=0.0, idle=0.0),
        Shape(against=0.0, spread=z, noise=0.0, idle=0.0),
        Shape(against=0.0, spread=z, noise=1.0, idle=0.0),
        Shape(against=unseen, spread=0.0, noise=1.0, idle=0.0),
        Shape(against=1.0, spread=0.0, noise=0.75, idle=0.0),
        Shape(against=2.0, spread=0.0, noise=1.0, idle=0.5),
    ]


def neighbours(shape: Shape, step: float) -> list[Shape]:
    """Return shapes one step away: by a factor along the mean and by sums else, larger first."""
    scale = max(1.0, abs(shape.against))
    near = [replace(shape, against=shape.against + sign * step * scale) for sign in (1, -1)]
    near += [replace(shape, spread=shape.spread + sign * step) for sign in (1, -1)]
    near += [replace(shape, noise=max(0.0, shape.noise + sign * step)) for sign in (1, -1)]
    near += [replace(shape, idle=min(1.0, max(0.0, shape.idle + sign * step / 2))) for sign in (1, -1)]
    return [other for other in near if astuple(other) != astuple(shape)]
