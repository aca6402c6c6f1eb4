"""The picture of a distributed circuit: nodes from top to bottom, layers from left to right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ceas_ray.distribution.program import Apply, Copy, Flip, PhaseGate, Place
from ceas_ray.distribution.schedule import Schedule
from ceas_ray.reports.plots import pyplot_without_window

GAP = 1.0
"""Distance between the lines of two nodes, in lines."""


def draw(schedule: Schedule, path: Path) -> None:
    """Draw which physical qubits are in use when, their gates, and the Bell pairs between nodes; write it to `path`."""
    pyplot = pyplot_without_window()
    height = _heights(schedule)
    figure, axes = pyplot.subplots(
        figsize=(min(60.0, 3 + 0.25 * schedule.depth), min(60.0, 1.5 + 0.3 * max(height.values(), default=0)))
    )
    for place, (begin, end) in schedule.lifetimes.items():
        color = "black" if place in schedule.program.start or place in schedule.program.end else "tab:blue"
        axes.plot([begin - 0.4, end + 0.4], [height[place]] * 2, color=color, linewidth=0.8)
    for step, layer in zip(schedule.program.steps, schedule.layer, strict=True):
        if isinstance(step, Apply):
            axes.plot(layer, height[step.at], "s", color="tab:gray", markersize=5)
        elif isinstance(step, PhaseGate):
            axes.plot([layer] * 2, [height[step.first], height[step.second]], "o-", color="black", markersize=3)
        elif isinstance(step, Flip):
            axes.plot([layer] * 2, [height[step.control], height[step.target]], "o-", color="tab:blue", markersize=3)
        elif isinstance(step, Copy):
            axes.plot([layer] * 2, [height[step.near], height[step.far]], "o:", color="tab:red", markersize=3)
        else:
            axes.plot(layer, height[step.at], "x", color="tab:blue", markersize=5)
    _label(axes, schedule, height)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _heights(schedule: Schedule) -> dict[Place, float]:
    """Return the line of each place, from the top."""
    found: dict[Place, float] = {}
    top = 0.0
    for node in range(len(schedule.program.nodes)):
        numbers = {place: number for place, number in schedule.register.items() if place.node == node}
        found |= {place: top + number for place, number in numbers.items()}
        top += max(numbers.values(), default=-1) + 1 + GAP
    return found


def _label(axes: Any, schedule: Schedule, height: dict[Place, float]) -> None:
    lines: dict[int, list[float]] = {}
    for place, line in height.items():
        lines.setdefault(place.node, []).append(line)
    middles = {node: (min(of_node) + max(of_node)) / 2 for node, of_node in lines.items()}
    names = [schedule.program.nodes[node] for node in middles]
    axes.set_yticks(list(middles.values()), names)
    axes.invert_yaxis()
    axes.set_xlabel("layer (red: a Bell pair and a copy, blue: copies, x: the end of a copy)")
