"""The forecast that `dry_run=true` prints in place of a run."""

from __future__ import annotations

import sys

from ceas_ray.config.schema import RunSettings
from ceas_ray.runs.forecast import forecast
from ceas_ray.runs.run_warnings import warnings_of
from ceas_ray.tracking.console import print_table
from ceas_ray.world.builder import outline_world
from ceas_ray.world.world import Outline


def print_forecast(settings: RunSettings) -> None:
    """Print what a run of these settings would cost, and its warnings; raises SettingsError for settings of no run."""
    world = outline_world(settings)
    for line in world.inputs.notes:
        print(line, file=sys.stderr)
    found = forecast(settings, world)
    print_table(
        "A run of these settings (forecast; nothing was started)",
        {
            "links": settings.links.profile,
            "processors": _parties(settings, world),
            "Bell pairs used per round": round(found.pairs),
            "Bell pairs generated per round": round(found.generated_pairs),
            "Bell pairs generated in all": round(found.generated_in_all),
            "key bits distilled per round": round(found.key_bits),
            "simulated seconds, warm-up": found.warm_up_seconds,
            "simulated seconds per round": found.round_seconds,
            "simulated seconds in all": found.simulated_seconds,
            "wall seconds (one core, local)": found.wall_seconds,
            "memory (local), MB": round(found.memory_bytes / 2**20),
        },
    )
    for warning in warnings_of(settings):
        print(warning, file=sys.stderr)


def _parties(settings: RunSettings, world: Outline) -> str:
    """Say who runs a circuit, and what a shot of it costs."""
    circuit, groups = world.blueprint.shared_circuit, world.blueprint.network.groups
    if groups:
        who = f"{len(groups)} groups of {len(groups[0].members)} share a circuit"
        return f"{who} ({settings.training.partition}), {circuit.pairs_within} end-to-end pairs a shot"
    pairs = 0 if circuit.reuploaded else circuit.qubits
    return f"{settings.processors.count}, {pairs} pairs a shot"
